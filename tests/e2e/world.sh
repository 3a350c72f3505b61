#!/usr/bin/env bash
# A node with pods, a cluster around it and an internet beyond it, out of network namespaces: real
# veths, real routes, real DNAT, real DNS. To be sourced; every name carries this process's id, and
# world_down removes everything world_up made. The caller traps:
#
#   source tests/e2e/world.sh
#   trap world_down EXIT
#   world_up                              # sets WORLD_DIR; inventory in $WORLD_DIR/inventory.json
#   world_exec web-a ping ...             # in a pod (web-a web-b db backup mailer seeder coredns),
#   world_exec node nft list ruleset      # the node, or the internet
#   world_spawn mailer LOG COMMAND...     # in the background; its pid in $WORLD_PID, ended by world_down
#   world_play                            # the standard traffic, once; fails if a step ended otherwise
#   world_play_in web-a <<<"tcp 10.96.0.20 3306 2 ok"
#
# As on Calico: host side cali + 11 hex digits and MAC ee:ee:ee:ee:ee:ee, a /32 and a /128 route for
# each pod, gateway 169.254.1.1 by proxy ARP. Only documentation addresses outside the cluster:
#   node eth0 192.0.2.10, 2001:db8::10   internet 192.0.2.1, 2001:db8::1, 198.51.100.0/24, 203.0.113.0/24
#   pods 10.244.1.0/24, fd00:244:1::/64  services 10.96.0.0/16, fd00:96::/64 (cluster.py has the list)
# A case with another cluster sets WORLD_CLUSTER to a script like cluster.py, and defines
# world_make_servers anew after it sourced this.
# Everything here needs root and iproute2, nftables, dnsmasq-base, python3.

WORLD_HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
WORLD_NAME=${WORLD_NAME:-outflow-$$}
WORLD_PYTHON=${WORLD_PYTHON:-/usr/bin/python3}
WORLD_CLUSTER=${WORLD_CLUSTER:-$WORLD_HERE/cluster.py}
WORLD_DIR=${WORLD_DIR:-}
WORLD_PIDS=()
WORLD_PID=

# world_can: says why not when this machine or user cannot hold a world.
world_can() {
  local tool
  if [ "$(id -u)" != 0 ]; then
    echo "needs root: network namespaces and BPF programs are made" >&2
    return 1
  fi
  for tool in ip nft dnsmasq "$WORLD_PYTHON"; do
    command -v "$tool" >/dev/null || { echo "needs $tool, which is not installed" >&2; return 1; }
  done
  if ! ip netns add "$WORLD_NAME-probe" 2>/dev/null; then
    echo "cannot make network namespaces here (a container without CAP_SYS_ADMIN?)" >&2
    return 1
  fi
  ip netns del "$WORLD_NAME-probe"
}

world_exec() {
  local where=$1
  shift
  ip netns exec "$WORLD_NAME-$where" "$@"
}

# world_spawn PLACE LOG COMMAND...: both streams to LOG.
world_spawn() {
  local where=$1 log=$2
  shift 2
  ip netns exec "$WORLD_NAME-$where" "$@" >>"$log" 2>&1 </dev/null &
  WORLD_PID=$!
  WORLD_PIDS+=("$WORLD_PID")
}

# world_wait SECONDS WHAT COMMAND...: until the command succeeds; WHAT is for the message.
world_wait() {
  local deadline=$((SECONDS + $1)) what=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    if [ $SECONDS -ge $deadline ]; then
      echo "gave up waiting for $what" >&2
      return 1
    fi
    sleep 0.1
  done
}

# world_end PID: asks, then insists after 5 s, and waits for the end. Only for pids from world_spawn.
world_end() {
  local pid=$1 tries=0
  # As root, a pid that is none (-1, say) would mean every process of the machine.
  [[ $pid =~ ^[0-9]+$ ]] && [ "$pid" -gt 1 ] || return 0
  kill -TERM "$pid" 2>/dev/null || true
  while kill -0 "$pid" 2>/dev/null && [ $((tries++)) -lt 50 ]; do sleep 0.1; done
  kill -KILL "$pid" 2>/dev/null || true
  wait "$pid" 2>/dev/null || true
}

world_make_namespace() {
  ip netns add "$WORLD_NAME-$1" || return
  # No duplicate address detection: addresses are ours alone, and it would cost a second each.
  world_exec "$1" sh -c 'echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad
    echo 0 >/proc/sys/net/ipv6/conf/default/router_solicitations; ip link set lo up'
}

