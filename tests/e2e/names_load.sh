#!/usr/bin/env bash
# Ten thousand answers a second for some seconds, from the packet to what explain tells: every answer a pod was
# given is in the names that are kept, or among the counted losses.
#
# LOAD_RATE (10000) answers a second, LOAD_SECONDS (4).
# shellcheck source=tests/e2e/names_world.sh
source "$(dirname "$0")/names_world.sh"
# shellcheck source=tests/e2e/case.sh
source "$(dirname "$0")/case.sh"
world_make_servers() { names_make_servers; }
names_world_can || fail 'this must run here'
rate=${LOAD_RATE:-10000} seconds=${LOAD_SECONDS:-4} server=203.0.113.90

# kept: answers of all names the pod was told, addresses of each, losses of names, and their reasons.
kept() {
  local i
  for i in $(seq 0 7); do answer explain "n$i.load.example.com" -n load -o json >"$WORLD_DIR/explain-$i.json" 2>/dev/null || return; done
  "$WORLD_PYTHON" - "$WORLD_DIR" <<'PYTHON'
import json
import sys

answers, addresses = 0, set()
for i in range(8):
    with open(f"{sys.argv[1]}/explain-{i}.json", encoding="utf-8") as file:
        told = json.load(file)
    own = [n for n in told["names"] if n["name"] == f"n{i}.load.example.com"]
    answers += sum(n["answers"] for n in own)
    addresses.add(len({n["address"] for n in own}))
losses = {l["reason"]: l["count"] for l in told["context"]["name_losses"]}
print(answers, ",".join(map(str, sorted(addresses))), sum(losses.values()), ",".join(sorted(losses)) or "-")
PYTHON
}

world_up
start_aggregator
start_agent
settle
add_late_pods
world_spawn internet "$WORLD_DIR/log/load-server" "$WORLD_PYTHON" "$here/names_load.py" serve $server
world_wait 10 'the server of the load' grep -qx READY "$WORLD_DIR/log/load-server"
played=$(world_exec load "$WORLD_PYTHON" "$here/names_load.py" ask $server "$rate" "$seconds") || fail "the load: $played"
say "$played"
settle
read -r answers addresses lost reasons <<<"$(kept)"
same 'answers given = answers kept + lost' $((rate * seconds)) $((answers + lost))
same 'every name has its 64 addresses' 64 "$addresses"
same 'and at this rate nothing is lost' "0 -" "$lost $reasons"

# Without a pause of the agent, what is kept would be right for want of trouble: now it stands still.
say 'the agent stands still'
kill -STOP "$AGENT_PID"
played=$(world_exec load "$WORLD_PYTHON" "$here/names_load.py" ask $server "$rate" "$seconds") || fail "the load: $played"
kill -CONT "$AGENT_PID"
settle
read -r answers addresses lost reasons <<<"$(kept)"
same 'answers given = answers kept + lost, again' $((2 * rate * seconds)) $((answers + lost))
[ "$lost" -gt 0 ] || fail 'nothing was lost: this check checks nothing'
say "lost $lost by $reasons"

# Who may have been told without our seeing it is not called raw, and every answer says what is missing.
in_pod load <<<'dial 198.51.100.95 443'
settle
same 'after a loss an address without a name is unknown' unknown "$(answer flows -n load -o json | "$WORLD_PYTHON" -c '
import json, sys
print(*{i["naming"] for i in json.load(sys.stdin)["items"] if i["destination"] == "198.51.100.95"})')"
answer fanout -n load >/dev/null 2>"$WORLD_DIR/log/hints"
grep -q dns_ring_full "$WORLD_DIR/log/hints" || fail "fan-out does not say that names are missing: $(cat "$WORLD_DIR/log/hints")"
answer doctor -o json >"$WORLD_DIR/doctor.json" 2>/dev/null
same 'and the doctor warns' warn "$("$WORLD_PYTHON" -c '
import json, sys
print(*{i["state"] for i in json.load(open(sys.argv[1]))["items"] if i["check"] == "names" and i["node"] == "node-1"})' "$WORLD_DIR/doctor.json")"
