#!/usr/bin/env bash
# The writer of live sets on a real API server, with the role that the manifests give it: what GitOps applied without
# addresses gets them and keeps them, and nothing else is touched, or could be.
# shellcheck source=tests/kube/case.sh
source "$(dirname "$0")/case.sh"
bin=${PROGRAMS_BIN:-$kube_here/../../build/dev/bin}
for program in outflow-aggregator fake_aggregator; do [ -x "$bin/$program" ] || skip "$bin/$program was not built"; done
manifest=$kube_here/../../deploy/kubernetes/overlays/sets-writer/sets-writer.yaml

plane_up
calico
dir=$PLANE_DIR
account=outflow-system/outflow-sets-writer
plane_account $account >"$dir/writer"
kube apply --server-side --force-conflicts -f "$manifest" >/dev/null || fail 'the manifest of the writer is refused'

# wants NAME NET...: what the aggregator says from now on: these sets, each wanted to hold its nets. "--" begins another.
wants() {
  python3 - "$@" >"$dir/answer.new" <<'PYTHON' && mv "$dir/answer.new" "$dir/answer.json"
import json, sys
sets = [group.split() for group in " ".join(sys.argv[1:]).split("--") if group.split()]
print(json.dumps({"context": {"inventoryAsOf": "2026-05-18T18:00:00Z"}, "items": [
    {"namespace": "example", "name": name, "usable": True, "nets": [{"net": net} for net in nets]} for name, *nets in sets]}))
PYTHON
}
wants api 198.51.100.7/32
"$bin/fake_aggregator" "unix:$dir/aggregator" "$dir/answer.json" >"$dir/log/aggregator" 2>&1 &
aggregator=$!
writer=''
end_programs() { for pid in $aggregator $writer; do kill "$pid" 2>/dev/null; wait "$pid" 2>/dev/null; done; }
case_ends+=(end_programs)
plane_wait 10 'the aggregator' test -S "$dir/aggregator"

program=("$bin/outflow-aggregator" write-sets --server "unix:$dir/aggregator" --kubeconfig "$dir/writer" --namespace example)
write_sets() { "${program[@]}" "$@"; }
# once CODE [FLAG...]: one round, which ends with this code.
once() {
  local wanted=$1 code=0
  shift
  write_sets --once "$@" >"$dir/said" 2>&1 || code=$?
  [ $code = "$wanted" ] || { cut -c1-600 "$dir/said"; fail "ended with $code, not $wanted"; }
}
# set_of NAME [LABEL [SPEC]]: a manifest as exported to git: without addresses, and so without a spec.
set_of() {
  printf 'apiVersion: %s\nkind: GlobalNetworkSet\nmetadata: {name: %s, labels: {outflow.dev/set: "%s"}}\n%s\n' \
    "${group:-projectcalico.org/v3}" "$1" "${2-$1}" "${3:+spec: $3}"
}
gitops() { kube apply --server-side --field-manager gitops -f - >/dev/null; }
kind=globalnetworksets.projectcalico.org
nets() { kube get $kind "$1" -o json | python3 -c 'import json, sys; print(*json.load(sys.stdin).get("spec", {}).get("nets", []))'; }
version() { kube get $kind "$1" -o 'jsonpath={.metadata.resourceVersion}'; }

plane_wait 10 'the role' kube auth can-i patch $kind --as system:serviceaccount:outflow-system:outflow-sets-writer
once 0
kube get $kind api >/dev/null 2>&1 && fail 'a set that nobody applied was made'
grep -q 'not in the cluster' "$dir/said" || fail 'a set that is not there is not reported'
say 'ok: a set that is not there is reported, and not made'

set_of api | gitops
once 0 --dry-run
same 'a dry run changes nothing' '' "$(nets api)"
grep -q '^would apply api: 1 added' "$dir/said" || fail 'a dry run does not say what it would do'
once 0
same 'a set without addresses gets them' 198.51.100.7/32 "$(nets api)"
same 'its writer owns the addresses, and nothing else' '{"f:spec": {"f:nets": {}}}' "$(kube get $kind api -o json --show-managed-fields | python3 -c '
import json, sys
print(*(json.dumps(m["fieldsV1"]) for m in json.load(sys.stdin)["metadata"]["managedFields"] if m["manager"] == "outflow-sets"))')"

before=$(version api)
once 0
same 'a set that is as it should be is not written' "$before" "$(version api)"
set_of api | gitops
same 'the manifest applied again leaves the addresses' 198.51.100.7/32 "$(nets api)"
set_of api api '{}' | gitops
same 'also one with an empty spec' 198.51.100.7/32 "$(nets api)"
set_of api | kube apply -f - >/dev/null 2>&1
set_of api | kube apply -f - >/dev/null 2>&1
same 'so does the older kind of apply' 198.51.100.7/32 "$(nets api)"

