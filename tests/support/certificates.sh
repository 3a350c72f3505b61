#!/usr/bin/env bash
# Certificates for trying things out: signed by DIR/ca.crt and DIR/ca.key, which are made when they
# are not there. Writes DIR/NAME.crt and DIR/NAME.key. See proto/README.md for what each kind may do.
#   certificates.sh DIR ca
#   certificates.sh DIR server NAME DNS-NAME-OR-ADDRESS...
#   certificates.sh DIR agent NAME NODE
#   certificates.sh DIR user NAME USER [GROUP...]
set -euo pipefail
usage() { sed -n '2,8s/^# \{0,1\}//p' "$0" >&2; exit 2; }
[ $# -ge 2 ] || usage
dir=$1 kind=$2
umask 077
new_key=(-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes)

if [ ! -e "$dir/ca.key" ]; then
  openssl req -x509 "${new_key[@]}" -days 3650 -subj "/CN=outflow" \
    -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign \
    -keyout "$dir/ca.key" -out "$dir/ca.crt" 2>/dev/null
fi
[ "$kind" != ca ] || exit 0
[ $# -ge 4 ] || usage
name=$3
shift 3
case $kind in
  server)
    subject="/CN=outflow-aggregator" usage=serverAuth names=''
    for one in "$@"; do
      case $one in
        *[!0-9.]*) [[ $one == *:* ]] && names+=",IP:$one" || names+=",DNS:$one" ;;
        *) names+=",IP:$one" ;;
      esac
    done
    names="subjectAltName=${names#,}"
    ;;
  agent) subject="/O=outflow:agents/CN=outflow-agent" usage=clientAuth names="subjectAltName=URI:outflow://agent/$1" ;;
  user)
    subject='' usage=clientAuth names=''
    for group in "${@:2}"; do subject+="/O=$group"; done
    subject+="/CN=$1"
    ;;
  *) usage ;;
esac
openssl req -new "${new_key[@]}" -subj "$subject" -keyout "$dir/$name.key" -out "$dir/$name.csr" 2>/dev/null
openssl x509 -req -in "$dir/$name.csr" -CA "$dir/ca.crt" -CAkey "$dir/ca.key" -set_serial "0x$(openssl rand -hex 15)" -days 30 \
  -extfile <(printf 'basicConstraints=critical,CA:FALSE\nextendedKeyUsage=%s\n%s\n' "$usage" "$names") \
  -out "$dir/$name.crt" 2>/dev/null
rm -f "$dir/$name.csr"
