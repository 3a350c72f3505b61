#!/usr/bin/env bash
# deploy/kubernetes is what the chart renders, and kustomize makes of it what helm makes of the matching values.
# shellcheck source=tests/deploy/case.sh
source "$(dirname "$0")/case.sh"
need_tools helm kubectl
manifests=$root/tests/deploy/manifests.py

# same FOLDER VALUE...: kustomize's output of the folder and the chart's.
same() {
  local folder=$1 values=()
  shift
  for value in "$@"; do values+=(--set "$value"); done
  kubectl kustomize "$root/deploy/kubernetes/$folder" >"$work/kustomize.yaml" &&
    helm template outflow "$chart" --namespace outflow-system --kube-version 1.34.0 --set namespace.create=true "${values[@]}" >"$work/helm.yaml" &&
    python3 "$manifests" same "$work/kustomize.yaml" "$work/helm.yaml"
}
check 'base is the chart as it comes.' same base
check 'socket-table is agent.socketTable.' same overlays/socket-table agent.socketTable=true
check 'cert-manager is certificates.mode=cert-manager.' same overlays/cert-manager certificates.mode=cert-manager
check 'sets-writer is setsWriter for one namespace.' same overlays/sets-writer setsWriter.enabled=true 'setsWriter.namespaces={example}'
differs() { ! same "$@"; }
check 'The comparison sees one changed word.' differs base agent.logLevel=debug

rendered() {
  local file
  "$root/deploy/render.sh" "$work/rendered" || return
  diff <(cd "$work/rendered" && find . -type f | sort) <(cd "$root/deploy/kubernetes" && find . -type f | sort) || return
  while read -r file; do
    case $file in
      */kustomization.yaml) cmp "$work/rendered/$file" "$root/deploy/kubernetes/$file" ;;
      # Another helm may write the same YAML otherwise.
      *) python3 "$manifests" same "$work/rendered/$file" "$root/deploy/kubernetes/$file" ;;
    esac || return
  done < <(cd "$work/rendered" && find . -type f)
}
check 'deploy/render.sh was run after the last change of the chart.' rendered
finish
