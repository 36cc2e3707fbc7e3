#!/usr/bin/env bash
# Checks what is in deploy/: the Kubernetes manifests and the compose file against their schemas, and HAProxy with three
# replicas of the built server under load. Ends with a line `N passed, N failed`.
#
# Needs: the built server (npm ci && npm run build), Node, kubectl, Python 3 with venv and the package source of pip, and Go
# with its module proxy (for compose-go, which is built in a minute); for HAProxy, if it is not installed, Debian with root
# and the package sources of apt.
#
#   ROOST_DEPLOY_CACHE   the folder that keeps the validators for the next run
#                        (default: roost-deploy in XDG_CACHE_HOME or ~/.cache)
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
repository=$(cd "$here/../.." && pwd)
cache=${ROOST_DEPLOY_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/roost-deploy}
kubernetes=1.30
# Has the schemas of Kubernetes in it.
kubernetes_validate=kubernetes-validate==1.37.0
kubernetes_python=$cache/${kubernetes_validate/==/-}
# What Docker Compose reads its files with.
compose_go=github.com/compose-spec/compose-go/v2/cmd@v2.16.2
compose_program=$cache/compose-go-${compose_go##*@}

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

if [ ! -x "$kubernetes_python/bin/kubernetes-validate" ]; then
  step "installing $kubernetes_validate"
  mkdir -p "$cache"
  python3 -m venv --clear "$kubernetes_python"
  "$kubernetes_python/bin/python" -m pip install --quiet --disable-pip-version-check "$kubernetes_validate"
fi
if [ ! -x "$compose_program" ]; then
  step "building $compose_go"
  command -v go >/dev/null || fail "Go is missing, and $compose_program is not there"
  mkdir -p "$cache"
  GOBIN=$work GOFLAGS=-mod=mod go install "$compose_go" || fail 'it could not be built'
  mv "$work/cmd" "$compose_program"
fi
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
not() {
  ! "$@"
}
# A kind that it does not know is only a warning.
validate() {
  "$kubernetes_python/bin/kubernetes-validate" --kubernetes-version "$kubernetes" --strict "$1" &&
    ! grep -q '^WARN' "$work/output"
}
# refuses PATTERN REPLACEMENT: the manifests with one mistake.
refuses() {
  sed "s/$1/$2/" "$manifests" >"$work/wrong.yaml"
  ! cmp -s "$manifests" "$work/wrong.yaml" && ! validate "$work/wrong.yaml"
}

step 'manifests'
manifests=$work/manifests.yaml
check 'kustomize builds the manifests' kubectl kustomize "$repository/deploy/kubernetes/base" --output "$manifests"
check "they are what Kubernetes $kubernetes takes" validate "$manifests"
check 'a field with a wrong name would be seen' refuses readOnlyRootFilesystem readonlyRootFilesystem
check 'a value of a wrong type would be seen' refuses 'maxReplicas: 8' 'maxReplicas: eight'
check 'a kind that does not exist would be seen' refuses 'kind: PodDisruptionBudget' 'kind: PodDisruption'
check 'a pod has the probes of the server, and the time to end' "$kubernetes_python/bin/python" "$here/pod.py" "$manifests"
check 'the compose file is one' env -C "$repository/deploy" "$compose_program" compose.yaml
sed 's/stop_grace_period/stop_graceperiod/' "$repository/deploy/compose.yaml" >"$work/compose.yaml"
check 'a field of it with a wrong name would be seen' not "$compose_program" "$work/compose.yaml"
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
