#!/usr/bin/env bash
# The control plane of the other cases is what they take it for: it knows who asks, forgets when told to, is gone while
# it is stopped and remembers afterwards, and leaves nothing behind.
# shellcheck source=tests/kube/case.sh
source "$(dirname "$0")/case.sh"

plane_up
dir=$PLANE_DIR
say "ok: up, Kubernetes 1.$(plane_minor)"

as() { "${PLANE_IN[@]}" "$PLANE_BIN/kubectl" --kubeconfig "$1" --cache-dir "$PLANE_DIR/cache" "${@:2}"; }
who() { as "$1" auth whoami -o json | python3 -c '
import json, sys
user = json.load(sys.stdin)["status"]["userInfo"]
print(user["username"], *sorted(g for g in user["groups"] if not g.startswith("system:auth")))'; }

plane_user alice outflow:admins readers >"$dir/alice"
plane_account tools/reader >"$dir/reader"
plane_exec tools/runner >"$dir/runner"
if needs 28 'who a credential stands for (SelfSubjectReview)'; then
  same 'a client certificate tells name and groups' 'alice outflow:admins readers' "$(who "$dir/alice")"
  same 'a token tells the service account' 'system:serviceaccount:tools:reader system:serviceaccounts system:serviceaccounts:tools' "$(who "$dir/reader")"
  same 'a program may give the token' 'system:serviceaccount:tools:runner' "$(who "$dir/runner" | cut -d' ' -f1)"
fi

as "$dir/reader" get pods -A >/dev/null 2>"$dir/said" && fail 'a service account without a role may list pods'
grep -q 'Forbidden' "$dir/said" || fail 'the refusal is not RBAC'
plane_grant tools/reader
# The authorizer has it a moment after the API has.
plane_wait 10 'the role' as "$dir/reader" get pods -A
say 'ok: roles decide'

refused() { ! as "$dir/reader" get pods -A >/dev/null 2>"$dir/said" && grep -qi 'unauthorized\|must be logged in' "$dir/said"; }
plane_revoke tools/reader
plane_wait 30 'the revoked token to be refused' refused
plane_renew tools/reader
as "$dir/reader" get pods -A >/dev/null 2>&1 || fail 'the renewed token, in the same file, is refused'
say 'ok: a revoked token is refused, its successor in the same file is not'

# status PATH: the HTTP status, or the code of the error within the stream that a 200 begins.
status() {
  "${PLANE_IN[@]}" curl -s -w '%{http_code}' --max-time 10 --cacert "$dir/pki/ca.crt" --cert "$dir/pki/admin.crt" \
    --key "$dir/pki/admin.key" "$PLANE_URL$1" >"$dir/said"
  { grep -oE '"code": ?[0-9]+' "$dir/said" || tail -c 3 "$dir/said"; } | grep -oE '[0-9]+'
}
old=$(kube get namespace default -o 'jsonpath={.metadata.resourceVersion}')
kube create configmap later -n default >/dev/null
plane_stop_server
kube get namespaces >/dev/null 2>&1 && fail 'a stopped server answers'
plane_start_server
kube -n default get configmap later >/dev/null || fail 'the restarted server has forgotten'
say 'ok: a stopped server does not answer, and remembers when it is back'
same 'who resumes a watch from before the restart is told that it is gone' 410 \
  "$(status "/api/v1/configmaps?watch=1&timeoutSeconds=3&resourceVersion=$old")"
past="/api/v1/configmaps?resourceVersionMatch=Exact&resourceVersion=$old&limit=1"
same 'the past can be read' 200 "$(status "$past")"
plane_compact
same 'after compaction the past is gone' 410 "$(status "$past")"

kube create namespace gone >/dev/null
plane_delete_namespace gone
kube get namespace gone >/dev/null 2>&1 && fail 'a deleted namespace is still there'
say 'ok: a namespace can be deleted without a controller'

pids="$PLANE_ETCD_PID $PLANE_SERVER_PID"
plane_down
[ ! -e "$dir" ] || fail "$dir is left over"
for pid in $pids; do kill -0 "$pid" 2>/dev/null && fail "process $pid is left over"; done
say 'ok: nothing is left over'
