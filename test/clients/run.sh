#!/usr/bin/env bash
# Uses the built server as its clients do: the seed's own Python client, OpenAI's for Python and Node, Hugging Face's,
# FastAPI's validation as the reference, schemathesis, and Swagger UI in Chromium. Ends with a line `N passed, N failed`.
#
# Needs: the built server (npm ci && npm run build), Node with npm, Python 3.11 or later with venv, and the package
# sources of pip and npm; for Chromium, if it is not installed, Debian with root and the package sources of apt.
#
#   ROOST_CLIENTS_CACHE        the folder that keeps what is installed for the next run
#                              (default: roost-clients in XDG_CACHE_HOME or ~/.cache)
#   ROOST_CLIENTS_SCREENSHOT   where to write a picture of Swagger UI, as PNG (default: nowhere)
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
repository=$(cd "$here/../.." && pwd)
cache=${ROOST_CLIENTS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/roost-clients}
python=$cache/python/bin/python
playwright=1.65.1
# For the clients that need a newer Node than the server does.
client_node=24

fail() {
  echo "test/clients/run.sh: $*" >&2
  exit 1
}
step() {
  printf '\n== %s (%s s)\n' "$*" "$SECONDS"
}

[ -f "$repository/dist/main.js" ] || fail 'the server is not built: npm ci && npm run build'
python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || fail 'python3 must be 3.11 or later'

work=$(mktemp -d)
running=
cleanup() {
  # It stops its server before it ends.
  [ -z "$running" ] || { kill "$running" 2>/dev/null && wait "$running"; } || true
  rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

if ! cmp -s "$here/requirements.txt" "$cache/python/installed.txt"; then
  step 'installing the Python packages'
  mkdir -p "$cache"
  python3 -m venv --clear "$cache/python"
  "$python" -m pip install --quiet --disable-pip-version-check --requirement "$here/requirements.txt"
  cp "$here/requirements.txt" "$cache/python/installed.txt"
fi
if [ "$(cat "$cache/npm/installed.txt" 2>/dev/null)" != "$playwright" ]; then
  step 'installing Playwright'
  mkdir -p "$cache/npm"
  # Without its scripts: a browser of its own is not needed.
  npm install --prefix "$cache/npm" --no-audit --no-fund --ignore-scripts --loglevel=error "playwright-core@$playwright"
  echo "$playwright" >"$cache/npm/installed.txt"
fi
if ! cmp -s "$here/node/package-lock.json" "$cache/node/installed.json"; then
  step 'installing the Node packages'
  mkdir -p "$cache/node"
  cp "$here"/node/package*.json "$cache/node/"
  npm ci --prefix "$cache/node" --no-audit --no-fund --ignore-scripts --loglevel=error
  cp "$here/node/package-lock.json" "$cache/node/installed.json"
fi
node=node
if ! node -e 'process.exit(parseInt(process.versions.node) < 22 ? 1 : 0)'; then
  node=$cache/node-$client_node/node_modules/.bin/node
  if ! "$node" --version >/dev/null 2>&1; then
    step "installing Node $client_node"
    # The package brings its binary by an install script.
    npm install --prefix "$cache/node-$client_node" --no-audit --no-fund --ignore-scripts=false --loglevel=error "node@$client_node"
  fi
fi
if ! command -v chromium >/dev/null; then
  step 'installing Chromium'
  [ "$(id -u)" = 0 ] || fail 'Chromium is missing, and only root can install it'
  command -v apt-get >/dev/null || fail 'Chromium is missing, and only on Debian is it known how to install it'
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core >/dev/null
fi

# Nothing is to be left in the repository, and no variable of the caller's is to change a test.
export PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 HF_HOME=$work/huggingface TMPDIR=$work
export NO_PROXY=127.0.0.1 no_proxy=127.0.0.1
unset PYTEST_ADDOPTS PYTEST_PLUGINS HF_TOKEN HUGGING_FACE_HUB_TOKEN
cd "$work"
# Node looks for packages beside the file that imports them.
mkdir "$work/node"
cp "$here"/node/*.mjs "$work/node/"
ln -s "$cache/node/node_modules" "$work/node/node_modules"
export ROOST_GOLDEN=$repository/models/demo/golden.json

passed=0
failed=0
# part NAME [SETTING ...] -- COMMAND [ARGUMENT ...]: each part has a server of its own, with these settings.
part() {
  local name=$1 status=0 counted_failures=0 p f
  shift
  step "$name"
  : >"$work/counts"
  # In the background, so that a signal to this script is heeded at once.
  ROOST_CLIENTS_COUNTS=$work/counts node "$here/with-server.mjs" "$@" &
  running=$!
  wait "$running" || status=$?
  running=
  while read -r p f; do
    passed=$((passed + p))
    counted_failures=$((counted_failures + f))
  done <"$work/counts"
  # A part that ends early has not counted what it did not get to.
  [ "$status" -eq 0 ] || [ "$counted_failures" -gt 0 ] || counted_failures=1
  failed=$((failed + counted_failures))
}
pytest=("$python" -m pytest --rootdir "$here" --config-file /dev/null -p no:cacheprovider --quiet --tb=short)
node_test=("$node" --test --test-reporter="$work/node/reporter.mjs")

part "the seed's client" -- "${pytest[@]}" "$here/test_seed_client.py"
part "OpenAI's client for Python" -- "${pytest[@]}" "$here/test_openai.py" "$here/test_openai_responses.py"
part "Anthropic's client for Python" -- "${pytest[@]}" "$here/test_anthropic.py"
part "OpenAI's client for Node" -- "${node_test[@]}" "$work/node/openai.test.mjs" "$work/node/openai-responses.test.mjs"
part "Anthropic's client for Node" -- "${node_test[@]}" "$work/node/anthropic.test.mjs"
part "Hugging Face's client for Python" -- "${pytest[@]}" "$here/test_huggingface_hub.py"
part "Hugging Face's client for Node" -- "${node_test[@]}" "$work/node/huggingface.test.mjs"
part 'the same answers as FastAPI' -- "${pytest[@]}" "$here/test_fastapi_parity.py"
# Short answers and a small context keep thousands of requests cheap.
part 'the OpenAPI document, by schemathesis' MAX_NEW_TOKENS=8 MAX_MODEL_LEN=128 -- "${pytest[@]}" "$here/test_openapi.py"
part 'Swagger UI in Chromium' -- node "$here/swagger_ui.mjs" "$cache/npm/" "$(command -v chromium)"

printf '\n%s passed, %s failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
