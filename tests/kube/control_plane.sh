#!/usr/bin/env bash
# A real control plane for tests: etcd and kube-apiserver on loopback, on free ports, with a folder, a CA and keys of
# their own. No scheduler, no kubelet, no controllers: who needs a pod writes it with a node name and a status. To be
# sourced:
#
#   source tests/kube/control_plane.sh
#   trap plane_down EXIT
#   plane_up                          # PLANE_DIR, PLANE_URL, PLANE_KUBECONFIG (the administrator's)
#   kube get pods -A                  # kubectl as the administrator
#   plane_stop_server; plane_start_server     # the API server alone; etcd remembers
#   plane_compact                     # etcd forgets the past: who resumes from there is answered 410
#   plane_vanish pods NS NAME         # etcd loses an object, also while no API server runs: nobody is told
#   plane_user alice outflow:admins >FILE     # a kubeconfig with a client certificate (user, groups...)
#   plane_account NS/NAME >FILE       # one with a token of that service account, which is made if need be;
#                                     # the token is in $PLANE_DIR/tokens/NS.NAME and is renewed by calling again
#   plane_grant NS/NAME               # it may read everything
#   plane_revoke NS/NAME              # that token is refused from now on (the server remembers a yes for 10 s)
#   plane_exec NS/NAME >FILE          # one that asks a program for the token, as clouds do
#   plane_load FILE                   # makes the objects of a `kubectl get ... -o json`, with their status
#   plane_pod NS NAME NODE ADDRESS [KIND/OWNER]     # one that runs, made or changed
#   plane_down                        # stops what it started and removes the folder; safe to call twice
#
# or by hand, to be looked at:  tests/kube/control_plane.sh up DIR;  ... down DIR;  ... run COMMAND... (in which
# KUBECONFIG is the administrator's). Settings: PLANE_FLAGS (array, more flags of the API server, such as
# --watch-cache=false), PLANE_IN (array, a command in front of all: ip netns exec NAME), PLANE_PORT (of the API server).

PLANE_HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
PLANE_DIR=${PLANE_DIR:-}
PLANE_ETCD_PID='' PLANE_SERVER_PID=''
[ -n "${PLANE_FLAGS+set}" ] || PLANE_FLAGS=()
[ -n "${PLANE_IN+set}" ] || PLANE_IN=()
# Of the made-up cluster of tests/e2e, so that its services keep their addresses.
PLANE_SERVICES=${PLANE_SERVICES:-10.96.0.0/16,fd00:96::/108}

# plane_can: says why not when there are no servers to run.
plane_can() {
  local tool
  PLANE_BIN=$("$PLANE_HERE/get-servers.sh" --path) || return
  for tool in openssl curl python3; do
    command -v "$tool" >/dev/null || { echo "needs $tool, which is not installed" >&2; return 1; }
  done
}

kube() { "${PLANE_IN[@]}" "$PLANE_BIN/kubectl" --kubeconfig "$PLANE_KUBECONFIG" --cache-dir "$PLANE_DIR/cache" "$@"; }

# plane_wait SECONDS WHAT COMMAND...: until the command succeeds; WHAT is for the message.
plane_wait() {
  local deadline=$((SECONDS + $1)) what=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    if [ $SECONDS -ge $deadline ]; then
      echo "gave up waiting for $what" >&2
      return 1
    fi
    sleep 0.1
  done
}

# Ports that were free a moment ago; plane_up tries others should somebody be quicker.
plane_ports() {
  "${PLANE_IN[@]}" python3 -c '
import socket, sys
held = [socket.create_server(("127.0.0.1", 0)) for _ in range(int(sys.argv[1]))]
print(*(s.getsockname()[1] for s in held))' "$1"
}

# plane_authority NAME: $PLANE_DIR/pki/NAME.{key,crt}, which may sign others.
plane_authority() {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$PLANE_DIR/pki/$1.key" \
    -out "$PLANE_DIR/pki/$1.crt" -days 2 -subj "/CN=$1 of a test" 2>/dev/null
}

# plane_sign NAME SUBJECT [EXTENSION [AUTHORITY]]: $PLANE_DIR/pki/NAME.{key,crt}, signed by the control plane's CA or another.
plane_sign() {
  local at=$PLANE_DIR/pki/$1 by=$PLANE_DIR/pki/${4:-ca}
  openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$at.key" -subj "$2" -out "$at.csr" 2>/dev/null &&
    openssl x509 -req -in "$at.csr" -CA "$by.crt" -CAkey "$by.key" -CAcreateserial -days 2 \
      -extfile <(printf 'extendedKeyUsage=serverAuth,clientAuth\n%s\n' "${3:-}") -out "$at.crt" 2>/dev/null
}

