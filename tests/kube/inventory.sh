#!/usr/bin/env bash
# An aggregator that watches a real API server knows what it would know from a file, learns what changes, and finds its
# way back from everything that a cluster does to a watcher. What it knows is asked as a user would ask.
# shellcheck source=tests/kube/case.sh
source "$(dirname "$0")/case.sh"
# shellcheck source=tests/kube/told.sh
source "$kube_here/told.sh"
missing=$(told_can 2>&1) || skip "$missing"
case_ends+=(told_end)
# What the made-up cluster has at these addresses: pods, services, nodes, a pod network without a pod, the internet.
addresses='10.244.1.10 10.244.1.11 10.244.1.13 10.244.1.14 10.244.1.15 10.244.1.16 10.244.2.21 fd00:244:1::13 10.96.0.1 10.96.0.10
  10.96.0.30 fd00:96::20 192.0.2.10 2001:db8::11 10.244.1.200 198.51.100.10 service/data/db service/shop/web'

# knows NAME: all it says about these addresses, and of its namespaces.
knows() {
  local address
  for address in $addresses; do
    told_ask "$1" explain "$address" -o json 2>/dev/null | python3 -c '
import json, sys
answer = json.load(sys.stdin)
print(answer["destination"], answer["peer_kind"], answer["peer"], answer["peer_reason"], *answer["notes"], sep="; ")'
  done
  told_coverage "$1"
}

# restarted FLAG...: the API server comes back with these flags.
restarted() {
  PLANE_FLAGS=("$@")
  plane_start_server
}

reads_by() {
  local how
  told_start file --inventory-file "$cluster"
  known=$(knows file)
  for how in certificate token program; do
    told_start "$how" --kubeconfig "$PLANE_DIR/by-$how"
    soon "who comes by $how knows what a file would tell" "$known" knows "$how"
  done
}

learns() {
  before=$(told_pods certificate)
  plane_pod shop late-5f5f5f5f5f-abcde node-1 10.244.1.77 ReplicaSet/late-5f5f5f5f5f
  soon 'a pod that came is known' 'workload ReplicaSet shop/late-5f5f5f5f5f' told_peer certificate 10.244.1.77
  kube -n shop delete pod late-5f5f5f5f5f-abcde --grace-period 0 --force >/dev/null 2>&1
  soon 'a pod that went is not' "$before" told_pods certificate
  kube create namespace fresh >/dev/null
  kube label namespace fresh tier=4-aux >/dev/null
  soon 'a namespace that got the label is selected' "$(printf '%s\nfresh no-pods 0' "$(told_coverage file)" | sort)" told_coverage certificate
  kube label namespace fresh tier=0-core --overwrite >/dev/null
  soon 'one that got another is not any more' "$(told_coverage file)" told_coverage certificate
  kube -n shop create service clusterip late --tcp 80:8080 --clusterip 10.96.0.77 >/dev/null
  soon 'a service that came is known' 'service service shop/late' told_peer certificate 10.96.0.77
}

survives_an_outage() {
  plane_stop_server
  soon 'an aggregator without API server says that it is not current' stale told_state certificate
  same 'what was known is still known' 'workload Deployment mail/mailer' "$(told_peer certificate 10.244.1.15)"
  plane_vanish pods mail mailer-5d9c7f4b6d-lq2wn
  "$@"
  soon 'it is current when the server is back' current told_state certificate
  soon 'a pod that was deleted meanwhile is gone' "$(($(told_pods file) - 1))" told_pods certificate
  plane_load "$cluster"
  soon 'and all the rest is as it was' "$known" knows certificate
}

# The watch is resumed from a version that the server has no more: 410, and all is listed again. With a watch cache the
# server itself says so, without one it is etcd.
forgotten() {
  plane_compact
  restarted "$@"
}

survives_a_refused_token() {
  plane_revoke outflow-system/by-token
  # A stream that runs is not asked again who it is for.
  plane_stop_server
  plane_start_server
  soon 'a token that is refused makes an inventory stale' stale told_state token
  plane_renew outflow-system/by-token
  soon 'the next one in the same file is taken' current told_state token
  plane_pod shop later-0 node-1 10.244.1.78 StatefulSet/later
  soon 'and what came is learned' 'workload StatefulSet shop/later' told_peer token 10.244.1.78
  kube -n shop delete pod later-0 --grace-period 0 --force >/dev/null 2>&1
}

survives_lost_rights() {
  kube delete clusterrolebinding readers >/dev/null
  plane_stop_server
  plane_start_server
  soon 'who may not read any more says that it is not current' stale told_state certificate
  kube create clusterrolebinding readers --clusterrole readers --group readers >/dev/null
  soon 'and is current when it may again' current told_state certificate
  soon 'and knows all' "$known" knows certificate
}

plane_up
cluster=$PLANE_DIR/inventory.json
python3 "$kube_here/../e2e/cluster.py" inventory >"$cluster"
plane_load "$cluster"
plane_user watcher readers >"$PLANE_DIR/by-certificate"
kube create clusterrole readers --verb get,list,watch --resource '*.*' >/dev/null
kube create clusterrolebinding readers --clusterrole readers --group readers >/dev/null
plane_account outflow-system/by-token >"$PLANE_DIR/by-token"
plane_grant outflow-system/by-token
plane_exec outflow-system/by-program >"$PLANE_DIR/by-program"
plane_grant outflow-system/by-program

reads_by
learns
survives_an_outage restarted
survives_an_outage forgotten
survives_an_outage forgotten --watch-cache=false
restarted_with_cache() { plane_stop_server; restarted; }
restarted_with_cache
survives_a_refused_token
survives_lost_rights
say 'done'
