#!/usr/bin/env bash
# The world of the end-to-end tests with a real API server in it: the cluster that the world's file tells of is in the
# API server, the aggregator watches it, and the programs prove by certificates who they are. Source it after
# tests/e2e/world.sh and programs.sh; then, after world_up, kube_world_up. world_down ends and removes this, too: the
# servers run in the node's network namespace, and everything is in the world's folder.

kube_world_here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/kube/control_plane.sh
source "$kube_world_here/control_plane.sh"

# kube_world_can: builds the servers where they are missing, and says why not when this cannot be.
kube_world_can() {
  "$kube_world_here/get-servers.sh" && plane_can || return
}

# The programs' own authority, and what each shows: names and groups as the aggregator reads them.
kube_world_certificates() {
  plane_authority outflow-ca &&
    plane_sign aggregator /CN=outflow-aggregator 'subjectAltName=IP:127.0.0.1,DNS:outflow-aggregator.outflow-system.svc' outflow-ca &&
    plane_sign agent /O=outflow:agents/CN=node-1 '' outflow-ca &&
    plane_sign operator /O=outflow:admins/CN=operator '' outflow-ca
}

# kube_world_flags NAME: the flags that show NAME's certificate.
kube_world_flags() {
  local pki=$PLANE_DIR/pki
  echo "--tls-cert $pki/$1.crt --tls-key $pki/$1.key --tls-ca $pki/outflow-ca.crt"
}

# shellcheck disable=SC2034  # PROGRAMS_... are read by programs.sh
kube_world_up() {
  PLANE_DIR=$WORLD_DIR/plane
  PLANE_IN=(ip netns exec "$WORLD_NAME-node")
  # Where the world's default/kubernetes points to, on the node's other address.
  PLANE_PORT=6443
  plane_up && plane_load "$WORLD_DIR/inventory.json" && kube_world_certificates &&
    plane_account outflow-system/outflow-aggregator >"$PLANE_DIR/aggregator.kubeconfig" &&
    plane_grant outflow-system/outflow-aggregator &&
    kube create clusterrolebinding outflow-aggregator-asks --clusterrole system:auth-delegator \
      --serviceaccount outflow-system:outflow-aggregator >/dev/null || return
  PROGRAMS_AGGREGATOR=127.0.0.1:7443
  PROGRAMS_TELL=(--kubeconfig "$PLANE_DIR/aggregator.kubeconfig")
  read -r -a PROGRAMS_AGGREGATOR_FLAGS <<<"$(kube_world_flags aggregator)"
  read -r -a PROGRAMS_AGENT_FLAGS <<<"$(kube_world_flags agent)"
  read -r -a PROGRAMS_CLI_FLAGS <<<"$(kube_world_flags operator)"
}
