#!/usr/bin/env bash
# Who may report, ask and take a backup, as a real API server says it: an agent enrols by its pod's token and reports for
# that pod's node alone, a user sees by token what the server lets him see.
# shellcheck source=tests/kube/case.sh
source "$(dirname "$0")/case.sh"
bin=$PROGRAMS_BIN
for program in outflow-aggregator outflow-agent outflow; do [ -x "$bin/$program" ] || skip "needs $bin/$program"; done
[ "$(id -u)" = 0 ] || skip 'needs root: an agent loads BPF programs'
pids=()
end_programs() {
  local pid
  for pid in "${pids[@]}"; do plane_end_program "$pid"; done
  if mountpoint -q "$PLANE_DIR/bpf"; then umount "$PLANE_DIR/bpf"; fi
}
plane_end_program() {
  kill -TERM "$1" 2>/dev/null
  wait "$1" 2>/dev/null
}
case_ends+=(end_programs)

# ask TOKEN_OF QUESTION...: with the token of a service account.
ask() {
  "$bin/outflow" --server "$server" --tls-ca "$PLANE_DIR/pki/outflow-ca.crt" --tls-server-name outflow-aggregator.outflow-system.svc \
    --token-file "$PLANE_DIR/tokens.$1" "${@:2}"
}
told() {
  local code=0
  ask "$@" >"$PLANE_DIR/said" 2>&1 || code=$?
  echo "$code"
}
reports() { ask boss status -o json 2>/dev/null | python3 -c '
import json, sys
sys.exit(not any(i["node"] == sys.argv[1] and i["state"] == "reporting" for i in json.load(sys.stdin)["items"]))' "$1"; }
says() { grep -q -- "$2" "$PLANE_DIR/log/$1"; }

# agent LOG NODE FLAGS_OF_PROOF...: hooks nothing, as no interface has such a name.
agent() {
  "$bin/outflow-agent" --aggregator "$server" --node-name "$2" --interface-pattern 'outflow-none*' --report-interval 1s \
    --state-dir "$PLANE_DIR/$1" --bpffs-dir "$PLANE_DIR/bpf/$1" --http-listen '' --tls-ca "$PLANE_DIR/pki/outflow-ca.crt" \
    --tls-server-name outflow-aggregator.outflow-system.svc "${@:3}" >>"$PLANE_DIR/log/$1" 2>&1 </dev/null &
  pids+=($!)
}

# agent_pod NAME NODE: of the agents' service account.
agent_pod() {
  kube create -f - >/dev/null <<POD
{apiVersion: v1, kind: Pod, metadata: {name: $1, namespace: outflow-system},
 spec: {serviceAccountName: outflow-agent, nodeName: $2, hostNetwork: true, containers: [{name: agent, image: outflow-agent}]}}
POD
}
bound_token() {
  kube -n outflow-system create token outflow-agent --audience "$2" --bound-object-kind Pod --bound-object-name "$1"
}

plane_up
python3 "$kube_here/../e2e/cluster.py" inventory >"$PLANE_DIR/inventory.json"
plane_load "$PLANE_DIR/inventory.json"
plane_authority outflow-ca
plane_sign aggregator /CN=outflow-aggregator 'subjectAltName=DNS:outflow-aggregator.outflow-system.svc' outflow-ca
plane_account outflow-system/outflow-aggregator >"$PLANE_DIR/aggregator.kubeconfig"
plane_grant outflow-system/outflow-aggregator
kube create clusterrolebinding outflow-asks --clusterrole system:auth-delegator \
  --serviceaccount outflow-system:outflow-aggregator >/dev/null
mkdir -p "$PLANE_DIR/bpf"
mount -t bpf outflow "$PLANE_DIR/bpf"
pki=$PLANE_DIR/pki
"$bin/outflow-aggregator" --listen 127.0.0.1:0 --http-listen '' --data-dir "$PLANE_DIR/data" \
  --kubeconfig "$PLANE_DIR/aggregator.kubeconfig" --tls-cert "$pki/aggregator.crt" --tls-key "$pki/aggregator.key" \
  --tls-ca "$pki/outflow-ca.crt" --enroll-ca-cert "$pki/outflow-ca.crt" --enroll-ca-key "$pki/outflow-ca.key" \
  >>"$PLANE_DIR/log/aggregator" 2>&1 </dev/null &
pids+=($!)
plane_wait 30 'the aggregator' says aggregator msg=serving
server=127.0.0.1:$(sed -nE 's/.*msg=serving .* port=([0-9]+).*/\1/p' "$PLANE_DIR/log/aggregator")

kube create namespace people >/dev/null
for name in boss team stranger; do
  kube -n people create serviceaccount "$name" >/dev/null
  kube -n people create token "$name" --audience outflow-aggregator >"$PLANE_DIR/tokens.$name"
done
kube -n people create token boss >"$PLANE_DIR/tokens.other-audience"
kube create clusterrole sees-all --verb get,list --resource namespaces >/dev/null
kube create clusterrolebinding boss --clusterrole sees-all --serviceaccount people:boss >/dev/null
kube -n shop create role sees --verb get --resource namespaces >/dev/null
kube -n shop create rolebinding team --role sees --serviceaccount people:team >/dev/null
kube -n outflow-system create serviceaccount outflow-agent >/dev/null
agent_pod outflow-agent-one node-1
bound_token outflow-agent-one outflow-aggregator >"$PLANE_DIR/agent.token"
bound_token outflow-agent-one elsewhere >"$PLANE_DIR/agent.elsewhere"

agent enrolled node-1 --enroll-token "$PLANE_DIR/agent.token"
plane_wait 30 'a report of node-1' reports node-1
say 'ok: an agent enrols by the token of its pod, and reports'
same "its certificate names the pod's node" URI:outflow://agent/node-1 \
  "$(openssl x509 -in "$PLANE_DIR/enrolled/tls/agent.pem" -noout -ext subjectAltName | tail -n 1 | tr -d ' ')"

agent elsewhere node-1 --enroll-token "$PLANE_DIR/agent.elsewhere"
agent person node-1 --enroll-token "$PLANE_DIR/tokens.boss"
stolen=$PLANE_DIR/enrolled/tls/agent.pem
agent mistaken node-2 --enroll-token "$PLANE_DIR/agent.token"
agent pretends node-2 --tls-cert "$stolen" --tls-key "$stolen"
plane_wait 30 'a refusal of another audience' says elsewhere audience
plane_wait 30 'a refusal of another account' says person 'people:boss'
plane_wait 30 'what an agent of another name says' says mistaken 'the token is of node node-1, --node-name is node-2'
plane_wait 30 'a refusal of another node' says pretends 'does not let us report'
same 'nobody else reports' 1 "$(reports node-2 || echo $?)"

# node-2 never has an agent: every answer is partial, exit 5.
same 'who may list namespaces sees them' 5 "$(told boss flows)"
same 'who may see one is told of it alone' 5 "$(told team coverage -n shop)"
same 'another one is refused by its name' 2 "$(told team coverage -n mail)"
grep -q mail "$PLANE_DIR/said" || fail 'the refusal does not name the namespace'
ask team coverage -o json >"$PLANE_DIR/seen" 2>/dev/null || true
same 'without a name the rest is hidden' 'shop' "$(python3 -c '
import json, sys
print(*[i["namespace"] for i in json.load(open(sys.argv[1]))["items"]])' "$PLANE_DIR/seen")"
same 'a token for another audience is none' 2 "$(told other-audience status)"
same 'a backup is for who may see all' 2 "$(told team backup "$PLANE_DIR/backup")"
same 'and they get it' 0 "$(told boss backup "$PLANE_DIR/backup")"
say 'done'
