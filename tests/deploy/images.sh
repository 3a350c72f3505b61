#!/usr/bin/env bash
# The two images, made of this build's programs on a Debian made of packages: they run, as whom they should, and hold
# nothing to become another with.
# shellcheck source=tests/deploy/case.sh
source "$(dirname "$0")/case.sh"
[ "$(id -u)" = 0 ] || skip PRIVILEGED 'building images takes root'
for tool in buildah mmdebstrap unshare curl; do command -v $tool >/dev/null || skip PRIVILEGED "$tool is not there"; done
bin=${PROGRAMS_BIN:-$root/build/dev/bin}
for program in outflow outflow-agent outflow-aggregator; do [ -x "$bin/$program" ] || skip PRIVILEGED "$bin/$program was not built"; done
# Images of its own, which are gone with the folder; overlay where it works, else whole copies.
export CONTAINERS_STORAGE_CONF=$work/storage.conf
printf '[storage]\ngraphroot = "%s/graph"\nrunroot = "%s/run"\n' "$work" "$work" >"$CONTAINERS_STORAGE_CONF"
trap 'umount -l "$work/graph/overlay" 2>/dev/null; rm -rf "$work"' EXIT

check 'The images are built and run.' "$root/deploy/images/build.sh" --base mmdebstrap --tag tried --from-build "$(dirname "$bin")"
config() { [ "$(buildah inspect --type image --format "{{$2}}" "localhost/$1:tried")" = "$3" ]; }
check 'The aggregator is nobody in particular.' config outflow-aggregator .OCIv1.Config.User 65532:65532
check 'The agent is root, for the bpffs.' config outflow-agent .OCIv1.Config.User 0:0
for name in outflow-agent outflow-aggregator; do
  check "$name says what it is." config $name '(index .OCIv1.Config.Labels "org.opencontainers.image.title")' $name
  check "$name says that its programs came from elsewhere." config $name '(index .OCIv1.Config.Labels "org.opencontainers.image.revision")' given
  plain() {
    local container found
    container=$(buildah from --pull-never "localhost/$name:tried") && found=$(find "$(buildah mount "$container")" -xdev -type f -perm /6000)
    buildah rm "$container" >/dev/null
    [ -z "$found" ]
  }
  check "$name holds no program that makes its user another." plain
done
finish
