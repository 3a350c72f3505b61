#!/usr/bin/env bash
# Outflow cares for itself: the doctor sees a real node as it is and what goes wrong there; a backup taken
# while everything runs gives the same answers from another folder; the way through a cluster is one child.
# shellcheck source=tests/e2e/case.sh
source "$(dirname "$0")/case.sh"

# doctor_state CHECK: its states, of whichever nodes.
doctor_state() {
  "$WORLD_PYTHON" -c '
import json, sys
print(*sorted({i["state"] for i in json.load(open(sys.argv[1]))["items"] if i["check"] == sys.argv[2]}))' "$WORLD_DIR/doctor.json" "$1"
}

# ask_doctor: its exit code in $status.
ask_doctor() {
  status=0
  outflow doctor -o json >"$WORLD_DIR/doctor.json" 2>"$WORLD_DIR/log/doctor" || status=$?
}

self_test_told() {
  ask_doctor
  [ "$(doctor_state self-test)" = ok ]
}

world_up
world_exec node "$PROGRAMS_BIN/outflow-agent" --self-test || fail 'the self-test on this kernel'
say 'ok: the self-test passes'
start_aggregator
start_agent
world_play
settle
world_wait 30 'what the agent tells of its node' self_test_told
same 'a node without an agent makes the answer partial' 5 "$status"
for check in kernel hooks clock self-test reports agent-version; do
  same "the doctor's $check" ok "$(doctor_state $check)"
done
same 'a node without an agent is a warning' warn "$(doctor_state agents)"
answer doctor >"$WORLD_DIR/log/doctor.txt" 2>/dev/null
grep -q "pods' interfaces hooked" "$WORLD_DIR/log/doctor.txt" || fail 'the table does not tell of the hooks'

# The agent reported, so what it saw is the same after its self-test as before: nothing of it is a flow.
same 'the self-test left no flow' "$WORLD_FANOUT" "$(fanout_columns)"

outflow backup "$WORLD_DIR/outflow.backup" 2>/dev/null || fail 'the backup'
status=0
outflow backup "$WORLD_DIR/outflow.backup" 2>/dev/null || status=$?
same 'a backup never overwrites a file' 2 "$status"
before=$(fanout_columns)
world_end "$AGENT_PID"
world_end "$AGGREGATOR_PID"
mv "$WORLD_DIR/data" "$WORLD_DIR/data-before"

head -c 200 "$WORLD_DIR/outflow.backup" >"$WORLD_DIR/cut.backup"
status=0
"$PROGRAMS_BIN/outflow-aggregator" restore "$WORLD_DIR/cut.backup" --data-dir "$WORLD_DIR/data" 2>/dev/null || status=$?
same 'a cut backup is refused' 1 "$status"
[ ! -e "$WORLD_DIR/data" ] || fail 'a refused backup left a folder'
"$PROGRAMS_BIN/outflow-aggregator" restore "$WORLD_DIR/outflow.backup" --data-dir "$WORLD_DIR/data" || fail 'the restore'
start_aggregator
same 'the restored store answers the same' "$before" "$(fanout_columns)"
"$PROGRAMS_BIN/outflow-aggregator" upgrade --data-dir "$WORLD_DIR/data" 2>/dev/null && fail 'an upgrade of a store that is open'
say 'ok: an open store is not upgraded'

# A stand-in for kubectl: the port it forwards to is the aggregator's own.
mkdir -p "$WORLD_DIR/bin"
cat >"$WORLD_DIR/bin/kubectl" <<'KUBECTL'
#!/bin/sh
case "$*" in *port-forward*) echo $$ >"$(dirname "$0")/pid"; echo 'Forwarding from 127.0.0.1:7443 -> 7443'; exec sleep 600 ;; esac
KUBECTL
chmod +x "$WORLD_DIR/bin/kubectl"
status=0
world_exec node env "PATH=$WORLD_DIR/bin:$PATH" "$PROGRAMS_BIN/outflow" --context home status >/dev/null 2>&1 || status=$?
same 'an answer by way of the cluster' 0 "$status"
if kill -0 "$(cat "$WORLD_DIR/bin/pid")" 2>/dev/null; then fail 'kubectl outlives the command'; fi
say 'ok: kubectl ended with the command'
say 'done'
