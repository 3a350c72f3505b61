#!/bin/sh
# Makes and renews what Outflow's programs prove themselves with, inside of a cluster, as a pod's service account:
#
#   Secret    outflow-ca               tls.crt tls.key          the CA; made once, never replaced
#   Secret    outflow-aggregator-tls   tls.crt tls.key ca.crt   made new when less than a third of its life is left,
#                                                               when its names are not those wanted, or when it is
#                                                               not of this CA
#   ConfigMap outflow-ca               ca.crt                   what agents and the CLI trust
#
#   outflow-certificates [--ca-days N] [--server-days N] --name NAME [--name NAME]...
#   outflow-certificates --publish-only     only the ConfigMap, from ca.crt of outflow-aggregator-tls, which
#                                           another (cert-manager) makes; waits for it for up to two minutes
#
# Runs any number of times, also at once: what another made meanwhile is taken, and only what was read is replaced.
# Exit 0: all three are there and valid. 1: why not is on stderr. 2: usage.
# Environment: OUTFLOW_NAMESPACE, KUBERNETES_SERVICE_HOST and _PORT. OUTFLOW_API_SERVER (a URL), and
# OUTFLOW_SERVICE_ACCOUNT_DIR (token, ca.crt) are for elsewhere. It needs curl and openssl, and no kubectl.
set -eu
umask 077

ca_days=3650 server_days=90 names='' publish_only=0
account=${OUTFLOW_SERVICE_ACCOUNT_DIR:-/var/run/secrets/kubernetes.io/serviceaccount}

say() { echo "outflow-certificates: $*"; }
die() { echo "outflow-certificates: $*" >&2; exit 1; }
usage() { echo "outflow-certificates: $*; --help says what there is" >&2; exit 2; }

days() {
  case $2 in '' | *[!0-9]* | 0* | ??????*) usage "$1: '$2' is no number of days" ;; esac
  echo "$2"
}

while [ $# -gt 0 ]; do
  case $1 in *=*) flag=${1%%=*} value=${1#*=} ;; *) flag=$1 value= ;; esac
  case $flag in
    --ca-days | --server-days | --name)
      if [ "$flag" = "$1" ]; then [ $# -ge 2 ] || usage "$1 needs a value"; value=$2; shift; fi ;;
  esac
  case $flag in
    --ca-days) ca_days=$(days "$flag" "$value") ;;
    --server-days) server_days=$(days "$flag" "$value") ;;
    --name)
      case $value in '' | *[!A-Za-z0-9.:*-]*) usage "--name: '$value' is neither a host's name nor an address" ;; esac
      names="$names $value" ;;
    --publish-only) publish_only=1 ;;
    -h | --help) sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p;}' "$0"; exit 0 ;;
    *) usage "what is $1?" ;;
  esac
  shift
done
[ $publish_only = 1 ] || [ -n "$names" ] || usage 'at least one --name is needed'

namespace=${OUTFLOW_NAMESPACE:-}
case $namespace in '' | *[!a-z0-9-]*) usage "OUTFLOW_NAMESPACE: '$namespace' is no namespace" ;; esac
api=${OUTFLOW_API_SERVER:-}
if [ -z "$api" ]; then
  host=${KUBERNETES_SERVICE_HOST:-}
  [ -n "$host" ] || die 'KUBERNETES_SERVICE_HOST is not set: is this a pod?'
  case $host in *:*) host="[$host]" ;; esac
  api=https://$host:${KUBERNETES_SERVICE_PORT:-443}
fi
[ -r "$account/token" ] || die "$account/token cannot be read"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM HUP
cd "$work"

