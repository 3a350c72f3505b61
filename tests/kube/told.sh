#!/usr/bin/env bash
# Aggregators that are told of a cluster, for the cases of tests/kube (source case.sh first), each with a name:
#
#   told_start NAME FLAGS...        starts one, by a socket of its own, and waits until it has an inventory
#   told_ask NAME fanout ...        the CLI, asking that one; a partial answer (exit 5) will do
#   told_peer NAME ADDRESS          what it takes an address for, "kind name"
#   told_coverage NAME              "namespace status pods" of every selected namespace
#   told_state NAME                 "current" or "stale"
#   soon WHAT WANTED COMMAND...     until the command prints that, for half a minute

PROGRAMS_BIN=${PROGRAMS_BIN:-$kube_here/../../build/dev/bin}
declare -A TOLD_PIDS=()

told_can() {
  local name
  for name in outflow-aggregator outflow; do
    [ -x "$PROGRAMS_BIN/$name" ] || { echo "needs $PROGRAMS_BIN/$name, which is not built" >&2; return 1; }
  done
}

told_ask() {
  "$PROGRAMS_BIN/outflow" --server "unix:$PLANE_DIR/$1.sock" "${@:2}" || [ $? = 5 ]
}

told_field() {
  told_ask "$1" status -o json 2>/dev/null | python3 -c '
import json, sys
answer = json.load(sys.stdin)
print(answer.get(sys.argv[1], answer.get("context", {}).get(sys.argv[1], "")))' "$2"
}

told_has_inventory() { [ -n "$(told_field "$1" inventory_as_of)" ]; }

told_spawn() {
  "$PROGRAMS_BIN/outflow-aggregator" --listen "unix:$PLANE_DIR/$1.sock" --http-listen '' --data-dir "$PLANE_DIR/$1" \
    --select 'tier in (3-edge,4-aux)' "${@:2}" >>"$PLANE_DIR/log/$1" 2>&1 </dev/null &
  TOLD_PIDS[$1]=$!
}

told_start() {
  told_spawn "$@"
  plane_wait 30 "the inventory of $1" told_has_inventory "$1"
}

told_end() {
  local name
  for name in "${!TOLD_PIDS[@]}"; do plane_end "${TOLD_PIDS[$name]}"; done
  TOLD_PIDS=()
}

told_peer() {
  told_ask "$1" explain "$2" -o json 2>/dev/null | python3 -c '
import json, sys
answer = json.load(sys.stdin)
print(answer["peer_kind"], answer["peer"])'
}

# Of all namespaces. An address stays its last owner's for a minute after he went, unless somebody else gets it.
told_pods() {
  told_field "$1" pods
}

told_coverage() {
  told_ask "$1" coverage -o json 2>/dev/null | python3 -c '
import json, sys
for item in sorted(json.load(sys.stdin)["items"], key=lambda i: i["namespace"]):
    print(item["namespace"], item["status"], item["pods"])'
}

told_state() {
  case $(told_field "$1" inventory_stale) in
    True) echo stale ;;
    False) echo current ;;
  esac
}

# soon WHAT WANTED COMMAND...: within what back-off after an outage may take (twice 30 s).
soon() {
  local what=$1 wanted=$2 deadline=$((SECONDS + 75)) got=''
  shift 2
  until got=$("$@" 2>/dev/null) && [ "$got" = "$wanted" ]; do
    [ $SECONDS -lt $deadline ] || break
    sleep 0.2
  done
  same "$what" "$wanted" "$got"
}
