#!/usr/bin/env bash
# Every golden policy is taken by a real API server that knows Calico's resources strictly, and comes back as it was
# written; what Calico refuses is refused there, so that this means something.
# shellcheck source=tests/kube/case.sh
source "$(dirname "$0")/case.sh"
golden=$kube_here/../golden/policies

plane_up
needs 31 'the checks of nets (CEL for CIDRs)' || skip 'the server is too old for these definitions'
calico

strictly() { kube apply --server-side --validate=strict "$@"; }

applied=0
for file in "$golden"/*/policy.yaml; do
  # Rules by name are for the paid editions, whose resources know more than these.
  [ "$(grep -c '"dialect"' "$(dirname "$file")/evidence.json")" = 0 ] || continue
  grep -q '^kind:' "$file" || { say "no policy to apply: $(basename "$(dirname "$file")")"; continue; }
  strictly --dry-run=server -f "$file" >/dev/null || fail "$file is refused"
  strictly -f "$file" >/dev/null || fail "$file is refused for real"
  strictly -f "$file" -o json | python3 -c '
import json, sys, yaml
got, wanted = json.load(sys.stdin), list(yaml.safe_load_all(open(sys.argv[1])))
got = got["items"] if got["kind"] == "List" else [got]
assert len(got) == len(wanted), "not every document came back"
for one, meant in zip(got, wanted):
    assert one["kind"] == meant["kind"] and one.get("spec") == meant.get("spec"), "the server changed the " + meant["kind"]
    assert one["metadata"]["annotations"] == meant["metadata"]["annotations"]' "$file" || fail "$file comes back otherwise"
  applied=$((applied + 1))
done
[ $applied -ge 5 ] || fail "only $applied golden policies were applied"
say "ok: $applied golden policies are applied and come back as written"

# The same golden, spoiled: what is refused is refused in a whole policy, too.
spoil() {
  local what=$1 from=$2 to=$3
  sed "0,/$from/s//$to/" "$golden/small/policy.yaml" >"$PLANE_DIR/spoiled.yaml"
  cmp -s "$golden/small/policy.yaml" "$PLANE_DIR/spoiled.yaml" && fail "$what: nothing was spoiled"
  strictly --dry-run=server -f "$PLANE_DIR/spoiled.yaml" >"$PLANE_DIR/said" 2>&1 && fail "$what is accepted"
  say "ok: refused: a golden with $what"
}
spoil 'domains' 'destination:' 'destination:\n        domains: ["example.com"]'
spoil 'an unknown field' 'order: ' 'weight: '
spoil 'an action in lower case' 'action: "Allow"' 'action: "allow"'

accepted=0 refused=0
while IFS=$'\t' read -r name expected document; do
  if printf '%s' "$document" | strictly --dry-run=server -f - >"$PLANE_DIR/said" 2>&1; then
    [ "$expected" = ok ] || fail "accepted, but should not be: $name"
    accepted=$((accepted + 1))
  else
    grep -qF -- "$expected" "$PLANE_DIR/said" || { cut -c1-600 "$PLANE_DIR/said"; fail "$name: refused, but not for: $expected"; }
    refused=$((refused + 1))
  fi
done < <(python3 "$kube_here/policy_cases.py")
[ $accepted -ge 20 ] || fail "only $accepted accepted"
[ $refused -ge 45 ] || fail "only $refused refused"
say "ok: $accepted good documents are accepted, $refused bad ones refused for their reason"
