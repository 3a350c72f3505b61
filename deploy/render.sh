#!/usr/bin/env bash
# Renders deploy/kubernetes from the chart, which is the source: change deploy/helm/outflow, then run this.
#
#   deploy/render.sh          writes deploy/kubernetes
#   deploy/render.sh DIR      writes the same to DIR (tests compare the two)
#
#   core                      everything but certificates
#   base                      core, and certificates that a Job makes
#   overlays/socket-table     base, and older connections looked for in the pods' sockets (CAP_SYS_ADMIN)
#   overlays/cert-manager     core, and certificates that cert-manager makes
#   overlays/sets-writer      base, and the writer of live sets, for the namespace "example": an overlay of yours says which
#
# Needs helm (3.14 or later, or 4) on PATH.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
out=${1:-$root/deploy/kubernetes}
helm=${HELM:-helm}
namespace=outflow-system
# Which one does not matter to the templates, but helm refuses a chart for later ones than it was built for.
kube_version=1.34.0
command -v "$helm" >/dev/null || { echo 'render: helm is missing' >&2; exit 1; }

# render FILE VALUE... -- TEMPLATE...: these templates, in one file, without what names Helm.
render() {
  local file=$1 values=() templates=()
  shift
  while [ "$1" != -- ]; do values+=(--set "$1") && shift; done
  shift
  for template in "$@"; do templates+=(--show-only "templates/$template.yaml"); done
  {
    echo '# Rendered from deploy/helm/outflow by deploy/render.sh; change it there.'
    "$helm" template outflow "$root/deploy/helm/outflow" --namespace "$namespace" --kube-version "$kube_version" --set namespace.create=true \
      "${values[@]}" "${templates[@]}" | sed '/^# Source: /d'
  } >"$out/$file"
}

# kustomization FOLDER RESOURCE...: further lines on standard input.
kustomization() {
  local folder=$1
  shift
  {
    printf 'apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n'
    printf '  - %s\n' "$@"
    cat
  } >"$out/$folder/kustomization.yaml"
}

mkdir -p "$out"/{core,base,overlays/socket-table,overlays/cert-manager,overlays/sets-writer}
for template in namespace agent aggregator rbac cli; do render "core/$template.yaml" -- "$template"; done
kustomization core namespace.yaml rbac.yaml cli.yaml aggregator.yaml agent.yaml network-policy.yaml </dev/null
render core/network-policy.yaml -- network-policy

render base/certificates.yaml -- certificates
kustomization base ../core certificates.yaml </dev/null

render overlays/cert-manager/certificates.yaml certificates.mode=cert-manager -- cert-manager certificates
kustomization overlays/cert-manager ../../core certificates.yaml </dev/null

render overlays/sets-writer/sets-writer.yaml setsWriter.enabled=true 'setsWriter.namespaces={example}' -- sets-writer
kustomization overlays/sets-writer ../../base sets-writer.yaml </dev/null

kustomization overlays/socket-table ../../base <<'PATCH'
patches:
  - target: {kind: DaemonSet, name: outflow-agent}
    patch: |-
      - {op: add, path: /spec/template/spec/containers/0/args/-, value: --netns-dir=/run/netns}
      - {op: add, path: /spec/template/spec/containers/0/securityContext/capabilities/add/-, value: SYS_ADMIN}
      - op: add
        path: /spec/template/spec/containers/0/volumeMounts/-
        value: {name: netns, mountPath: /run/netns, readOnly: true, mountPropagation: HostToContainer}
      - op: add
        path: /spec/template/spec/volumes/-
        value: {name: netns, hostPath: {path: /run/netns, type: DirectoryOrCreate}}
PATCH
