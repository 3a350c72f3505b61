#!/usr/bin/env bash
# The world of the tests of names, sourced before case.sh: names_cluster.py's pods, a resolver behind a
# ClusterIP and one on the node (169.254.20.10, as NodeLocal DNSCache has it), both asking the servers of
# made-up zones at 192.0.2.53, which also stand at 203.0.113.53 as a resolver nobody of the cluster runs.
#
#   add_late_pods            the pods that are made after the agent's start; returns when they are watched
#   in_pod POD <<STEPS       names_client.py's steps, in that pod; all must end as they should
names_here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export WORLD_CLUSTER=$names_here/names_cluster.py

names_world_can() {
  if ! /usr/bin/python3 -c 'import dns.message, yaml' 2>/dev/null; then
    echo 'needs python3-dnspython and python3-yaml, which are not installed (tests/packages)' >&2
    return 1
  fi
}

# world.sh's, for this world. The certificate lives as long as the world, and nobody trusts it.
names_make_servers() {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=example.com \
    -keyout "$WORLD_DIR/tls.pem" -out "$WORLD_DIR/tls.crt" 2>/dev/null || return
  cat "$WORLD_DIR/tls.crt" >>"$WORLD_DIR/tls.pem"
  world_exec internet sh -ec 'ip route add local 99.83.136.103/32 dev lo; ip route add local 75.2.113.119/32 dev lo' || return
  world_exec node ip address add 169.254.20.10/32 dev lo || return
  # A long answer leaves in several segments, as it does from another host.
  world_exec coredns ip link set dev eth0 gso_max_segs 1 || return
  world_spawn internet "$WORLD_DIR/log/internet-server" "$WORLD_PYTHON" "$names_here/names_internet.py" "$WORLD_DIR/tls.pem" \
    192.0.2.53 203.0.113.53
  world_wait 20 'the internet' grep -qx READY "$WORLD_DIR/log/internet-server" || return
  world_spawn_dns coredns --server=192.0.2.53 --local=/cluster.local/ --listen-address=10.244.1.10,fd00:244:1::10 --bind-interfaces
  world_spawn_dns node --server=192.0.2.53 --local=/cluster.local/ --listen-address=169.254.20.10 --bind-interfaces
  # Asked from where they run: no pod has sent anything when world_up is done.
  world_wait 20 "the cluster's resolver" world_answers coredns 10.244.1.10 near.example.com &&
    world_wait 20 "the node's resolver" world_answers node 169.254.20.10 near.example.com
}

hooked() {
  http_get "$AGENT_HTTP" /metrics | awk -v wanted="$1" '$1 == "outflow_hooked_interfaces" { found = $2 } END { exit !(found == wanted) }'
}

add_late_pods() {
  local short interface v4 v6 count
  count=$(wc -l <"$WORLD_DIR/pods")
  "$WORLD_PYTHON" "$WORLD_CLUSTER" late >"$WORLD_DIR/late-pods" || return
  while read -r short _ _ interface v4 v6; do
    world_add_pod "$short" "$interface" "$v4" "$v6" || return
    count=$((count + 1))
  done <"$WORLD_DIR/late-pods"
  world_wait 20 'the hooks of the late pods' hooked "$count"
}

in_pod() {
  world_exec "$1" "$WORLD_PYTHON" "$names_here/names_client.py" >"$WORLD_DIR/log/$1-played" || {
    echo "$1: $(tail -n 1 "$WORLD_DIR/log/$1-played")" >&2
    return 1
  }
}
