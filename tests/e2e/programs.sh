#!/usr/bin/env bash
# Outflow's three programs in a world (source world.sh first). The agent runs in the node's namespace;
# the aggregator, too, so that nothing of it can collide with what else runs on this machine.
#
#   PROGRAMS_BIN=build/dev/bin
#   start_aggregator [FLAGS...]; start_agent [FLAGS...]     wait until ready
#   outflow fanout                                          the CLI, asking that aggregator
#   answer flows                                            the same, a partial answer will do
#   settle                                                  wait until all sent so far is stored
#
# Agent and aggregator speak over loopback TCP in the node's namespace (PROGRAMS_AGGREGATOR=unix:PATH for
# a socket), and so does the CLI. Arrays that replace what is usual: PROGRAMS_TELL (how the aggregator is told of the
# cluster, instead of by the world's file), and more flags in PROGRAMS_AGGREGATOR_FLAGS, PROGRAMS_AGENT_FLAGS, PROGRAMS_CLI_FLAGS.

PROGRAMS_BIN=${PROGRAMS_BIN:-$WORLD_HERE/../../build/dev/bin}
PROGRAMS_AGGREGATOR=${PROGRAMS_AGGREGATOR:-127.0.0.1:7443}
PROGRAMS_INTERVAL=${PROGRAMS_INTERVAL:-1s}
AGENT_PID='' AGGREGATOR_PID=''
[ -n "${PROGRAMS_TELL+set}" ] || PROGRAMS_TELL=()
[ -n "${PROGRAMS_AGGREGATOR_FLAGS+set}" ] || PROGRAMS_AGGREGATOR_FLAGS=()
[ -n "${PROGRAMS_AGENT_FLAGS+set}" ] || PROGRAMS_AGENT_FLAGS=()
[ -n "${PROGRAMS_CLI_FLAGS+set}" ] || PROGRAMS_CLI_FLAGS=()
AGENT_HTTP=127.0.0.1:9101 AGGREGATOR_HTTP=127.0.0.1:9102

programs_can() {
  local name
  for name in outflow-agent outflow-aggregator outflow; do
    [ -x "$PROGRAMS_BIN/$name" ] || { echo "needs $PROGRAMS_BIN/$name, which is not built" >&2; return 1; }
  done
}

# http_get HOST:PORT PATH: the body; fails unless the answer is 200.
http_get() {
  world_exec node "$WORLD_PYTHON" -c \
    'import sys, urllib.request; sys.stdout.write(urllib.request.urlopen(sys.argv[1], timeout=5).read().decode())' "http://$1$2"
}

# alive_and_ready PID HOST:PORT
alive_and_ready() {
  kill -0 "$1" 2>/dev/null && http_get "$2" /readyz
}

# started NAME PID HOST:PORT: waits until it is ready, or shows its log's end.
started() {
  local name=$1 pid=$2 http=$3 deadline=$((SECONDS + 30))
  until alive_and_ready "$pid" "$http" >/dev/null 2>&1; do
    if ! kill -0 "$pid" 2>/dev/null || [ $SECONDS -ge $deadline ]; then
      echo "$name did not get ready; its log ends:" >&2
      tail -n 30 "$WORLD_DIR/log/$name" >&2
      return 1
    fi
    sleep 0.1
  done
}

spawn_aggregator() {
  local tell=("${PROGRAMS_TELL[@]}")
  [ ${#tell[@]} -gt 0 ] || tell=(--inventory-file "$WORLD_DIR/inventory.json")
  world_spawn node "$WORLD_DIR/log/aggregator" "$PROGRAMS_BIN/outflow-aggregator" --listen "$PROGRAMS_AGGREGATOR" \
    --http-listen "$AGGREGATOR_HTTP" --data-dir "$WORLD_DIR/data" "${tell[@]}" "${PROGRAMS_AGGREGATOR_FLAGS[@]}" "$@"
  AGGREGATOR_PID=$WORLD_PID
}

start_aggregator() {
  spawn_aggregator "$@"
  started aggregator "$AGGREGATOR_PID" "$AGGREGATOR_HTTP"
}

spawn_agent() {
  world_spawn node "$WORLD_DIR/log/agent" "$PROGRAMS_BIN/outflow-agent" --aggregator "$PROGRAMS_AGGREGATOR" \
    --node-name node-1 --report-interval "$PROGRAMS_INTERVAL" --state-dir "$WORLD_DIR/state" \
    --bpffs-dir "$WORLD_DIR/bpf/outflow" --http-listen "$AGENT_HTTP" "${PROGRAMS_AGENT_FLAGS[@]}" "$@"
  AGENT_PID=$WORLD_PID
}

start_agent() {
  spawn_agent "$@"
  started agent "$AGENT_PID" "$AGENT_HTTP"
}

outflow() {
  world_exec node "$PROGRAMS_BIN/outflow" --server "$PROGRAMS_AGGREGATOR" "${PROGRAMS_CLI_FLAGS[@]}" "$@"
}

# node-2 is in the inventory and never has an agent, so every answer about the world is partial: exit 5.
answer() {
  outflow "$@" || [ $? = 5 ]
}

# The node's last report ended after the given moment (seconds since 1970).
reported_since() {
  outflow status -o json | "$WORLD_PYTHON" -c '
import datetime, json, sys
rows = [r for r in json.load(sys.stdin)["items"] if r["node"] == "node-1" and r["last_report"]]
last = max((datetime.datetime.fromisoformat(r["last_report"][:19] + "+00:00").timestamp() for r in rows), default=0)
sys.exit(0 if last >= float(sys.argv[1]) else 1)' "$1"
}

# settle [SECONDS]: until the aggregator holds everything sent before the call.
settle() {
  world_wait "${1:-30}" 'the last report' reported_since $(($(date +%s) + 1))
}