# ask METHOD PATH [BODY_FILE]: the answer's body is in ./answer, its status in $status. The token is handed over by
# a file: a command line is seen by others.
ask() {
  printf 'header = "Authorization: Bearer %s"\n' "$(cat "$account/token")" >auth
  method=$1 at=$2
  if [ $# -gt 2 ]; then set -- --data-binary "@$3"; else set --; fi
  # curl is given indented JSON unless it says otherwise.
  status=$(curl --silent --show-error --config auth --cacert "$account/ca.crt" --max-time 30 --request "$method" \
    --header 'Content-Type: application/json' --header 'Accept: application/json' \
    --output answer --write-out '%{http_code}' "$@" "$api$at?pretty=false") || die "$method $at: the API server does not answer"
}

# answered METHOD PATH STATUS...: dies, saying why, when the status is none of these.
answered() {
  what="$1 $2"
  shift 2
  for wanted in "$@"; do [ "$status" != "$wanted" ] || return 0; done
  die "$what: $status $(sed -n 's/.*"message":"\([^"]*\)".*/\1/p' answer | head -c 300)"
}

# field NAME: a string of the object in ./answer. Values are base64, or PEM with its line ends as \n: neither holds
# a quotation mark, and a name inside another string (an annotation, say) is written with \".
field() {
  key=$(printf '%s' "$1" | sed 's/\./\\./g')
  tr -d '\n' <answer | sed -n "s/.*\"$key\":\"\([^\"]*\)\".*/\1/p"
}

# read_secret NAME FILE=KEY...: 0 and the files when it is there, 1 when it is not; `version` is its version.
read_secret() {
  path=/api/v1/namespaces/$namespace/secrets/$1
  ask GET "$path"
  answered GET "$path" 200 404
  [ "$status" = 200 ] || return 1
  version=$(field resourceVersion)
  shift
  for pair in "$@"; do
    field "${pair#*=}" | base64 -d >"${pair%%=*}" 2>/dev/null || : >"${pair%%=*}"
  done
}

# write KIND NAME VERSION: what is in ./body; makes it without a version, else replaces only that version. 1 when
# another was quicker.
write() {
  kind=$1 name=$2
  path=/api/v1/namespaces/$namespace/$kind
  if [ -z "$3" ]; then
    ask POST "$path" body
    answered POST "$path" 201 409
  else
    ask PUT "$path/$name" body
    answered PUT "$path/$name" 200 409 404
  fi
  case $status in 200 | 201) say "wrote $kind/$name" ;; *) return 1 ;; esac
}

labels='{"app.kubernetes.io/name":"outflow","app.kubernetes.io/component":"certificates","app.kubernetes.io/part-of":"outflow"}'
metadata() { printf '{"name":"%s","namespace":"%s","labels":%s%s}' "$1" "$namespace" "$labels" "${2:+,\"resourceVersion\":\"$2\"}"; }
encoded() { base64 -w 0 <"$1"; }

# secret_body NAME VERSION KEY=FILE...
secret_body() {
  printf '{"apiVersion":"v1","kind":"Secret","type":"kubernetes.io/tls","metadata":%s,"data":{' "$(metadata "$1" "$2")"
  shift 2
  comma=
  for pair in "$@"; do
    printf '%s"%s":"%s"' "$comma" "${pair%%=*}" "$(encoded "${pair#*=}")"
    comma=,
  done
  printf '}}'
}

new_key() { openssl ecparam -name prime256v1 -genkey -noout | openssl pkcs8 -topk8 -nocrypt -out "$1"; }

# True when certificate $1 and private key $2 belong together.
pair_matches() {
  public=$(openssl x509 -in "$1" -noout -pubkey 2>/dev/null) && [ -n "$public" ] &&
    [ "$public" = "$(openssl pkey -in "$2" -pubout 2>/dev/null)" ]
}

ensure_ca() {
  if ! read_secret outflow-ca ca.crt=tls.crt ca.key=tls.key; then
    new_key ca.key
    cat >ca.cnf <<'CONFIG'
[req]
distinguished_name = name
prompt = no
x509_extensions = extensions
[name]
CN = outflow-ca
[extensions]
basicConstraints = critical, CA:true, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
CONFIG
    openssl req -x509 -new -key ca.key -sha256 -days "$ca_days" -config ca.cnf -out ca.crt
    secret_body outflow-ca '' tls.crt=ca.crt tls.key=ca.key >body
    write secrets outflow-ca '' || read_secret outflow-ca ca.crt=tls.crt ca.key=tls.key ||
      die 'secrets/outflow-ca comes and goes'
  fi
  # A CA that is replaced makes every certificate worthless: that is for people to decide.
  pair_matches ca.crt ca.key || die "secrets/outflow-ca holds no certificate with its key; to begin anew: kubectl delete secret -n $namespace outflow-ca"
  openssl x509 -in ca.crt -noout -checkend 0 >/dev/null || die "the CA in secrets/outflow-ca has expired; to begin anew: kubectl delete secret -n $namespace outflow-ca"
}

alternative_names() {
  for name in $names; do
    case $name in
      *:*) echo "IP:$name" ;;
      *[!0-9.]*) echo "DNS:$name" ;;
      *) echo "IP:$name" ;;
    esac
  done | sort -u
}

