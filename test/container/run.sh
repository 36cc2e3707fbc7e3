#!/usr/bin/env bash
# Builds the image of the Dockerfile's default target and checks it with real requests; needs no Docker engine and no
# image registry.
#
# Needs: root, Debian on amd64, Node with npm, and the configured package sources of apt and npm. What else it uses
# (buildah, debootstrap) it installs with apt-get. The base image is made here: Debian bookworm and this machine's Node.
#
#   ROOST_CONTAINER_CACHE   the folder that keeps the Debian system for the next run
#                           (default: roost-container in XDG_CACHE_HOME or ~/.cache; delete it to get a new system)
set -euo pipefail
umask 022

here=$(cd "$(dirname "$0")" && pwd)
repository=$(cd "$here/../.." && pwd)
cache=${ROOST_CONTAINER_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/roost-container}
codename=bookworm
system=$cache/$codename-amd64.tar

fail() {
  echo "test/container/run.sh: $*" >&2
  exit 1
}
step() {
  printf '\n== %s (%s s)\n' "$*" "$SECONDS"
}

[ "$(id -u)" = 0 ] || fail 'must run as root'
[ "$(dpkg --print-architecture 2>/dev/null)" = amd64 ] || fail 'must run on Debian, on amd64'
command -v node >/dev/null && command -v npm >/dev/null || fail 'node and npm must be installed'

# Everything of this run is in here: images, containers, temporary files. Not in /tmp, which may be a small RAM disk.
work=$(mktemp -d /var/tmp/roost-container.XXXXXX)
export TMPDIR=$work/tmp
mkdir "$TMPDIR"

remove_work() {
  local root mount
  # Containers share this machine's process table; theirs are the processes that have their root in here.
  for root in /proc/[0-9]*/root; do
    case $(readlink "$root" || true) in
      "$work"/*) kill -KILL "$(basename "$(dirname "$root")")" || true ;;
    esac
  done
  awk -v work="$work/" 'index($2, work) == 1 { print $2 }' /proc/mounts | sort -r | while read -r mount; do
    umount --lazy "$mount" || true
  done
  rm -rf --one-file-system "$work"
}
cleanup() {
  # After an interruption, what is being ended may still write.
  for _ in {1..20}; do
    remove_work 2>/dev/null && return
    sleep 0.5
  done
  echo "could not remove $work" >&2
}
trap cleanup EXIT

packages=()
for package in buildah debootstrap debian-archive-keyring; do
  dpkg-query --show --showformat '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || packages+=("$package")
done
if [ ${#packages[@]} -gt 0 ]; then
  step "installing ${packages[*]}"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
fi

if [ ! -f "$system" ]; then
  step "making a Debian $codename system"
  apt-get update -qq
  # The mirror that apt has the machine's own release from.
  release=$(. /etc/os-release && echo "$VERSION_CODENAME")
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Component: main' "Codename: $release" | sed -n 1p)
  [ -n "$mirror" ] || fail "apt has no package source for $release"
  debootstrap --variant=minbase --force-check-gpg "$codename" "$work/system" "$mirror" >"$work/debootstrap.log" ||
    { cat "$work/debootstrap.log" >&2; fail 'debootstrap failed'; }
  mkdir -p "$cache"
  tar -C "$work/system" --exclude './dev/*' --exclude './var/cache/apt/*' --exclude './var/lib/apt/lists/*' \
    -cf "$system.$$" .
  mv "$system.$$" "$system"
  rm -rf --one-file-system "$work/system"
fi

# Layers that are mounted, not copied, where the kernel lets this do so.
driver=overlay
mkdir "$work/lower" "$work/upper" "$work/index" "$work/merged"
mount -t overlay -o "lowerdir=$work/lower,upperdir=$work/upper,workdir=$work/index" overlay "$work/merged" 2>/dev/null &&
  umount "$work/merged" || driver=vfs

# The docker format has the health check, which the OCI format lacks.
export BUILDAH_ISOLATION=chroot BUILDAH_FORMAT=docker CONTAINERS_STORAGE_CONF=$work/storage.conf
cat >"$CONTAINERS_STORAGE_CONF" <<END
[storage]
driver = "$driver"
graphroot = "$work/storage"
runroot = "$work/run"
END

step 'making the base image'
base=$(buildah from scratch)
root=$(buildah mount "$base")
tar -C "$root" -xf "$system"
# At the places where the public Node image has them.
node=$(node -p process.execPath)
npm=$(dirname "$(dirname "$(readlink -f "$(command -v npm)")")")
mkdir -p "$root/usr/local/lib/node_modules" "$root/usr/local/etc"
cp "$node" "$root/usr/local/bin/node"
cp -r "$npm" "$root/usr/local/lib/node_modules/npm"
ln -s ../lib/node_modules/npm/bin/npm-cli.js "$root/usr/local/bin/npm"
ldd "$node" | awk '$2 == "=>" { print $3 }' | while read -r library; do
  [ -e "$root$library" ] || install -D "$library" "$root$library"
done
# How this machine reaches its npm registry.
globalconfig=$(npm config get globalconfig 2>/dev/null)
[ ! -f "$globalconfig" ] || cp "$globalconfig" "$root/usr/local/etc/npmrc"
for bundle in /etc/ssl/certs/ca-certificates.crt "${NODE_EXTRA_CA_CERTS:-}"; do
  [ ! -f "$bundle" ] || install -D -m 644 "$bundle" "$root$bundle"
done
[ -z "${NODE_EXTRA_CA_CERTS:-}" ] || buildah config --env "NODE_EXTRA_CA_CERTS=$NODE_EXTRA_CA_CERTS" "$base"
buildah unmount "$base" >/dev/null
buildah commit --quiet --rm "$base" localhost/roost-base >/dev/null

step 'building the image'
buildah build --quiet --pull=never --build-arg BASE=localhost/roost-base --tag localhost/roost "$repository" >"$work/build.log" 2>&1 ||
  { cat "$work/build.log" >&2; fail 'the build failed'; }

step 'checking the image'
node "$here/check.mjs" localhost/roost "$work"
