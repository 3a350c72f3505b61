#!/usr/bin/env bash
# The frame of one end-to-end case, sourced first: a world that is always removed, checks that are counted,
# and a skip (exit 77) where the machine cannot hold a world, which is a failure when
# OUTFLOW_REQUIRE_PRIVILEGED is 1. On failure the programs' logs are shown.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/e2e/world.sh
source "$here/world.sh"
# shellcheck source=tests/e2e/programs.sh
source "$here/programs.sh"

case_end() {
  local code=$? log
  trap - EXIT
  # Nothing interrupts the clearing up, not even a reader of our output that has gone.
  trap '' INT TERM HUP PIPE
  set +e
  if [ $code != 0 ] && [ -n "$WORLD_DIR" ]; then
    for log in agent aggregator; do
      [ -f "$WORLD_DIR/log/$log" ] && { echo "-- $log"; tail -n 40 "$WORLD_DIR/log/$log"; }
    done
  fi
  world_down
  exit $code
}

if ! world_can || ! programs_can; then
  [ "${OUTFLOW_REQUIRE_PRIVILEGED:-0}" = 1 ] && { echo 'FAILED: this must run here'; exit 1; }
  echo 'SKIPPED: see above'
  exit 77
fi
trap case_end EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
trap 'exit 141' PIPE

say() { printf '%3d s  %s\n' "$SECONDS" "$*"; }
fail() { echo "FAILED: $*" >&2; exit 1; }

# same WHAT WANTED GOT: equal texts, else a diff and the end.
same() {
  [ "$2" = "$3" ] && { say "ok: $1"; return; }
  diff <(echo "$2") <(echo "$3") >&2 || true
  fail "$1 (< wanted, > got)"
}

# fanout_columns: what the study's table has, and `own`, for every namespace with data.
fanout_columns() {
  answer fanout -o csv | "$WORLD_PYTHON" -c '
import csv, sys
for row in sorted(csv.DictReader(sys.stdin), key=lambda r: r["namespace"]):
    print(*(row[k] for k in ("namespace", "destinations", "pod_namespaces", "services", "external", "other", "own")))'
}

# The standard traffic's table, counted by hand from world_steps: for mail, say, one other namespace by a pod
# address (media), two services (kube-dns, shop/web), and eight external addresses, the refused and the
# silent one among them.
# shellcheck disable=SC2034  # used by the cases
WORLD_FANOUT='batch 4 0 1 2 1 0
mail 11 1 2 8 0 0
media 22 0 1 20 1 0
shop 4 0 2 2 0 1'
