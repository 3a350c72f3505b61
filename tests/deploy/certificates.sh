#!/usr/bin/env bash
# What deploy/images/certificates.sh makes, keeps and renews, against an API server in memory.
# shellcheck source=tests/deploy/case.sh
source "$(dirname "$0")/case.sh"

script=$root/deploy/images/certificates.sh
names=(--name=outflow-aggregator --name=outflow-aggregator.outflow-system.svc --name=localhost --name=127.0.0.1 --name=::1)
server=''
mkdir "$work/tmp"
trap '[ -z "$server" ] || kill "$server"; rm -rf "$work"' EXIT

# A new, empty API server; $api is its folder.
fresh() {
  [ -z "$server" ] || { kill "$server"; wait "$server" 2>/dev/null; }
  api=$(mktemp -d "$work/api.XXXXXX")
  printf 'the-token' >"$api/token"
  cp "$api/token" "$work/token"
  : >"$work/ca.crt"
  python3 "$root/tests/deploy/fake_api.py" "$api" &
  server=$!
  until [ -s "$api/port" ]; do kill -0 "$server" || exit 1; done
}
run() {
  TMPDIR=$work/tmp OUTFLOW_NAMESPACE=outflow-system OUTFLOW_SERVICE_ACCOUNT_DIR=$work OUTFLOW_API_SERVER=http://127.0.0.1:$(cat "$api/port") \
    "$script" "$@"
}
get() { curl -sf -H 'Authorization: Bearer the-token' "http://127.0.0.1:$(cat "$api/port")/api/v1/namespaces/outflow-system/$1"; }
# secret NAME KEY, configmap NAME KEY: one value.
secret() { get "secrets/$1" | python3 -c 'import base64, json, sys; print(base64.b64decode(json.load(sys.stdin)["data"][sys.argv[1]]).decode(), end="")' "$2"; }
configmap() { get "configmaps/$1" | python3 -c 'import json, sys; print(json.load(sys.stdin)["data"][sys.argv[1]], end="")' "$2"; }
fetch() {
  secret outflow-ca tls.crt >"$work/made-ca.crt" && secret outflow-ca tls.key >"$work/made-ca.key" &&
    secret outflow-aggregator-tls tls.crt >"$work/made.crt" && secret outflow-aggregator-tls tls.key >"$work/made.key"
}
serial() { secret outflow-aggregator-tls tls.crt | openssl x509 -noout -serial; }
put() { # KIND NAME, the body on stdin: whatever is there is replaced
  curl -sf -X PUT -H 'Authorization: Bearer the-token' --data-binary @- "http://127.0.0.1:$(cat "$api/port")/api/v1/namespaces/outflow-system/$1/$2" >"$work/put"
}
# An object with one value of its data replaced by what is in a file.
with_value() {
  get "$1/$2" | python3 -c '
import base64, json, sys
obj = json.load(sys.stdin)
value = open(sys.argv[3]).read()
obj["data"][sys.argv[2]] = base64.b64encode(value.encode()).decode() if sys.argv[1] == "secrets" else value
print(json.dumps(obj))' "$1" "$3" "$4" | put "$1" "$2"
}

