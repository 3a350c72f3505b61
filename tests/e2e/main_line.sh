#!/usr/bin/env bash
# From packets to files: the standard traffic gives exactly the fan-out, coverage and tiers that a careful
# reader of world_steps writes down, and the export is the same bytes each time.
# shellcheck source=tests/e2e/case.sh
source "$(dirname "$0")/case.sh"

world_up
start_aggregator
start_agent
world_play
settle
same 'the fan-out table' "$WORLD_FANOUT" "$(fanout_columns)"

status=0
coverage=$(outflow coverage -o json) || status=$?
same 'coverage says that the answer is partial' 5 "$status"
same 'every selected namespace has a status' \
  'archive no-pods
batch observed
data idle
default no-pods
lab agent-missing
mail observed
media observed
monitoring host-network
shop observed' \
  "$("$WORLD_PYTHON" -c '
import json, sys
for item in sorted(json.loads(sys.argv[1])["items"], key=lambda i: i["namespace"]):
    assert item["reason"], item
    print(item["namespace"], item["status"])' "$coverage")"

same 'refused, filtered and silent connects differ from a working one' \
  '198.51.100.25 established 2 refused 0
198.51.100.28 established 0 refused 1
198.51.100.29 established 0 refused 0' \
  "$(answer flows -n mail -o json | "$WORLD_PYTHON" -c '
import json, sys
for item in sorted(json.load(sys.stdin)["items"], key=lambda i: i["destination"]):
    if item["destination"] in ("198.51.100.25", "198.51.100.28", "198.51.100.29"):
        assert item["attempts"] >= 1, item
        print(item["destination"], "established", item["established"], "refused", item["refused"])')"

same 'the runs of a CronJob are one workload' 'CronJob/backup' \
  "$(answer flows -n batch -o json | "$WORLD_PYTHON" -c '
import json, sys
print(*sorted({item["workload"] for item in json.load(sys.stdin)["items"]}))')"

status=0
outflow export "$WORLD_DIR/refused" >/dev/null 2>&1 || status=$?
same 'an export under the horizon is refused' 4 "$status"
status=0
outflow export "$WORLD_DIR/one" --allow-insufficient >/dev/null 2>"$WORLD_DIR/log/export" || status=$?
same 'an export without an agent on a node is partial' 5 "$status"
grep -q 'node-2 has no agent' "$WORLD_DIR/log/export" || fail 'the export does not name the node without an agent'
answer export "$WORLD_DIR/two" --allow-insufficient >/dev/null 2>&1
diff -r "$WORLD_DIR/one" "$WORLD_DIR/two" >/dev/null || fail 'two exports of the same evidence differ'
say 'ok: two exports are the same bytes'
grep -q 'valid days 0 of 7 (insufficient' "$WORLD_DIR/one/egress-shop.yaml" || fail 'the header does not say that evidence is insufficient'

# A restart of both with everything kept: nothing is counted twice, nothing is lost.
before=$(answer flows -o json | "$WORLD_PYTHON" -c 'import json, sys; print(sum(i["attempts"] for i in json.load(sys.stdin)["items"]))')
world_end "$AGENT_PID"
world_end "$AGGREGATOR_PID"
start_aggregator
start_agent
settle
after=$(answer flows -o json | "$WORLD_PYTHON" -c 'import json, sys; print(sum(i["attempts"] for i in json.load(sys.stdin)["items"]))')
same 'a restart counts nothing twice' "$before" "$after"
say 'done'