plane_keys() {
  local pki=$PLANE_DIR/pki
  mkdir -p "$pki"
  plane_authority ca &&
    openssl ecparam -name prime256v1 -genkey -noout -out "$pki/accounts.key" &&
    openssl ec -in "$pki/accounts.key" -pubout -out "$pki/accounts.pub" 2>/dev/null &&
    plane_sign server /CN=kube-apiserver 'subjectAltName=IP:127.0.0.1,DNS:localhost,DNS:kubernetes.default.svc' &&
    plane_sign admin /O=system:masters/CN=administrator
}

# plane_kubeconfig USER_JSON: a kubeconfig on stdout. JSON is YAML, and quotes itself.
plane_kubeconfig() {
  cat <<EOF
apiVersion: v1
kind: Config
clusters: [{name: plane, cluster: {server: "$PLANE_URL", certificate-authority: "$PLANE_DIR/pki/ca.crt"}}]
users: [{name: user, user: $1}]
contexts: [{name: plane, context: {cluster: plane, user: user}}]
current-context: plane
EOF
}

# plane_user NAME [GROUP...]
plane_user() {
  local name=$1 subject='' group
  shift
  for group in "$@"; do subject+=/O=$group; done
  plane_sign "user-$name" "$subject/CN=$name" || return
  plane_kubeconfig "{client-certificate: \"$PLANE_DIR/pki/user-$name.crt\", client-key: \"$PLANE_DIR/pki/user-$name.key\"}"
}

# plane_token NS/NAME [AUDIENCE]: a fresh token, on stdout. It is bound to a Secret, so that it can be taken back.
plane_token() {
  local space=${1%%/*} name=${1#*/} audience=()
  [ -z "${2:-}" ] || audience=(--audience "$2")
  kube get namespace "$space" >/dev/null 2>&1 || kube create namespace "$space" >/dev/null || return
  kube -n "$space" get serviceaccount "$name" >/dev/null 2>&1 || kube -n "$space" create serviceaccount "$name" >/dev/null || return
  kube -n "$space" get secret "token-of-$name" >/dev/null 2>&1 ||
    kube -n "$space" create secret generic "token-of-$name" >/dev/null || return
  kube -n "$space" create token "$name" --duration 1h --bound-object-kind Secret --bound-object-name "token-of-$name" "${audience[@]}"
}

plane_token_file() { echo "$PLANE_DIR/tokens/${1/\//.}"; }

# plane_renew NS/NAME: a new token in the same file, moved there as a kubelet would.
plane_renew() {
  local file
  file=$(plane_token_file "$1")
  mkdir -p "$PLANE_DIR/tokens"
  plane_token "$1" >"$file.new" && mv "$file.new" "$file"
}

plane_account() {
  plane_renew "$1" && plane_kubeconfig "{tokenFile: \"$(plane_token_file "$1")\"}"
}

# plane_revoke NS/NAME: a token cannot be shorter than ten minutes, but it dies with the Secret it is bound to.
plane_revoke() { kube -n "${1%%/*}" delete secret "token-of-${1#*/}" >/dev/null; }

# plane_grant NS/NAME: not "view", which is empty as long as no controller aggregates it.
plane_grant() {
  kube get clusterrole plane-reader >/dev/null 2>&1 ||
    kube create clusterrole plane-reader --verb get,list,watch --resource '*.*' >/dev/null || return
  kube create clusterrolebinding "plane-reader-${1/\//-}" --clusterrole plane-reader --serviceaccount "${1/\//:}" >/dev/null
}