set_of foreign other | gitops
kube create -f - >/dev/null <<'SET'
{"apiVersion": "projectcalico.org/v3", "kind": "GlobalNetworkSet", "metadata": {"name": "plain"}, "spec": {"nets": ["192.0.2.1"]}}
SET
wants api 198.51.100.7/32 198.51.100.8/32 -- foreign 198.51.100.9/32 -- plain 198.51.100.9/32 -- inside 10.96.0.1/32 198.51.100.9/32
set_of inside | gitops
foreign=$(version foreign) plain=$(version plain)
once 5
same 'sets without our label are not touched' "$foreign $plain" "$(version foreign) $(version plain)"
same 'others are meanwhile' '198.51.100.7/32 198.51.100.8/32' "$(nets api)"
same 'an answer does not open the inside' 198.51.100.9/32 "$(nets inside)"

set_of owned owned '{nets: [192.0.2.1]}' | gitops
wants owned 198.51.100.7/32
once 5
same 'addresses of another manager are left' 192.0.2.1 "$(nets owned)"
grep -q 'reason=conflict.*gitops' "$dir/said" || fail 'the conflict does not name whose they are'
once 0 --force-conflicts
same 'and taken when that is wanted' '192.0.2.1/32 198.51.100.7/32' "$(nets owned)"

# What the role can do, whatever the program does.
may() { kube auth can-i "$@" --as system:serviceaccount:outflow-system:outflow-sets-writer 2>/dev/null || true; }
same 'it may read and patch a set' 'yes yes' "$(may get $kind) $(may patch $kind)"
same 'it may see its namespaces, and no other' 'yes no' "$(may get namespaces/example) $(may get namespaces/default)"
for deed in "create $kind" "delete $kind" "update $kind" "list $kind" "watch $kind" 'patch globalnetworkpolicies.projectcalico.org' \
  'get globalnetworkpolicies.projectcalico.org' 'patch networksets.projectcalico.org' 'get secrets' 'get configmaps' 'list pods' 'list namespaces' \
  'get pods -n outflow-system' 'create serviceaccounts/token -n outflow-system' 'patch clusterroles'; do
  read -r -a words <<<"$deed"
  [ "$(may "${words[@]}")" = no ] || fail "its role may $deed"
done
say 'ok: and nothing else'
wants new 198.51.100.7/32
once 2 --create
grep -q 'HTTP 403' "$dir/said" || fail 'the refusal of a creation is not told'
kube get $kind new >/dev/null 2>&1 && fail 'a set was made without the right to'
sed 's/verbs: \[get, patch\]/verbs: [get, patch, create]/' "$manifest" | kube apply --server-side --force-conflicts -f - >/dev/null
made() { write_sets --once --create >"$dir/said" 2>&1; }
plane_wait 10 'the wider role' made
same 'with the right it makes one, labelled, with its addresses' 'new 198.51.100.7/32' \
  "$(kube get $kind new -o 'jsonpath={.metadata.labels.outflow\.dev/set}') $(nets new)"
wants new 198.51.100.8/32 198.51.100.7/32
once 0
same 'and may go on with it' '198.51.100.7/32 198.51.100.8/32' "$(nets new)"

# As a daemon.
wants api 198.51.100.7/32
"${program[@]}" --interval 1s --remove-after 1s --http-listen '' >"$dir/log/writer" 2>&1 &
writer=$!
holds() { [ "$(nets "$1")" = "$2" ]; }
plane_wait 20 'the address that is gone to leave' holds api 198.51.100.7/32
say 'ok: an address that is gone leaves'
wants api 198.51.100.7/32 198.51.100.10/32
plane_wait 10 'the new address' holds api '198.51.100.7/32 198.51.100.10/32'
plane_stop_server
plane_start_server
wants api 198.51.100.7/32 198.51.100.10/32 198.51.100.11/32
plane_wait 30 'the address after the outage' holds api '198.51.100.7/32 198.51.100.10/32 198.51.100.11/32'
kill $writer
wait $writer || fail 'the writer did not end well'
writer=''
say 'ok: new ones come, also after the API server was away'

# Where Calico's API is not served, its store is.
kube delete crd $kind --wait >/dev/null
calico --legacy
group=crd.projectcalico.org/v1 kind=globalnetworksets.crd.projectcalico.org
set_of api | gitops
wants api 198.51.100.7/32
plane_wait 20 'the other group' write_sets --once
same "Calico's store is written where its API is not served" 198.51.100.7/32 "$(nets api)"
