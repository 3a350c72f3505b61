#!/usr/bin/env bash
# A real API server takes what the chart renders, strictly: every field known, every object valid, no warnings.
#
#   tests/deploy/dry_run.sh KUBECONFIG    an admin's kubeconfig of an API server for tests; needs helm and kubectl
#
# Leaves the namespace outflow-system and small CRDs for the kinds of others (cert-manager, Prometheus Operator) there;
# nothing else, since everything is only tried.
# shellcheck source=tests/deploy/case.sh
source "$(dirname "$0")/case.sh"
[ $# = 1 ] || { echo 'usage: dry_run.sh KUBECONFIG' >&2; exit 2; }
export KUBECONFIG=$1
need_tools helm kubectl

# crd GROUP VERSION KIND PLURAL: a kind that takes anything.
crd() {
  cat <<CRD
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: $4.$1}
spec:
  group: $1
  scope: Namespaced
  names: {kind: $3, plural: $4, singular: ${3,,}}
  versions:
    - name: $2
      served: true
      storage: true
      schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
CRD
}
{
  crd cert-manager.io v1 Issuer issuers
  crd cert-manager.io v1 Certificate certificates
  crd monitoring.coreos.com v1 PodMonitor podmonitors
  crd monitoring.coreos.com v1 PrometheusRule prometheusrules
} >"$work/crds.yaml"
prepare() {
  kubectl apply --server-side -f "$work/crds.yaml" && kubectl wait --for=condition=Established --timeout=60s -f "$work/crds.yaml" &&
    kubectl apply --server-side -f "$root/deploy/kubernetes/core/namespace.yaml"
}
check 'The API server is ready.' prepare

try() { kubectl apply --server-side --dry-run=server --validate=strict --warnings-as-errors -f "$1"; }
rendered() {
  helm template outflow "$chart" --namespace outflow-system --kube-version 1.34.0 "$@" >"$work/rendered.yaml" && try "$work/rendered.yaml"
}
kustomized() { kubectl kustomize "$root/deploy/kubernetes/$1" >"$work/kustomized.yaml" && try "$work/kustomized.yaml"; }
everything=(--set monitoring.podMonitor.enabled=true --set monitoring.rules.enabled=true --set monitoring.dashboard.enabled=true
  --set agent.socketTable=true --set cli.clusterWideView=true --set cli.import=true --set namespace.create=true
  --set 'networkPolicy.agentCidrs={10.0.0.0/8}' --set 'networkPolicy.apiServerCidrs={10.96.0.1/32}'
  --set 'certificates.extraNames={outflow.example.net,192.0.2.7}' --set 'agent.extraArgs={--tuples-max=1}' --set redactExternal=true
  --set aggregator.storage.className=fast --set 'imagePullSecrets[0].name=registry'
  --set agent.seccompProfile.type=Localhost --set agent.seccompProfile.localhostProfile=outflow-agent.json
  --set agent.appArmorProfile.type=Unconfined --set agent.seLinuxOptions.type=spc_t --set agent.podLabels.team=net
  --set aggregator.podAnnotations.note=x
  --set setsWriter.enabled=true --set 'setsWriter.namespaces={shop}' --set setsWriter.create=true --set 'setsWriter.allowPrivate={10.20.0.0/16}')
check 'It takes the chart as it comes.' rendered
for mode in bootstrap cert-manager files; do
  check "It takes everything on, with certificates.mode=$mode." rendered "${everything[@]}" --set certificates.mode=$mode
done
for folder in base overlays/socket-table overlays/cert-manager overlays/sets-writer; do
  check "It takes deploy/kubernetes/$folder." kustomized "$folder"
done
misspelt() { rendered && sed 's/hostNetwork: true/hostNetwrk: true/' "$work/rendered.yaml" >"$work/misspelt.yaml" && try "$work/misspelt.yaml"; }
refuses 'It refuses a misspelt field, so that the above means something.' hostNetwrk misspelt
finish
