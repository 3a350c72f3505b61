#!/usr/bin/env bash
# Hooks on real veths, once by tcx and once by clsact: a program after ours still sees every packet, a pod made
# while the agent runs is seen from its first SYN, what somebody removes is put back, VLAN, QinQ and SCTP
# are what they are, a stopped agent's hooks go on counting, and --uninstall leaves nothing but theirs.
# shellcheck source=tests/e2e/case.sh
source "$(dirname "$0")/case.sh"

witness=${WITNESS:-$PROGRAMS_BIN/../tests/e2e/witness.bpf.o}
interface_of() { awk -v pod="$1" '$1 == pod { print $4 }' "$WORLD_DIR/pods"; }

# theirs: packets that somebody else's filter has seen.
bpftool=$(command -v bpftool || echo /usr/sbin/bpftool)
theirs() { "$bpftool" -j map dump name witnessed | "$WORLD_PYTHON" -c 'import json, sys; print(json.load(sys.stdin)[0]["formatted"]["value"])'; }

# rows POD-INTERFACE FIELD...: of what the aggregator holds from it, sorted.
rows() {
  local interface=$1
  shift
  answer flows -o json | "$WORLD_PYTHON" -c '
import json, sys
out = []
for item in json.load(sys.stdin)["items"]:
    if item["interface"] == sys.argv[1]:
        out.append(" ".join(",".join(item[k]) if isinstance(item[k], list) else str(item[k]) for k in sys.argv[2:]))
print("\n".join(sorted(out)))' "$interface" "$@"
}

# Frames and packets that no socket of this kernel sends: 802.1Q, QinQ, SCTP.
send_odd_frames() {
  world_exec "$1" "$WORLD_PYTHON" - "$2" <<'PYTHON'
import socket
import struct
import sys

source = socket.inet_aton(sys.argv[1])
destination = socket.inet_aton("203.0.113.9")


def ip(protocol, payload):
    return struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 1, 0, 64, protocol, 0, source, destination) + payload


def udp(port):
    return ip(17, struct.pack("!HHHH", 40000, port, 12, 0) + b"odd.")


mac = open("/sys/class/net/eth0/address").read().strip()
ethernet = b"\xee" * 6 + bytes.fromhex(mac.replace(":", ""))
raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
raw.bind(("eth0", 0))
raw.send(ethernet + struct.pack("!HHH", 0x8100, 5, 0x0800) + udp(7001))
raw.send(ethernet + struct.pack("!HHHHH", 0x88A8, 6, 0x8100, 7, 0x0800) + udp(7002))
init = struct.pack("!HHII", 36412, 3868, 0, 0) + struct.pack("!BBHIIHHI", 1, 0, 20, 1, 65535, 1, 1, 1)
raw.send(ethernet + struct.pack("!H", 0x0800) + ip(132, init))
PYTHON
}

sends() { local i; for i in $(seq 1 "$3"); do echo "udp $1 $2 1 sent"; done; }

check() {
  local mode=$1 late=calilate$2 late_pod=late$2 number=$3 web db before
  say "--attach $mode"
  web=$(interface_of web-a) db=$(interface_of db)
  # Somebody else is there before us, and stays when we go.
  world_exec node tc qdisc add dev "$web" clsact
  world_exec node tc filter add dev "$web" ingress bpf direct-action object-file "$witness" section tc
  start_agent --attach "$mode"
  grep -q "attach=$mode" "$WORLD_DIR/log/agent" || fail "the agent does not attach by $mode"

  before=$(theirs)
  sends 203.0.113.8 $((9000 + number)) 20 | world_play_in web-a >/dev/null
  same "$mode: a program after ours sees every packet" 20 $(($(theirs) - before))

  world_add_pod "$late_pod" "$late" "10.244.1.$number" "fd00:244:1::$number"
  world_play_in "$late_pod" <<<'tcp 198.51.100.10 443 1 ok' >/dev/null
  settle
  same "$mode: a new pod is seen from its first SYN" '198.51.100.10 443 TCP 1 1' \
    "$(rows "$late" destination port protocol attempts established)"

  send_odd_frames "$late_pod" "10.244.1.$number"
  settle
  same "$mode: VLAN, QinQ and SCTP" '3868 SCTP 1 
443 TCP 1 
7001 UDP 0 vlan
7002 UDP 0 vlan' "$(rows "$late" port protocol attempts flags)"

  # Somebody takes our hooks from another pod.
  if [ "$mode" = tcx ]; then
    local link
    for link in "$WORLD_DIR"/bpf/outflow/links/*; do
      world_exec node "$bpftool" link detach pinned "$link"
    done
  else
    world_exec node tc qdisc del dev "$late" clsact
  fi
  world_wait 10 'the repair' grep -q "removed our hook.*$late" "$WORLD_DIR/log/agent"
  sends 203.0.113.8 $((9100 + number)) 3 | world_play_in "$late_pod" >/dev/null
  settle
  same "$mode: a removed hook is put back" 3 "$(answer flows -o json | "$WORLD_PYTHON" -c '
import json, sys
print(sum(i["packets"] for i in json.load(sys.stdin)["items"] if i["port"] == int(sys.argv[1])))' $((9100 + number)))"

  # Stopped, the hooks go on counting; the next agent hands it on.
  world_end "$AGENT_PID"
  sends 203.0.113.8 $((9200 + number)) 4 | world_play_in web-a >/dev/null
  start_agent --attach "$mode"
  settle
  same "$mode: counted while no agent ran" 4 "$(answer flows -o json | "$WORLD_PYTHON" -c '
import json, sys
print(sum(i["packets"] for i in json.load(sys.stdin)["items"] if i["port"] == int(sys.argv[1])))' $((9200 + number)))"

  # A second agent is refused, and says why.
  if world_exec node timeout 5 "$PROGRAMS_BIN/outflow-agent" --aggregator "$PROGRAMS_AGGREGATOR" --node-name two \
    --state-dir "$WORLD_DIR/state2" --bpffs-dir "$WORLD_DIR/bpf/outflow" --http-listen '' >"$WORLD_DIR/log/second" 2>&1; then
    fail 'a second agent was let in'
  fi
  grep -q 'another' "$WORLD_DIR/log/second" || fail "a second agent is refused without a reason: $(cat "$WORLD_DIR/log/second")"
  say "ok: $mode: a second agent is refused"

  world_end "$AGENT_PID"
  world_exec node "$PROGRAMS_BIN/outflow-agent" --bpffs-dir "$WORLD_DIR/bpf/outflow" --state-dir "$WORLD_DIR/state" --uninstall
  [ ! -e "$WORLD_DIR/bpf/outflow/links" ] || fail 'pins are left over'
  same "$mode: --uninstall leaves what is theirs" 1 "$(world_exec node tc -j filter show dev "$web" ingress | "$WORLD_PYTHON" -c '
import json, sys
print(sum("options" in f for f in json.load(sys.stdin)))')"
  same "$mode: and nothing of ours" '' "$(world_exec node tc qdisc show dev "$db" | grep clsact || true)"
  world_exec node tc qdisc del dev "$web" clsact
}

world_up
start_aggregator
check tcx 1 101
check clsact 2 102
say 'done'
