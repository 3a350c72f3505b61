#!/usr/bin/env bash
# The quick start runs to its end with the programs of this build, says what it must say, and leaves nothing. Flags are
# handed on: --kube shows it with a real API server.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
if [ "$(id -u)" != 0 ]; then
  [ "${OUTFLOW_REQUIRE_PRIVILEGED:-0}" = 1 ] && { echo 'FAILED: needs root'; exit 1; }
  echo 'SKIPPED: needs root'
  exit 77
fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
before=$(ip netns list | sort)
"$root/deploy/quickstart.sh" "$@" --bin "${PROGRAMS_BIN:-$root/build/dev/bin}" >"$log" 2>&1 </dev/null || { cat "$log"; exit 1; }
more=()
[ "${1:-}" != --kube ] || more=('^shop +web-.* Running ' 'outflow-egress-shop serverside-applied')
for wanted in "${more[@]}" '^\$ outflow status' '^\$ outflow coverage' '^\$ outflow fanout' '^\$ outflow tiers' '^\$ outflow explain' \
  '^shop +4 +0 +2 +2 +1 +0 +1 +0 +1 ' '^198.51.100.10 +name +api.example.com' '^shop .* api.example.com ' 'kind: "GlobalNetworkPolicy"' 'egress-shop.yaml +shop' '== Done'; do
  grep -qE -- "$wanted" "$log" || { cat "$log"; echo "FAILED: the quick start does not show: $wanted"; exit 1; }
done
[ "$(ip netns list | sort)" = "$before" ] || { echo 'FAILED: namespaces are left over'; exit 1; }
echo 'ok: the quick start shows everything and leaves nothing'