world_make_node() {
  world_make_namespace internet && world_make_namespace node || return
  ip -n "$WORLD_NAME-node" link add eth0 type veth peer name up0 netns "$WORLD_NAME-internet" || return
  # shellcheck disable=SC2016  # $ is for the inner shell
  world_exec node sh -ec '
    echo 1 >/proc/sys/net/ipv4/ip_forward; echo 1 >/proc/sys/net/ipv6/conf/all/forwarding
    ip address add 192.0.2.10/24 dev eth0; ip address add 2001:db8::10/64 dev eth0 nodad
    ip link set eth0 up; ip route add default via 192.0.2.1; ip -6 route add default via 2001:db8::1' || return
  world_exec internet sh -ec '
    ip address add 192.0.2.1/24 dev up0; ip address add 2001:db8::1/64 dev up0 nodad; ip link set up0 up
    ip address add 192.0.2.53/32 dev lo; ip address add 192.0.2.99/32 dev lo
    ip route add local 198.51.100.0/24 dev lo; ip route add local 203.0.113.0/24 dev lo
    ip -6 route add local 2001:db8:80::/48 dev lo' || return
  world_exec internet nft -f - <<<'table inet internet {
    chain input { type filter hook input priority 0;
      ip daddr 198.51.100.28 tcp dport 25 reject with tcp reset
      ip daddr 198.51.100.29 tcp dport 25 drop
      udp dport 514 drop
    }
  }' || return
  "$WORLD_PYTHON" "$WORLD_CLUSTER" nft | world_exec node nft -f -
}

# world_add_pod SHORT INTERFACE IPV4 IPV6: what Calico's CNI plugin does for a new pod.
world_add_pod() {
  local short=$1 interface=$2 v4=$3 v6=$4
  world_make_namespace "$short" || return
  ip -n "$WORLD_NAME-node" link add "$interface" type veth peer name eth0 netns "$WORLD_NAME-$short" || return
  world_exec node sh -ec "
    ip link set $interface address ee:ee:ee:ee:ee:ee; ip link set $interface up
    echo 1 >/proc/sys/net/ipv4/conf/$interface/proxy_arp; echo 0 >/proc/sys/net/ipv4/neigh/$interface/proxy_delay
    ip route add $v4/32 dev $interface scope link; ip -6 route add $v6/128 dev $interface" || return
  world_exec "$short" sh -ec "
    ip address add $v4/32 dev eth0; ip address add $v6/128 dev eth0 nodad; ip link set eth0 up
    ip route add 169.254.1.1 dev eth0 scope link; ip route add default via 169.254.1.1
    ip -6 route add default via fe80::ecee:eeff:feee:eeee dev eth0"
}

world_spawn_server() {
  local where=$1
  shift
  world_spawn "$where" "$WORLD_DIR/log/$where-server" "$WORLD_PYTHON" "$WORLD_HERE/traffic.py" serve "$@"
  world_wait 20 "the servers of $where" grep -qx READY "$WORLD_DIR/log/$where-server"
}

# world_spawn_dns PLACE ARGUMENTS...: a dnsmasq with its answers on the command line and no file of its own.
world_spawn_dns() {
  local where=$1
  shift
  world_spawn "$where" "$WORLD_DIR/log/$where-dns" dnsmasq --keep-in-foreground --conf-file=/dev/null \
    --no-resolv --no-hosts --user=root --group=root --pid-file= --cache-size=0 --log-facility=- "$@"
}

world_answers() {
  world_play_in "$1" <<<"dns $2 53 1 $3"
}

world_make_servers() {
  local specs=() i
  world_spawn_dns internet --host-record=api.example.com,198.51.100.10,2001:db8:80::10 \
    --host-record=backup.example.net,203.0.113.80,2001:db8:80::80 --host-record=mx1.example.org,198.51.100.25 \
    --listen-address=192.0.2.53 --bind-interfaces
  world_spawn_dns coredns --server=192.0.2.53 --listen-address=10.244.1.10,fd00:244:1::10 --bind-interfaces \
    --host-record=db.data.svc.cluster.local,10.96.0.20,fd00:96::20 --host-record=web.shop.svc.cluster.local,10.96.0.30
  for i in $(seq 1 20); do specs+=("udp:203.0.113.$i:6881"); done
  world_spawn_server internet tcp:0.0.0.0:25 tcp:0.0.0.0:443 'tcp:[::]:443' tcp:0.0.0.0:6881 udp:192.0.2.1:123 "${specs[@]}" || return
  world_spawn_server web-a tcp:0.0.0.0:8080 'tcp:[::]:8080' || return
  world_spawn_server web-b tcp:0.0.0.0:8080 'tcp:[::]:8080' || return
  world_spawn_server db tcp:0.0.0.0:5432 'tcp:[::]:5432' udp:10.244.1.13:8125 'udp:[fd00:244:1::13]:8125' || return
  world_spawn_server seeder tcp:0.0.0.0:9091 || return
  world_spawn_server node tcp:192.0.2.10:6443 tcp:192.0.2.10:9100 || return
  # Asked from where they run: no pod has sent anything when world_up is done.
  world_wait 20 "the internet's DNS" world_answers internet 192.0.2.53 api.example.com &&
    world_wait 20 "the cluster's DNS" world_answers coredns 10.244.1.10 db.data.svc.cluster.local
}