plane_exec() {
  local program=$PLANE_DIR/exec-${1/\//.}
  plane_renew "$1" || return
  cat >"$program" <<EOF
#!/bin/sh
printf '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"%s"}}' "\$(cat '$(plane_token_file "$1")')"
EOF
  chmod +x "$program"
  plane_kubeconfig "{exec: {apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, command: \"$program\"}}"
}

plane_get() { "${PLANE_IN[@]}" curl -sf --max-time 5 --cacert "$PLANE_DIR/pki/ca.crt" --cert "$PLANE_DIR/pki/admin.crt" --key "$PLANE_DIR/pki/admin.key" "$PLANE_URL$1"; }

# A port that was taken ends the server at once: then there is nothing to wait for.
plane_answers() { ! kill -0 "$1" 2>/dev/null || "${@:2}"; }

plane_start_etcd() {
  local client=http://127.0.0.1:$1 peer=http://127.0.0.1:$2
  PLANE_ETCD=$client
  # Its data outlives nothing but a restart of the API server: no fsync, which is slow where disks are shared.
  "${PLANE_IN[@]}" "$PLANE_BIN/etcd" --name plane --data-dir "$PLANE_DIR/etcd" --unsafe-no-fsync --listen-client-urls "$client" \
    --advertise-client-urls "$client" --listen-peer-urls "$peer" --initial-advertise-peer-urls "$peer" \
    --initial-cluster "plane=$peer" --log-level warn >>"$PLANE_DIR/log/etcd" 2>&1 </dev/null &
  PLANE_ETCD_PID=$!
  echo "$PLANE_ETCD_PID" >"$PLANE_DIR/etcd.pid"
  plane_wait 30 etcd plane_answers "$PLANE_ETCD_PID" "${PLANE_IN[@]}" curl -sf --max-time 5 "$client/health" && kill -0 "$PLANE_ETCD_PID"
}

# ServiceAccount admission and the kubernetes Service's endpoints are the controllers' and the real cluster's business.
plane_start_server() {
  local pki=$PLANE_DIR/pki
  "${PLANE_IN[@]}" "$PLANE_BIN/kube-apiserver" --etcd-servers "$PLANE_ETCD" --bind-address 127.0.0.1 \
    --secure-port "${PLANE_URL##*:}" --cert-dir "$pki" --tls-cert-file "$pki/server.crt" --tls-private-key-file "$pki/server.key" \
    --client-ca-file "$pki/ca.crt" --authorization-mode RBAC --anonymous-auth=false \
    --service-account-issuer https://kubernetes.default.svc --service-account-key-file "$pki/accounts.pub" \
    --service-account-signing-key-file "$pki/accounts.key" --service-account-extend-token-expiration=false \
    --service-cluster-ip-range "$PLANE_SERVICES" --endpoint-reconciler-type none \
    --disable-admission-plugins ServiceAccount "${PLANE_FLAGS[@]}" >>"$PLANE_DIR/log/kube-apiserver" 2>&1 </dev/null &
  PLANE_SERVER_PID=$!
  echo "$PLANE_SERVER_PID" >"$PLANE_DIR/server.pid"
  plane_wait 60 'the API server' plane_answers "$PLANE_SERVER_PID" plane_get /readyz && kill -0 "$PLANE_SERVER_PID" &&
    plane_wait 30 'the first namespaces' plane_get /api/v1/namespaces/default
}

# plane_end PID: asks, then insists after 10 s, and waits for the end. A pid that somebody else has by now, of a plane
# that was left running and died, is left alone: our servers have the folder's name on their command line.
plane_end() {
  local tries=0
  [[ $1 =~ ^[0-9]+$ ]] && grep -qsF "$PLANE_DIR/" "/proc/$1/cmdline" || return 0
  kill -TERM "$1" 2>/dev/null || true
  while kill -0 "$1" 2>/dev/null && [ $((tries++)) -lt 100 ]; do sleep 0.1; done
  kill -KILL "$1" 2>/dev/null || true
  wait "$1" 2>/dev/null || true
}

plane_stop_server() {
  plane_end "$PLANE_SERVER_PID"
  PLANE_SERVER_PID=''
}

plane_try() {
  local ports
  read -r -a ports <<<"$(plane_ports 3)"
  PLANE_URL=https://127.0.0.1:${PLANE_PORT:-${ports[2]}}
  PLANE_KUBECONFIG=$PLANE_DIR/admin.kubeconfig
  plane_kubeconfig "{client-certificate: \"$PLANE_DIR/pki/admin.crt\", client-key: \"$PLANE_DIR/pki/admin.key\"}" >"$PLANE_KUBECONFIG"
  plane_start_etcd "${ports[0]}" "${ports[1]}" 2>/dev/null && plane_start_server 2>/dev/null
}

plane_up() {
  local try
  plane_can || return
  PLANE_DIR=${PLANE_DIR:-$(mktemp -d "/tmp/outflow-plane-$$-XXXXXX")}
  mkdir -p "$PLANE_DIR/log"
  chmod 700 "$PLANE_DIR"
  plane_keys || { echo 'no keys for the control plane' >&2; return 1; }
  for try in 1 2 3; do
    plane_try && return
    plane_end "$PLANE_SERVER_PID"
    plane_end "$PLANE_ETCD_PID"
    rm -rf "$PLANE_DIR/etcd"
    # Another port may help where this one was taken; nothing else is worth a second try.
    grep -q 'address already in use' "$PLANE_DIR"/log/* || break
  done
  echo "the control plane did not start (try $try); its logs end:" >&2
  tail -n 15 "$PLANE_DIR"/log/* >&2
  return 1
}

plane_down() {
  plane_end "$PLANE_SERVER_PID"
  plane_end "$PLANE_ETCD_PID"
  PLANE_SERVER_PID='' PLANE_ETCD_PID=''
  if [ -n "$PLANE_DIR" ] && [ -d "$PLANE_DIR/pki" ]; then rm -rf "$PLANE_DIR"; fi
  PLANE_DIR=
}

# plane_compact: nothing older than now is left in etcd. Asked over etcd's HTTP gateway: no client needed.
plane_compact() {
  local now
  now=$("${PLANE_IN[@]}" curl -sf "$PLANE_ETCD/v3/kv/range" -d '{"key":"AA=="}' | sed -E 's/.*"revision":"([0-9]+)".*/\1/') || return
  "${PLANE_IN[@]}" curl -sf "$PLANE_ETCD/v3/kv/compaction" -d "{\"revision\":\"$now\",\"physical\":true}" >/dev/null
}

# plane_vanish RESOURCE NS NAME: of the built-in namespaced kinds, by the name of their folder in etcd.
plane_vanish() {
  local key
  key=$(printf '/registry/%s/%s/%s' "$@" | base64 -w 0)
  "${PLANE_IN[@]}" curl -sf "$PLANE_ETCD/v3/kv/deleterange" -d "{\"key\":\"$key\"}" | grep -q '"deleted":"1"'
}

# plane_delete_namespace NAME: no controller empties namespaces here; what is in it is removed first, by the caller or here.
plane_delete_namespace() {
  kube -n "$1" delete pods,services,endpointslices --all --grace-period 0 --force >/dev/null 2>&1 || return
  kube delete namespace "$1" --wait=false >/dev/null || return
  kube get namespace "$1" -o json | python3 -c '
import json, sys
namespace = json.load(sys.stdin)
namespace["spec"]["finalizers"] = []
print(json.dumps(namespace))' | kube replace --raw "/api/v1/namespaces/$1/finalize" -f - >/dev/null
}

# plane_load FILE: by two requests, as an API server takes a status only apart.
plane_load() {
  python3 "$PLANE_HERE/objects.py" spec "$1" | kube apply --server-side --force-conflicts -f - >/dev/null &&
    python3 "$PLANE_HERE/objects.py" status "$1" | kube replace --validate=ignore --subresource=status -f - >/dev/null
}

# plane_pod NS NAME NODE ADDRESS [KIND/OWNER]
plane_pod() {
  python3 -c '
import json, sys
namespace, name, node, address = sys.argv[1:5]
kind, owner = sys.argv[5].split("/") if len(sys.argv) > 5 else ("ReplicaSet", name)
owners = [{"apiVersion": "batch/v1" if kind == "Job" else "apps/v1", "kind": kind, "name": owner, "controller": True, "uid": "0"}]
print(json.dumps({"items": [{"apiVersion": "v1", "kind": "Pod",
    "metadata": {"namespace": namespace, "name": name, "labels": {"app": owner}, "ownerReferences": owners},
    "spec": {"nodeName": node, "containers": [{"name": "main", "image": "example.com/main:1"}]},
    "status": {"phase": "Running", "podIP": address, "podIPs": [{"ip": address}]}}]}))' "$@" >"$PLANE_DIR/pod.json" &&
    plane_load "$PLANE_DIR/pod.json"
}

# What Outflow asks of a cluster, as kubectl words it.
# shellcheck disable=SC2034  # used by the cases
PLANE_KINDS=namespaces,nodes,pods,services,endpointslices,replicasets,jobs,cronjobs,networkpolicies

# plane_minor: of the server's version of the server, for what older ones cannot do.
plane_minor() { plane_get /version | sed -nE 's/.*"minor": *"([0-9]+).*/\1/p'; }

plane_command() {
  local what=${1:-} code=0
  case $what in
    up)
      PLANE_DIR=${2:?a folder that does not exist yet}
      mkdir "$PLANE_DIR" && PLANE_DIR=$(realpath "$PLANE_DIR") && plane_up || return
      disown -a
      echo "export KUBECONFIG=$PLANE_KUBECONFIG PATH=$PLANE_BIN:\$PATH" ;;
    down)
      PLANE_DIR=$(realpath "${2:?the folder}")
      [ -f "$PLANE_DIR/etcd.pid" ] || { echo "$PLANE_DIR is not the folder of a control plane" >&2; return 1; }
      PLANE_SERVER_PID=$(cat "$PLANE_DIR/server.pid") PLANE_ETCD_PID=$(cat "$PLANE_DIR/etcd.pid")
      plane_down ;;
    run)
      shift
      trap plane_down EXIT
      plane_up || return
      KUBECONFIG=$PLANE_KUBECONFIG PATH=$PLANE_BIN:$PATH "$@" || code=$?
      return $code ;;
    *) sed -n '2,/^$/{s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"; return 2 ;;
  esac
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
  set -uo pipefail
  plane_command "$@"
fi
