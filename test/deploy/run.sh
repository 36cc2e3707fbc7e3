#!/usr/bin/env bash
# Checks what is in deploy/: the Kubernetes manifests and the compose file against their schemas, and HAProxy with three
# replicas of the built server under load. Ends with a line `N passed, N failed`.
#
# Needs: the built server (npm ci && npm run build), Node, kubectl, and Go with its module proxy, from which the validators
# are built (which takes some minutes the first time); for HAProxy, if it is not installed, Debian with root and the package
# sources of apt.
#
#   ROOST_DEPLOY_CACHE   the folder that keeps the validators for the next run
#                        (default: roost-deploy in XDG_CACHE_HOME or ~/.cache)
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
repository=$(cd "$here/../.." && pwd)
cache=${ROOST_DEPLOY_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/roost-deploy}
kubernetes=1.30
# Has the schemas of Kubernetes in it, and checks as the API server does.
kubectl_validate=sigs.k8s.io/kubectl-validate@v0.0.4
compose_go=github.com/compose-spec/compose-go/v2/cmd@v2.16.2

fail() {
  echo "test/deploy/run.sh: $*" >&2
  exit 1
}
step() {
  printf '\n== %s (%s s)\n' "$*" "$SECONDS"
}

[ -f "$repository/dist/main.js" ] || fail 'the server is not built: npm ci && npm run build'
command -v kubectl >/dev/null || fail 'kubectl is missing'
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# tool NAME MODULE: the program of a Go module.
tool() {
  [ -x "$cache/${2##*@}/$1" ] && return
  command -v go >/dev/null || fail "Go is missing, and $1 is not in $cache"
  step "building $2"
  mkdir -p "$cache/${2##*@}"
  GOBIN=$work GOFLAGS=-mod=mod go install "$2" || fail "$2 could not be built"
  local program=${2%@*}
  mv "$work/${program##*/}" "$cache/${2##*@}/$1"
}
tool kubectl-validate "$kubectl_validate"
tool compose-go "$compose_go"
if ! command -v haproxy >/dev/null; then
  step 'installing HAProxy'
  [ "$(id -u)" = 0 ] || fail 'HAProxy is missing, and only root can install it'
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends haproxy >/dev/null
fi

passed=0
failed=0
# check NAME COMMAND [ARGUMENT ...]
check() {
  local name=$1
  shift
  if "$@" >"$work/output" 2>&1; then
    passed=$((passed + 1))
    echo "  ok      $name"
  else
    failed=$((failed + 1))
    echo "  FAILED  $name"
    cat "$work/output"
  fi
}
validate() {
  "$cache/${kubectl_validate##*@}/kubectl-validate" --version "$kubernetes" "$1"
}
refuses() {
  ! "$@"
}

step 'manifests'
manifests=$work/manifests.yaml
check 'kustomize builds the manifests' kubectl kustomize "$repository/deploy/kubernetes/base" --output "$manifests"
check "they are what Kubernetes $kubernetes takes" validate "$manifests"
sed 's/readOnlyRootFilesystem/readonlyRootFilesystem/' "$manifests" >"$work/wrong.yaml"
check 'a field with a wrong name would be seen' refuses validate "$work/wrong.yaml"
check 'the compose file is one' env -C "$repository/deploy" "$cache/${compose_go##*@}/compose-go" compose.yaml
check 'HAProxy takes its configuration' env ROOST_BIND=127.0.0.1:9 ROOST_1=127.0.0.1:1 ROOST_2=127.0.0.1:2 ROOST_3=127.0.0.1:3 \
  haproxy -c -f "$repository/deploy/haproxy/haproxy.cfg"

step 'three replicas behind HAProxy'
node "$here/balancing.mjs" 2>"$work/proxy.log" | tee "$work/balancing.log" || true
counts=$(grep -E '^[0-9]+ passed, [0-9]+ failed$' "$work/balancing.log" || true)
if [ -n "$counts" ]; then
  passed=$((passed + ${counts%% *}))
  counts=${counts#*, }
  failed=$((failed + ${counts%% *}))
else
  failed=$((failed + 1))
  cat "$work/proxy.log"
fi

printf '\n%s passed, %s failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