# world_up: WORLD_DIR is made unless given; a failure leaves the rest to world_down.
world_up() {
  local short interface v4 v6
  WORLD_DIR=${WORLD_DIR:-$(mktemp -d "/tmp/$WORLD_NAME-XXXXXX")}
  mkdir -p "$WORLD_DIR/log" "$WORLD_DIR/bpf"
  "$WORLD_PYTHON" "$WORLD_CLUSTER" inventory >"$WORLD_DIR/inventory.json" || return
  "$WORLD_PYTHON" "$WORLD_CLUSTER" pods >"$WORLD_DIR/pods" || return
  world_make_node || return
  while read -r short _ _ interface v4 v6; do
    world_add_pod "$short" "$interface" "$v4" "$v6" || return
  done <"$WORLD_DIR/pods"
  # bpffs of our own, outside /sys: `ip netns exec` mounts a fresh /sys, and pins must outlive it.
  mount -t bpf outflow "$WORLD_DIR/bpf" || return
  world_make_servers
}

# The pids of everything that runs in the world; the namespaces' names are ours alone.
world_processes() {
  local namespace
  for namespace in $(world_namespaces); do ip netns pids "$namespace" 2>/dev/null; done
}

world_namespaces() {
  ip netns list | awk -v name="$WORLD_NAME-" 'index($1, name) == 1 { print $1 }'
}

# world_down: everything world_up and world_spawn made; safe to call twice, after a half-made world,
# and from another process (with WORLD_NAME and WORLD_DIR set as they were).
world_down() {
  local pid namespace tries=0
  for pid in $(world_processes); do kill -TERM "$pid" 2>/dev/null || true; done
  while [ -n "$(world_processes)" ] && [ $((tries++)) -lt 50 ]; do sleep 0.1; done
  for pid in $(world_processes); do kill -KILL "$pid" 2>/dev/null || true; done
  for pid in "${WORLD_PIDS[@]}"; do wait "$pid" 2>/dev/null || true; done
  WORLD_PIDS=()
  for namespace in $(world_namespaces); do ip netns del "$namespace" 2>/dev/null || true; done
  if [ -n "$WORLD_DIR" ] && [ -d "$WORLD_DIR" ]; then
    if mountpoint -q "$WORLD_DIR/bpf"; then umount "$WORLD_DIR/bpf" || umount -l "$WORLD_DIR/bpf"; fi
    rm -rf "$WORLD_DIR"
  fi
  WORLD_DIR=
}

# world_steps POD: what the pod does in the standard traffic (traffic.py's lines). db only ever answers.
world_steps() {
  local i
  case $1 in
    web-a | web-b)
      echo 'dns 10.96.0.10 53 2 api.example.com
        dns 10.96.0.10 53 1 db.data.svc.cluster.local
        tcp 10.96.0.20 3306 3 ok
        tcp fd00:96::20 3306 1 ok
        udp 10.96.0.20 8125 2 ok
        tcp 198.51.100.10 443 2 ok
        tcp 2001:db8:80::10 443 1 ok'
      # Same node, same namespace: our own, never a destination.
      if [ "$1" = web-a ]; then echo 'tcp 10.244.1.12 8080 2 ok'; fi ;;
    backup)
      echo 'dns-tcp 10.96.0.10 53 1 backup.example.net
        tcp 10.96.0.1 443 1 ok
        tcp 203.0.113.80 443 3 ok
        tcp 2001:db8:80::80 443 1 ok' ;;
    mailer)
      echo 'dns 10.96.0.10 53 1 mx1.example.org
        dns 10.96.0.10 53 1 nowhere.example.org!
        tcp 10.96.0.30 80 4 ok
        tcp 10.244.1.16 9091 1 ok
        tcp 198.51.100.25 25 2 ok
        tcp 198.51.100.26 25 1 ok
        tcp 198.51.100.27 25 1 ok
        tcp 198.51.100.28 25 1 refused
        tcp 198.51.100.29 25 1 timeout
        udp 192.0.2.1 123 1 ok
        udp 192.0.2.99 514 3 sent
        ping 192.0.2.1 0 1 ok
        ping 2001:db8::1 0 1 ok' ;;
    seeder)
      echo 'dns fd00:96::10 53 1 api.example.com
        tcp 192.0.2.10 9100 1 ok'
      for i in $(seq 1 20); do echo "udp 203.0.113.$i 6881 1 ok"; done
      for i in $(seq 1 5); do echo "tcp 203.0.113.$i 6881 1 ok"; done ;;
  esac
}

# world_play_in POD [SECONDS]: plays steps from stdin; the outcome of each on stdout.
world_play_in() {
  world_exec "$1" "$WORLD_PYTHON" "$WORLD_HERE/traffic.py" play "${2:-0}"
}

# world_play [SECONDS]: the standard traffic of all pods at once, each round after the other for
# SECONDS. Says on stderr which step ended otherwise than expected.
world_play() {
  local short failed=0 pids=() pid
  for short in web-a web-b backup mailer seeder; do
    world_steps "$short" | world_play_in "$short" "${1:-0}" >"$WORLD_DIR/log/$short-played" &
    pids+=($!)
  done
  for pid in "${pids[@]}"; do wait "$pid" || failed=1; done
  if [ $failed = 1 ]; then
    grep -H '"ok": false' "$WORLD_DIR"/log/*-played >&2 || echo "the traffic player failed" >&2
    return 1
  fi
}
