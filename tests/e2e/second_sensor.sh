#!/usr/bin/env bash
# A second, independent sensor agrees: the standard traffic also passes an nft rule that logs each new
# connection as Calico's `action: Log` does. Those kernel lines, imported into an aggregator of their own,
# are held against what the agent saw of the same packets: nothing the log saw is missing, and a table
# shows what only the agent saw.
# shellcheck source=tests/e2e/case.sh
source "$(dirname "$0")/case.sh"

# Kernel lines of a namespace are written only with this switch; it is put back as it was.
switch=/proc/sys/net/netfilter/nf_log_all_netns
[ -e $switch ] || modprobe nf_log_syslog 2>/dev/null || true
before_switch=$(cat $switch)
trap 'code=$?; echo "$before_switch" >$switch; (exit $code); case_end' EXIT

world_up
start_aggregator
start_agent

# A connection older than the log rule, that goes on afterwards.
world_spawn web-b "$WORLD_DIR/log/old" "$WORLD_PYTHON" -u -c '
import socket, time
with socket.create_connection(("203.0.113.1", 6881)) as old:
    print("OPEN")
    for _ in range(200):
        old.sendall(b"x" * 500)
        time.sleep(0.1)'
world_wait 10 'the old connection' grep -q OPEN "$WORLD_DIR/log/old"

echo 1 >$switch
# The name in the prefix tells this world's lines from all others, as Calico's %n would.
world_exec node nft -f - <<NFT
table inet outflow_sensor {
  chain forward {
    type filter hook forward priority 20; policy accept;
    iifname "cali*" ct state new log prefix "calico-packet $WORLD_NAME: " level notice
  }
  chain input {
    type filter hook input priority 20; policy accept;
    iifname "cali*" ct state new log prefix "calico-packet $WORLD_NAME: " level notice
  }
}
NFT
world_play
settle
dmesg | grep -F "calico-packet $WORLD_NAME: " >"$WORLD_DIR/kernel.log" || fail 'the kernel logged nothing'
say "$(wc -l <"$WORLD_DIR/kernel.log") kernel lines"

boot_time=$("$WORLD_PYTHON" -c '
import datetime, time
boot = time.time() - time.clock_gettime(time.CLOCK_MONOTONIC)
print(datetime.datetime.fromtimestamp(boot, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"))')
world_spawn node "$WORLD_DIR/log/aggregator-of-logs" "$PROGRAMS_BIN/outflow-aggregator" --listen "unix:$WORLD_DIR/logs.sock" \
  --http-listen '' --data-dir "$WORLD_DIR/data-of-logs" --inventory-file "$WORLD_DIR/inventory.json"
logs() { "$PROGRAMS_BIN/outflow" --server "unix:$WORLD_DIR/logs.sock" "$@"; }
world_wait 10 'the second aggregator' logs status
first=$(logs import calico-log "$WORLD_DIR/kernel.log" --boot-time "$boot_time" --node node-1 -o json)
second=$(logs import calico-log "$WORLD_DIR/kernel.log" --boot-time "$boot_time" --node node-1 -o json)
"$WORLD_PYTHON" - "$first" "$second" <<'PYTHON'
import json
import sys

first, second = map(json.loads, sys.argv[1:])
assert first["imported"] > 40 and not first["unreadable"], first
assert second["imported"] == 0 and second["repeated_lines"] == first["imported"] + first["repeated_lines"], second
print(f"imported {first['imported']} lines; the same file again: 0 more")
PYTHON

answer flows -o json >"$WORLD_DIR/agent.json"
logs flows -o json >"$WORLD_DIR/log.json" || [ $? = 5 ]  # no agent speaks to the second aggregator
"$WORLD_PYTHON" - "$WORLD_DIR" <<'PYTHON'
import collections
import json
import sys

folder = sys.argv[1]
load = lambda name: json.load(open(f"{folder}/{name}.json"))["items"]
inventory = load("inventory")

# Endpoint -> the ClusterIPs and ports it stands behind: the log sees a packet after DNAT, the agent before.
services = {(i["metadata"]["namespace"], i["metadata"]["name"]): i for i in inventory if i["kind"] == "Service"}
behind = collections.defaultdict(set)
for piece in (i for i in inventory if i["kind"] == "EndpointSlice"):
    service = services[piece["metadata"]["namespace"], piece["metadata"]["labels"]["kubernetes.io/service-name"]]
    names = {p["name"]: p for p in service["spec"]["ports"]}
    for endpoint in piece["endpoints"]:
        for address in endpoint["addresses"]:
            for port in piece["ports"]:
                for cluster_ip in service["spec"]["clusterIPs"]:
                    behind[address, port["port"], port["protocol"]].add((cluster_ip, names[port["name"]]["port"], port["protocol"]))

key = lambda row: (row["destination"], row["port"], row["protocol"])
agent = collections.defaultdict(list)
for row in load("agent"):
    agent[row["namespace"], *key(row)].append(row)
log = {(row["namespace"], *key(row)) for row in load("log") if row["evidence"] == "log"}
assert log, "the log has no flows"

missing, translated = [], set()
for flow in sorted(log):
    ways = [flow] + [(flow[0], *way) for way in behind[flow[1:]]]
    seen = [way for way in ways if way in agent]
    if not seen:
        missing.append(flow)
    elif flow not in agent:
        translated.add(flow)
only = sorted(set(agent) - log - {(f[0], *w) for f in translated for w in behind[f[1:]]})
print(f"{'':34}{'AGENT':>12}{'LOG':>12}")
print(f"{'tuples':34}{len(agent):>12}{len(log):>12}")
print(f"{'bytes':34}{sum(r['bytes'] for rows in agent.values() for r in rows):>12}{'never':>12}")
print(f"{'answered or not':34}{'known':>12}{'unknown':>12}")
print(f"{'named by ClusterIP':34}{sum(r[0]['peer_kind'] in ('service', 'apiserver') for r in agent.values()):>12}{'0, DNATed':>12}")
for flow in only:
    print(f"only the agent saw: {flow}: {sum(r['bytes'] for r in agent[flow])} bytes")
if missing:
    print("MISSING from the agent's view:", *missing, sep="\n  ")
    sys.exit(1)
assert translated, "no DNATed flow in the log: the comparison would prove nothing of services"
assert ("shop", "203.0.113.1", 6881, "TCP") in only, "the connection older than the log rule"
PYTHON
say 'ok: nothing the log saw is missing, and the agent saw more'