makes_all() { run "${names[@]}" && fetch && openssl verify -purpose sslserver -CAfile "$work/made-ca.crt" "$work/made.crt"; }
for_name() { openssl x509 -in "$work/made.crt" -noout "$1" "$2" | grep -v NOT; }
agent_signed() {
  openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$work/agent.key" -subj /CN=node-a -out "$work/agent.csr" &&
    openssl x509 -req -in "$work/agent.csr" -CA "$work/made-ca.crt" -CAkey "$work/made-ca.key" -set_serial 1 -out "$work/agent.crt" &&
    openssl verify -CAfile "$work/made-ca.crt" "$work/agent.crt"
}
trusted() { [ "$(configmap outflow-ca ca.crt)" = "$(cat "$work/made-ca.crt")" ] && [ "$(secret outflow-aggregator-tls ca.crt)" = "$(cat "$work/made-ca.crt")" ]; }
same_again() {
  local before
  before=$(serial)
  run "${names[@]}" && [ "$(serial)" = "$before" ] && [ "$(grep -c -E '^(POST|PUT) .* 20' "$api/requests")" = 3 ]
}
renewed() {
  local before
  before=$(serial)
  run "$@" && [ "$(serial)" != "$before" ] && fetch && openssl verify -CAfile "$work/made-ca.crt" "$work/made.crt"
}
# Puts a certificate of our CA there that has so many seconds left of a life of 30 days.
aged() {
  local ca=$work/ca
  mkdir -p "$ca" && : >"$ca/index" && openssl rand -hex 8 >"$ca/serial"
  cat >"$ca/config" <<CONFIG
[ca]
default_ca = own
[own]
database = $ca/index
serial = $ca/serial
new_certs_dir = $ca
policy = any
x509_extensions = names
[any]
commonName = supplied
[names]
subjectAltName = DNS:outflow-aggregator, DNS:outflow-aggregator.outflow-system.svc, DNS:localhost, IP:127.0.0.1, IP:::1
CONFIG
  openssl req -new -key "$work/made.key" -subj /CN=outflow-aggregator -out "$ca/csr" &&
    openssl ca -batch -notext -md sha256 -config "$ca/config" -keyfile "$work/made-ca.key" -cert "$work/made-ca.crt" \
      -startdate "$(date -u -d "-$((30 * 86400 - $1)) seconds" +%Y%m%d%H%M%SZ)" \
      -enddate "$(date -u -d "$1 seconds" +%Y%m%d%H%M%SZ)" -in "$ca/csr" -out "$work/aged.crt" &&
    with_value secrets outflow-aggregator-tls tls.crt "$work/aged.crt"
}
third=$((10 * 86400))
kept_when_young() {
  local before
  aged $((third + 600)) && before=$(serial) && run "${names[@]}" && [ "$(serial)" = "$before" ]
}
renewed_when_left() { aged "$1" && renewed "${names[@]}"; }
renewed_with() { # KEY FILE
  with_value secrets outflow-aggregator-tls "$1" "$2" && renewed "${names[@]}"
}
trust_put_right() {
  echo old >"$work/old" && with_value configmaps outflow-ca ca.crt "$work/old" && run "$@" && fetch && trusted
}
other_ca() {
  local before
  before=$(secret outflow-ca tls.crt)
  openssl req -x509 -new -key "$work/agent.key" -subj /CN=other -days 30 -out "$work/other.crt" &&
    renewed_with tls.crt "$work/other.crt" && [ "$(secret outflow-ca tls.crt)" = "$before" ]
}
two_at_once() {
  run "${names[@]}" >"$work/one" 2>&1 &
  local one=$!
  run "${names[@]}" && wait $one && fetch && openssl verify -CAfile "$work/made-ca.crt" "$work/made.crt" && trusted
}
meddled() {
  touch "$api/meddle"
  renewed "${names[@]}" --name=other.example
}
nothing_left() { [ -z "$(ls "$work/tmp")" ]; }
keeps_the_ca() {
  local before
  before=$(secret outflow-ca tls.crt)
  refused "kubectl delete secret" run "${names[@]}" && [ "$(secret outflow-ca tls.crt)" = "$before" ]
}

fresh
check 'It makes a CA and a certificate of it that is good for a server.' makes_all
check 'The certificate is for the name agents ask for.' for_name -checkhost outflow-aggregator.outflow-system.svc
check 'The certificate is for a forwarded port.' for_name -checkip 127.0.0.1
check 'The certificate is for IPv6 addresses, too.' for_name -checkip ::1
check 'The CA signs agents.' agent_signed
check 'What agents trust is that CA.' trusted
check 'Run again it changes nothing.' same_again
check 'A certificate with just over a third of its life left is kept.' kept_when_young
check 'A certificate with less than a third of its life left is renewed.' renewed_when_left $((third - 600))
check 'An expired certificate is renewed.' renewed_when_left -60
check 'A certificate without a wanted name is renewed.' renewed "${names[@]}" --name=outflow.example.net
echo rubbish >"$work/rubbish"
check 'A certificate that is no certificate is renewed.' renewed_with tls.crt "$work/rubbish"
check 'A key that does not go with the certificate is renewed with it.' renewed_with tls.key "$work/agent.key"
check 'What agents trust is put right.' trust_put_right "${names[@]}"
check 'Another writer between reading and writing does not stop it.' meddled
check 'A certificate of another CA is renewed, and the CA stays.' other_ca
check 'Publishing only takes the CA of the certificate another made.' trust_put_right --publish-only
with_value secrets outflow-ca tls.key "$work/agent.key"
check 'A damaged CA is not replaced but reported, with what to do.' keeps_the_ca

fresh
check 'Two that start at once agree.' two_at_once
printf 'another' >"$api/token"
refuses 'A refused token is reported with what was asked.' 'GET /api/v1/namespaces/outflow-system/secrets/outflow-ca: 401 Unauthorized' run "${names[@]}"
refuses 'Days that are no number are named.' "--server-days: '3x'" run "${names[@]}" --server-days=3x
refuses 'A name that would be more than a name is named.' '--name: ' run --name 'a,DNS:evil'
refuses 'Without a name there is nothing to make.' 'at least one --name' run
check 'Keys are left nowhere.' nothing_left
finish