# The names a certificate carries are compared as openssl prints them, so those wanted go through it, too.
names_in() {
  openssl x509 -in "$1" -noout -ext subjectAltName 2>/dev/null | sed '1d; s/IP Address:/IP:/g; s/ //g' | tr ',' '\n' | sort -u
}

seconds_of() { date -u -d "$(openssl x509 -in "$1" -noout "-$2" | cut -d= -f2)" +%s; }

# Why server.crt does not do, or nothing.
server_fault() {
  if [ ! -s server.crt ] || ! pair_matches server.crt server.key; then echo 'it holds no certificate with its key'; return; fi
  if ! openssl verify -CAfile ca.crt server.crt >/dev/null 2>&1; then echo 'it is not of this CA, or no longer valid'; return; fi
  if ! cmp -s ca.crt server-ca.crt; then echo 'its ca.crt is another'; return; fi
  if [ "$(names_in server.crt)" != "$(names_in wanted.crt)" ]; then echo 'its names are not those wanted'; return; fi
  life=$(($(seconds_of server.crt enddate) - $(seconds_of server.crt startdate)))
  if ! openssl x509 -in server.crt -noout -checkend $((life / 3)) >/dev/null; then echo 'less than a third of its life is left'; fi
}

make_server() {
  new_key wanted.key
  {
    printf '[req]\ndistinguished_name = name\nprompt = no\n[name]\nCN = outflow-aggregator\n[extensions]\n'
    printf 'basicConstraints = critical, CA:false\nkeyUsage = critical, digitalSignature\n'
    printf 'extendedKeyUsage = serverAuth\nsubjectKeyIdentifier = hash\nauthorityKeyIdentifier = keyid\n'
    printf 'subjectAltName = %s\n' "$(alternative_names | paste -s -d ,)"
  } >server.cnf
  openssl req -new -key wanted.key -sha256 -config server.cnf -out server.csr
  openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -set_serial "0x$(openssl rand -hex 16)" -days "$server_days" \
    -sha256 -extfile server.cnf -extensions extensions -out wanted.crt 2>/dev/null
}

ensure_server() {
  make_server
  for attempt in 1 2 3; do
    version=
    if read_secret outflow-aggregator-tls server.crt=tls.crt server.key=tls.key server-ca.crt=ca.crt; then
      fault=$(server_fault)
      [ -n "$fault" ] || { say "secrets/outflow-aggregator-tls is valid until $(openssl x509 -in server.crt -noout -enddate | cut -d= -f2)"; return; }
      say "secrets/outflow-aggregator-tls is renewed: $fault"
    fi
    secret_body outflow-aggregator-tls "$version" tls.crt=wanted.crt tls.key=wanted.key ca.crt=ca.crt >body
    if write secrets outflow-aggregator-tls "$version"; then return; fi
    say "another wrote secrets/outflow-aggregator-tls meanwhile ($attempt)"
  done
  die 'secrets/outflow-aggregator-tls is written by others all the time'
}

# PEM as a JSON string.
json_pem() { awk 'BEGIN { ORS = "\\n" } { print }' "$1"; }

publish_ca() {
  path=/api/v1/namespaces/$namespace/configmaps/outflow-ca
  for attempt in 1 2 3; do
    ask GET "$path"
    answered GET "$path" 200 404
    version=
    if [ "$status" = 200 ]; then
      version=$(field resourceVersion)
      [ "$(field ca.crt)" != "$(json_pem ca.crt)" ] || return 0
    fi
    printf '{"apiVersion":"v1","kind":"ConfigMap","metadata":%s,"data":{"ca.crt":"%s"}}' \
      "$(metadata outflow-ca "$version")" "$(json_pem ca.crt)" >body
    if write configmaps outflow-ca "$version"; then return; fi
    say "another wrote configmaps/outflow-ca meanwhile ($attempt)"
  done
  die 'configmaps/outflow-ca is written by others all the time'
}

await_published() {
  left=60
  until read_secret outflow-aggregator-tls ca.crt=ca.crt && openssl x509 -in ca.crt -noout 2>/dev/null; do
    left=$((left - 1))
    [ $left -gt 0 ] || die 'secrets/outflow-aggregator-tls has no ca.crt after two minutes; kubectl describe certificate says why'
    sleep 2
  done
}

if [ $publish_only = 1 ]; then
  await_published
else
  ensure_ca
  ensure_server
fi
publish_ca
say 'all is there'
