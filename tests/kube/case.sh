#!/usr/bin/env bash
# The frame of one case on a real API server, sourced first: a control plane that is always removed, checks that are
# counted, a skip (exit 77) where there are no servers, which is a failure in CI or with OUTFLOW_REQUIRE_KUBE=1. On
# failure the end of the servers' logs is shown.
set -euo pipefail
kube_here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/kube/control_plane.sh
source "$kube_here/control_plane.sh"

# What a case adds to be ended before the servers are.
case_ends=()
case_end() {
  local code=$? log end
  trap - EXIT
  # Nothing interrupts the clearing up, not even a reader of our output that has gone.
  trap '' INT TERM HUP PIPE
  set +e
  if [ $code != 0 ] && [ $code != 77 ] && [ -n "$PLANE_DIR" ]; then
    for log in "$PLANE_DIR"/log/*; do
      [ -f "$log" ] && { echo "-- $(basename "$log")"; tail -n 20 "$log" | cut -c1-400; }
    done
  fi
  for end in "${case_ends[@]}"; do "$end"; done
  plane_down
  exit $code
}

# skip WHY: the whole case; a failure where it must run.
skip() {
  if [ "${OUTFLOW_REQUIRE_KUBE:-0}" = 1 ] || [ -n "${CI:-}" ]; then
    echo "FAILED: this must run here: $*"
    exit 1
  fi
  echo "SKIPPED: $*"
  exit 77
}

missing=$(plane_can 2>&1 >/dev/null) || skip "${missing:-no control plane}"
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

# needs MINOR WHAT: false, and one line that says so, where the server is older than 1.MINOR.
needs() {
  [ "$(plane_minor)" -ge "$1" ] && return
  say "not here: $2 (needs Kubernetes 1.$1 or later, this is 1.$(plane_minor))"
  return 1
}

# calico [--legacy]: Calico's resource definitions, and waits until they answer.
calico() {
  local group=projectcalico.org
  [ "${1:-}" != --legacy ] || group=crd.projectcalico.org
  python3 "$kube_here/crds.py" "$@" | kube apply --server-side -f - >/dev/null &&
    kube wait --for condition=Established --timeout 30s crd "globalnetworkpolicies.$group" "networkpolicies.$group" \
      "tiers.$group" "globalnetworksets.$group" "networksets.$group" >/dev/null
}
