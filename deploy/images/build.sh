#!/usr/bin/env bash
# Builds the images outflow-agent and outflow-aggregator with buildah and tries them.
#
#   deploy/images/build.sh                     builds the programs from this tree, in the image's own Debian
#   deploy/images/build.sh --from-build DIR    takes the programs of DIR/bin, built before on this machine: quick, for
#                                              trying things out. It must be Debian 12; the images then hold what was
#                                              built there (a debug build, say, or with local changes), and the label
#                                              image.revision says "given" instead of a commit
#   --base IMAGE        what to build on: docker.io/library/debian:bookworm-slim unless told otherwise
#   --base mmdebstrap   makes a Debian 12 from its packages instead of asking a registry; also done when the
#                       registry cannot be reached and no --base was given
#   --tag TAG           the project's version unless told otherwise
#   --output DIR        also writes outflow-agent.tar and outflow-aggregator.tar (OCI archives) there
#   --no-smoke          does not try them
#
# Needs root and Debian's buildah (and mmdebstrap). A ccache (CCACHE_DIR, ~/.cache/ccache) is lent to the build where
# there is one. Behind a mirror or proxy: OUTFLOW_APT_MIRROR, OUTFLOW_APT_SECURITY_MIRROR (for mmdebstrap), http_proxy.
# Ends with a line for each image: its name and size.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
registry_base=docker.io/library/debian:bookworm-slim
base='' from_build='' tag='' output='' smoke=1 programs=''

say() { printf 'images: %s  [%d s]\n' "$*" "$SECONDS"; }
die() { echo "images: $*" >&2; exit 1; }
usage() { sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0"; }

while [ $# -gt 0 ]; do
  case $1 in
    --base | --from-build | --tag | --output)
      [ $# -ge 2 ] || { echo "images: $1 needs a value" >&2; exit 2; }
      case $1 in
        --base) base=$2 ;;
        --from-build) from_build=$(realpath "$2") ;;
        --tag) tag=$2 ;;
        --output) output=$2 ;;
      esac
      shift ;;
    --no-smoke) smoke=0 ;;
    -h | --help) usage; exit 0 ;;
    *) echo "images: what is $1? --help lists what there is" >&2; exit 2 ;;
  esac
  shift
done
[ "$(id -u)" = 0 ] || die 'needs root: buildah makes a root file system'
command -v buildah >/dev/null || die 'buildah is missing: apt-get install --no-install-recommends buildah'
version=$(sed -nE 's/^project\(outflow VERSION ([0-9.]+).*/\1/p' "$root/CMakeLists.txt")
tag=${tag:-$version}

