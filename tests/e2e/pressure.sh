#!/usr/bin/env bash
# Too much for a table of 64 tuples and a drain that stands still for 10 s: every packet is in the final table
# or among the told losses, also when the agent is killed as it wakes up; a tuple that went missing is back when
# it is used again; and every answer about a namespace of that node says that it is incomplete.
#
# PRESSURE_SECONDS (10): how long the drain stands still.
# shellcheck source=tests/e2e/case.sh
source "$(dirname "$0")/case.sh"
still=${PRESSURE_SECONDS:-10}
tuples=6000

# told: of every kind of answer, which nodes it calls incomplete, and whether it says so of `shop`.
told() {
  local kind
  for kind in coverage fanout tiers plan baseline 'new --since 24h' 'explain 203.0.113.8'; do
    # shellcheck disable=SC2086  # the words of one command
    outflow $kind -o json >"$WORLD_DIR/answer.json" 2>/dev/null || [ $? = 5 ] || fail "no answer: $kind"
    "$WORLD_PYTHON" - "${kind%% *}" "$WORLD_DIR/answer.json" <<'PYTHON'
import json
import sys

kind, path = sys.argv[1:]
with open(path, encoding="utf-8") as file:
    answer = json.load(file)
context = answer["context"]
shop = [i["horizon"]["incomplete"] for i in answer.get("items", []) if i.get("namespace") == "shop" and "horizon" in i]
print(kind, ",".join(context["incomplete_nodes"]) or "-", "losses" if context["losses"] else "no-losses",
      *["incomplete" if s else "complete" for s in shop])
PYTHON
  done
}

# count: packets that the table has of the tuples of the spray, lost ones by reason, and their sum.
count() {
  answer flows -n shop -o json >"$WORLD_DIR/flows.json"
  answer coverage -o json >"$WORLD_DIR/coverage.json"
  "$WORLD_PYTHON" - "$WORLD_DIR" <<'PYTHON'
import json
import sys

with open(f"{sys.argv[1]}/flows.json", encoding="utf-8") as file:
    packets = sum(i["packets"] for i in json.load(file)["items"] if i["destination"] == "203.0.113.9")
with open(f"{sys.argv[1]}/coverage.json", encoding="utf-8") as file:
    losses = {l["reason"]: l["count"] for l in json.load(file)["context"]["losses"]}
print(packets, sum(losses.values()), packets + sum(losses.values()), ",".join(sorted(losses)))
PYTHON
}

# spray FIRST-PORT: a datagram to each of the ports from there on.
spray() {
  local port
  for ((port = $1; port < $1 + tuples; port++)); do echo "udp 203.0.113.9 $port 1 sent"; done | world_play_in web-a >/dev/null
}

world_up
start_aggregator
start_agent --tuples-max 64
world_play_in web-a <<<'udp 203.0.113.8 9000 1 sent' >/dev/null
settle
same 'nothing is lost, and every answer says so' 'coverage - no-losses complete
fanout - no-losses complete
tiers - no-losses complete
plan - no-losses complete
baseline - no-losses
new - no-losses
explain - no-losses complete' "$(told)"

say "the drain stands still for $still s"
kill -STOP "$AGENT_PID"
slept=$SECONDS
spray 10000
while [ $((SECONDS - slept)) -lt "$still" ]; do sleep 0.1; done
kill -CONT "$AGENT_PID"
settle
read -r packets lost sum reasons <<<"$(count)"
same 'sent = in the table + lost' $tuples "$sum"
same 'and why' ring_full "$reasons"
[ "$lost" -gt 0 ] || fail 'nothing was lost: this check checks nothing'
say "ok: $packets packets in the table, $lost lost"
same 'every answer says what is missing' 'coverage node-1 losses incomplete
fanout node-1 losses incomplete
tiers node-1 losses incomplete
plan node-1 losses incomplete
baseline node-1 losses
new node-1 losses
explain node-1 losses incomplete' "$(told)"
answer policy -n shop --allow-insufficient >"$WORLD_DIR/policy.yaml"
grep -q '^# Incomplete: ' "$WORLD_DIR/policy.yaml" || fail "the policy does not say that it is incomplete: $(head -n 12 "$WORLD_DIR/policy.yaml")"
say 'ok: and so does a policy made of it'

# The last of them had no room in the ring. Used again, it is there.
last=$((10000 + tuples - 1))
of_last() { answer flows -n shop -o json | "$WORLD_PYTHON" -c '
import json, sys
print(sum(i["packets"] for i in json.load(sys.stdin)["items"] if i["port"] == int(sys.argv[1])))' $last; }
same 'a tuple is missing' 0 "$(of_last)"
world_play_in web-a <<<"udp 203.0.113.9 $last 1 sent" >/dev/null
settle
same 'and back when it is used again' 1 "$(of_last)"

say 'killed while it wakes up with a full ring'
kill -STOP "$AGENT_PID"
spray 20000
kill -CONT "$AGENT_PID"
kill -KILL "$AGENT_PID"
wait "$AGENT_PID" 2>/dev/null || true
start_agent --tuples-max 64
settle
read -r _ _ sum reasons <<<"$(count)"
same 'sent = in the table + lost' $((2 * tuples + 1)) "$sum"
say "lost by $reasons"
