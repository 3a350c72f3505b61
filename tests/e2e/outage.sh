#!/usr/bin/env bash
# kill -9 of agent and aggregator at random moments and an outage between them, under counted traffic: every
# tuple sent is in the final table, and no counter exceeds what was sent.
#
# OUTAGE_SECONDS (30): how long the aggregator is away. OUTAGE_KILLS (6): kills of either. OUTAGE_SEED.
# shellcheck source=tests/e2e/case.sh
source "$(dirname "$0")/case.sh"
outage=${OUTAGE_SECONDS:-30} kills=${OUTAGE_KILLS:-6}
RANDOM=${OUTAGE_SEED:-$$}
say "seed ${OUTAGE_SEED:-$$}"
PROGRAMS_INTERVAL=500ms  # read by programs.sh
export PROGRAMS_INTERVAL

# Each round opens a hundred tuples of its own (another port each) and a known number of connections and
# datagrams to one address, so that both new and old tuples change all the time.
round() {
  local n=$1 i
  for i in $(seq 1 50); do echo "udp 203.0.113.7 $((10000 + n * 50 + i)) 1 sent"; done
  echo 'tcp 198.51.100.10 443 5 ok'
  echo 'udp 203.0.113.1 6881 5 ok'
}

sent_rounds=0
play_round() {
  round "$sent_rounds" | world_play_in web-a >"$WORLD_DIR/log/round" || fail "round $sent_rounds of the traffic"
  sent_rounds=$((sent_rounds + 1))
}

revive() {
  kill -0 "$AGGREGATOR_PID" 2>/dev/null || spawn_aggregator
  kill -0 "$AGENT_PID" 2>/dev/null || spawn_agent
}

world_up
start_aggregator
start_agent
for ((i = 0; i < kills; i++)); do
  play_round
  sleep "0.$((RANDOM % 9))"
  if [ $((RANDOM % 2)) = 0 ]; then victim=$AGENT_PID who=agent; else victim=$AGGREGATOR_PID who=aggregator; fi
  kill -KILL "$victim"
  wait "$victim" 2>/dev/null || true
  say "killed the $who"
  play_round  # while one of them is dead
  revive
done

say "an outage of $outage s"
kill -KILL "$AGGREGATOR_PID"
wait "$AGGREGATOR_PID" 2>/dev/null || true
until_end=$((SECONDS + outage))
while [ $SECONDS -lt $until_end ]; do
  play_round
  sleep 1
done
kill -KILL "$AGENT_PID"
wait "$AGENT_PID" 2>/dev/null || true
play_round
revive
started aggregator "$AGGREGATOR_PID" "$AGGREGATOR_HTTP"
started agent "$AGENT_PID" "$AGENT_HTTP"
settle 60

answer flows -n shop -o json >"$WORLD_DIR/flows.json"
"$WORLD_PYTHON" - "$WORLD_DIR/flows.json" "$sent_rounds" <<'PYTHON'
import collections
import json
import sys

rounds = int(sys.argv[2])
got = collections.Counter()
for item in json.load(open(sys.argv[1]))["items"]:
    key = (item["destination"], item["port"], item["protocol"])
    got[key, "packets"] += item["packets"]
    got[key, "attempts"] += item["attempts"]
    got[key, "established"] += item["established"]
wrong = []
for port in range(10001, 10001 + rounds * 50):
    count = got[("203.0.113.7", port, "UDP"), "packets"]
    if count != 1:
        wrong.append(f"203.0.113.7:{port}/UDP: sent 1 datagram, counted {count}")
for key, field in ((("198.51.100.10", 443, "TCP"), "attempts"), (("198.51.100.10", 443, "TCP"), "established"),
                   (("203.0.113.1", 6881, "UDP"), "packets")):
    if got[key, field] != rounds * 5:
        wrong.append(f"{key}: {rounds * 5} sent, {got[key, field]} {field} counted")
print(f"{rounds} rounds: {rounds * 50} tuples of one datagram, {rounds * 5} connections, {rounds * 5} datagrams on one tuple")
print("\n".join(wrong[:20]))
sys.exit(1 if wrong else 0)
PYTHON
say 'ok: every tuple is there, and counted exactly'