work=$(mktemp -d)
container=''
clear_up() {
  [ -z "$container" ] || buildah rm "$container" >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap clear_up EXIT
trap 'exit 130' INT TERM

# quietly NAME COMMAND...: its output only when it fails.
quietly() {
  local log=$work/$1.log
  shift
  "$@" >"$log" 2>&1 </dev/null || { tail -n 40 "$log" >&2; die "failed: ${*:1:3} ..."; }
}

debian_from_packages() {
  local mirror=${OUTFLOW_APT_MIRROR:-http://deb.debian.org/debian}
  local security=${OUTFLOW_APT_SECURITY_MIRROR:-http://deb.debian.org/debian-security}
  command -v mmdebstrap >/dev/null || die 'mmdebstrap is missing: apt-get install --no-install-recommends mmdebstrap'
  say 'making a Debian 12 from its packages'
  quietly mmdebstrap mmdebstrap --variant=minbase bookworm "$work/base.tar" "deb $mirror bookworm main" \
    "deb $mirror bookworm-updates main" "deb $security bookworm-security main"
  container=$(buildah from scratch)
  quietly add buildah add "$container" "$work/base.tar" /
  quietly commit buildah commit --rm "$container" localhost/outflow-base:bookworm
  container=''
  rm -f "$work/base.tar"
  base=localhost/outflow-base:bookworm
}

choose_base() {
  if [ "$base" = mmdebstrap ]; then
    debian_from_packages
  elif [ -z "$base" ]; then
    base=$registry_base
    if ! timeout 60 buildah pull --quiet "$base" >"$work/pull.log" 2>&1; then
      say "$base cannot be had: $(tail -n 1 "$work/pull.log" | cut -c1-160)"
      debian_from_packages
    fi
  fi
}

# Only what the Dockerfile copies: a tree that was built in is gigabytes.
make_context() {
  mkdir -p "$work/context/deploy" "$work/context/bin"
  cp -r "$root"/{CMakeLists.txt,CMakePresets.json,LICENSE,agent,aggregator,bpf,common,proto} "$work/context/"
  cp -r "$root"/deploy/{images,install-packages.sh,packages} "$work/context/deploy/"
  [ -n "$from_build" ] || return 0
  local program
  for program in outflow outflow-agent outflow-aggregator; do
    [ -x "$from_build/bin/$program" ] || die "$from_build/bin/$program is missing"
    strip -o "$work/context/bin/$program" "$from_build/bin/$program"
  done
}

# build_target TARGET NAME ARGUMENT...
build_target() {
  local target=$1 name=$2
  shift 2
  say "building $name:$tag"
  quietly "$name" buildah build --isolation chroot --layers --force-rm --file "$work/context/deploy/images/Dockerfile" --target "$target" \
    --build-arg BASE="$base" --build-arg VERSION="$version" "$@" --tag "localhost/$name:$tag" "$work/context"
}

# Sets `programs`, where the images take the programs from. By itself this buildah does not see that a stage named by
# an argument is wanted, so the programs are an image of their own, which is kept: it makes the next build quick.
build_programs() {
  local cache=${CCACHE_DIR:-${HOME:-/root}/.cache/ccache} lent=()
  if [ -n "$from_build" ]; then
    build_target given outflow-programs
  else
    if [ -d "$cache" ]; then lent=(--volume "$cache:/ccache:rw"); fi
    build_target built outflow-programs --build-arg JOBS="$(nproc)" "${lent[@]}"
  fi
  programs=localhost/outflow-programs:$tag
}

build_image() {
  local revision
  revision=$(git -C "$root" rev-parse HEAD 2>/dev/null || echo unknown)
  if [ -n "$from_build" ]; then revision=given; fi
  build_target "${1#outflow-}" "$1" --build-arg PROGRAMS="$programs" --build-arg REVISION="$revision"
}

# within COMMAND...: in the container, as its user.
within() { buildah run --isolation chroot "$container" -- "$@"; }

# Says which version it is, and finds every library.
smoke_program() {
  local program=$1 said
  said=$(within "/usr/bin/$program" --version) || die "$program --version failed"
  [ "$said" = "$program $version" ] || die "$program --version said: $said"
  within "/usr/bin/$program" --help >"$work/help" || die "$program --help failed"
  within ldd "/usr/bin/$program" >"$work/ldd"
  ! grep 'not found' "$work/ldd" || die "libraries of $program are missing"
}

# The aggregator serves from the image, as its user, with nothing but /data to write to. In a network namespace of
# its own, so that its ports are free.
smoke_aggregator() {
  local data=$work/data
  install -d -o 65532 -g 65532 "$data"
  cat >"$work/serve" <<'SERVE'
set -eu
container=$1 data=$2 out=$3
ip link set lo up
buildah run --isolation chroot --volume "$data:/data:rw" "$container" -- /usr/bin/outflow-aggregator --data-dir /data/store \
  --http-listen 127.0.0.1:9102 >"$out" 2>&1 &
served=$!
trap 'kill $served 2>/dev/null || true; wait $served || true' EXIT
for try in $(seq 100); do
  if curl -sf http://127.0.0.1:9102/healthz >/dev/null; then exit 0; fi
  kill -0 $served || exit 1
  sleep 0.2
done
exit 1
SERVE
  unshare --net bash "$work/serve" "$container" "$data" "$work/aggregator.log" || { tail -n 20 "$work/aggregator.log" >&2; die 'the aggregator does not answer /healthz'; }
  [ "$(stat -c %u "$data/store")" = 65532 ] || die "the aggregator's files are not its user's"
}

smoke_image() {
  local name=$1
  container=$(buildah from --pull-never "localhost/$name:$tag")
  if [ "$name" = outflow-agent ]; then
    smoke_program outflow-agent
  else
    smoke_program outflow-aggregator
    smoke_program outflow
    within /usr/bin/outflow-certificates --help >"$work/help" || die 'outflow-certificates --help failed'
    smoke_aggregator
  fi
  buildah rm "$container" >/dev/null
  container=''
  say "$name works"
}

choose_base
make_context
build_programs
for name in outflow-agent outflow-aggregator; do
  build_image $name
  if [ $smoke = 1 ]; then smoke_image $name; fi
  if [ -n "$output" ]; then
    mkdir -p "$output"
    rm -f "$output/$name.tar"
    quietly push buildah push "localhost/$name:$tag" "oci-archive:$output/$name.tar:$name:$tag"
  fi
done
for name in outflow-agent outflow-aggregator; do
  size=$(buildah images --format '{{.Size}}' "localhost/$name:$tag" | head -n 1)
  echo "localhost/$name:$tag $size"
done
