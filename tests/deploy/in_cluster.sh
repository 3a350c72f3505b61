#!/usr/bin/env bash
# deploy/images/certificates.sh on a real API server, with the service account and Role of the manifests: the
# rights are enough, and they are no more than that.
#
#   tests/deploy/in_cluster.sh KUBECONFIG    an admin's kubeconfig of an API server for tests; needs kubectl
#
# Leaves the namespace outflow-system there, with what the script made.
# shellcheck source=tests/deploy/case.sh
source "$(dirname "$0")/case.sh"
[ $# = 1 ] || { echo 'usage: in_cluster.sh KUBECONFIG' >&2; exit 2; }
export KUBECONFIG=$1
need_tools kubectl
account=$work/account
mkdir "$account" "$work/tmp"

prepare() {
  kubectl apply --server-side -f "$root/deploy/kubernetes/core/namespace.yaml" &&
    kubectl apply --server-side -f "$root/deploy/kubernetes/core/rbac.yaml" -f "$root/deploy/kubernetes/base/certificates.yaml" &&
    kubectl create token outflow-certificates -n outflow-system >"$account/token" &&
    kubectl config view --raw --minify --flatten -o jsonpath='{.clusters[0].cluster.certificate-authority-data}' | base64 -d >"$account/ca.crt" &&
    url=$(kubectl config view --minify -o jsonpath='{.clusters[0].cluster.server}')
}
run() {
  TMPDIR=$work/tmp OUTFLOW_NAMESPACE=outflow-system OUTFLOW_SERVICE_ACCOUNT_DIR=$account OUTFLOW_API_SERVER=$url \
    "$root/deploy/images/certificates.sh" "$@"
}
# value KIND NAME KEY: as it is stored.
value() { kubectl get "$1" "$2" -n outflow-system -o "jsonpath={.data.${3//./\\.}}"; }
makes_all() {
  run --name=outflow-aggregator --name=127.0.0.1 && value secret outflow-ca tls.crt | base64 -d >"$work/ca.crt" &&
    value secret outflow-aggregator-tls tls.crt | base64 -d >"$work/tls.crt" && value secret outflow-aggregator-tls ca.crt | base64 -d | cmp - "$work/ca.crt" &&
    openssl verify -purpose sslserver -CAfile "$work/ca.crt" "$work/tls.crt" &&
    [ "$(value configmap outflow-ca ca.crt)" = "$(cat "$work/ca.crt")" ] &&
    [ "$(kubectl get secret outflow-ca outflow-aggregator-tls -n outflow-system -o jsonpath='{.items[*].type}')" = 'kubernetes.io/tls kubernetes.io/tls' ]
}
versions() { kubectl get secret/outflow-ca secret/outflow-aggregator-tls configmap/outflow-ca -n outflow-system -o jsonpath='{.items[*].metadata.resourceVersion}'; }
again() { # CHANGED FLAGS...: how many of the three objects another run changes
  local wanted=$1 before after changed=0 at
  shift
  read -r -a before < <(versions; echo)
  run "$@" || return
  read -r -a after < <(versions; echo)
  for at in 0 1 2; do [ "${before[at]}" = "${after[at]}" ] || changed=$((changed + 1)); done
  [ $changed = "$wanted" ] || { echo "$changed changed"; return 1; }
}
may() {
  local found=no
  if kubectl auth can-i --quiet "$@" -n outflow-system --as "system:serviceaccount:outflow-system:$who"; then found=yes; fi
  [ $found = "$wanted" ]
}

check 'The manifests are taken.' prepare
check 'All three are made with the rights of the Role.' makes_all
check 'Run again nothing is changed.' again 0 --name=outflow-aggregator --name=127.0.0.1
check 'A further name changes the certificate alone.' again 1 --name=outflow-aggregator --name=127.0.0.1 --name=outflow.example.net
check 'Publishing only changes nothing where all is well.' again 0 --publish-only
wanted=no who=outflow-certificates
for what in 'get secrets/other' 'list secrets' 'delete secrets/outflow-ca' 'update configmaps/other' 'get pods'; do
  # shellcheck disable=SC2086  # a verb and its object
  check "The Job's account may not $what." may $what
done
who=outflow-aggregator
for what in 'get secrets/outflow-ca' 'list secrets' 'list configmaps' 'create pods' 'update namespaces' 'delete networkpolicies.networking.k8s.io' \
  'create globalnetworkpolicies.crd.projectcalico.org' 'get pods --subresource=log' 'create serviceaccounts --subresource=token' 'impersonate users'; do
  # shellcheck disable=SC2086
  check "The aggregator's account may not $what." may $what
done
wanted=yes
for what in 'watch pods' 'list nodes' 'watch endpointslices.discovery.k8s.io' 'list cronjobs.batch' 'create tokenreviews.authentication.k8s.io' \
  'create subjectaccessreviews.authorization.k8s.io'; do
  # shellcheck disable=SC2086
  check "The aggregator's account may $what." may $what
done
wanted=no who=outflow-agent
check "The agent's account may not even list pods." may list pods
finish
