#!/usr/bin/env bash
# Names, from the answer a pod was given to the policy: every way to come by an address has a pod alone in
# its namespace, and names_check.py says for each what must be known of it, and what must not be claimed.
# shellcheck source=tests/e2e/names_world.sh
source "$(dirname "$0")/names_world.sh"
# shellcheck source=tests/e2e/case.sh
source "$(dirname "$0")/case.sh"
world_make_servers() { names_make_servers; }
names_world_can || fail 'this must run here'

# The cluster's resolver, the node's, and one that nobody of the cluster runs.
service=10.96.0.10 node_local=169.254.20.10 outside=203.0.113.53

# ask_cli FILE ARGUMENTS...: the JSON answer, for names_check.py.
ask_cli() {
  local file=$1
  shift
  answer "$@" -o json >"$WORLD_DIR/answers/$file.json" 2>"$WORLD_DIR/answers/$file.hints" ||
    { cat "$WORLD_DIR/answers/$file.hints" >&2; echo "no answer: outflow $*" >&2; missing=1; }
}

# gather EXPLAIN...: everything the checks read. EXPLAIN: NAMESPACE/DESTINATION.
gather() {
  local what dialect
  rm -rf "$WORLD_DIR/answers" && mkdir "$WORLD_DIR/answers"
  ask_cli fanout fanout
  ask_cli fanout-raw fanout --raw
  ask_cli flows flows
  ask_cli sets sets
  for dialect in calico-oss calico-enterprise; do
    ask_cli "policy-$dialect" policy --allow-insufficient --dialect "$dialect"
  done
  for what in "$@"; do ask_cli "explain-${what/\//-}" explain "${what#*/}" -n "${what%%/*}"; done
}

# check PHASE: the sentences of names_check.py; all of them are looked at before the end.
check() { "$WORLD_PYTHON" "$here/names_check.py" "$1" "$WORLD_DIR/answers" || failed=1; }

# An address range file as AWS publishes it, made up but for the range of the founding question.
feeds() {
  cat >"$WORLD_DIR/ip-ranges.json" <<'JSON'
{"syncToken": "1767600000", "createDate": "2026-01-05-08-00-00", "prefixes": [
  {"ip_prefix": "99.83.128.0/17", "region": "GLOBAL", "service": "AMAZON", "network_border_group": "GLOBAL"},
  {"ip_prefix": "99.83.128.0/17", "region": "GLOBAL", "service": "GLOBALACCELERATOR", "network_border_group": "GLOBAL"},
  {"ip_prefix": "75.2.0.0/17", "region": "GLOBAL", "service": "AMAZON", "network_border_group": "GLOBAL"},
  {"ip_prefix": "75.2.0.0/17", "region": "GLOBAL", "service": "GLOBALACCELERATOR", "network_border_group": "GLOBAL"},
  {"ip_prefix": "52.94.76.0/22", "region": "us-west-2", "service": "AMAZON", "network_border_group": "us-west-2"}],
 "ipv6_prefixes": []}
JSON
  cat >"$WORLD_DIR/feeds.yaml" <<'YAML'
feeds:
  - name: AWS
    format: aws
    file: ip-ranges.json
YAML
}

play_first() {
  # Before any pod is told a name for it: what chat dials is an address and no more.
  in_pod chat <<<'dial 99.83.136.103 443'
  in_pod pool <<<"pool $service pool.example.com 3 443"
  in_pod cdn <<<"ask $service shop.example.com A
    ask $service img.example.com A
    dial 198.51.100.60 443"
  # The older of two answers, so that only what the pod says can decide.
  in_pod sni <<<"ask $service shop.example.com A
    ask $service img.example.com A
    tls 198.51.100.60 443 shop.example.com"
  in_pod web <<<"ask $service shop.example.com A
    ask $service img.example.com A
    http 198.51.100.60 80 shop.example.com"
  in_pod six <<<"ask fd00:96::10 six.example.com AAAA
    dial 2001:db8:80::66 443"
  in_pod big <<<"ask $service big.example.com A
    dial 198.51.100.100 443
    dial 198.51.100.199 443"
  in_pod search <<<"search $service api.search.example.com search
    dial 198.51.100.30 443"
  in_pod raw <<<'dial 198.51.100.90 443
    tls 198.51.100.91 443 claimed.example.com'
  in_pod dot <<<'tls 198.51.100.53 853
    dial 198.51.100.92 443'
  in_pod near <<<"ask $node_local near.example.com A
    dial 198.51.100.31 443"
  in_pod away <<<"ask $outside away.example.com A
    dial 198.51.100.32 443"
  in_pod hint <<<"ask $service hint.example.com HTTPS
    dial 198.51.100.33 443
    dial 2001:db8:80::33 443"
  in_pod one <<<"ask $service one.example.com A
    dial 198.51.100.35 443"
  in_pod two <<<"ask $service two.example.com A
    dial 198.51.100.35 443"
  in_pod quic <<<"ask $service quic.example.com A
    quic 198.51.100.37 443"
  in_pod gap <<<'dial 198.51.100.36 443'
}

play_second() {
  in_pod pool <<<"pool $service pool.example.com 300 443"
  in_pod ai <<<"$(for _ in $(seq 60); do echo "ask $service integrate.api.nvidia.com A"; done)
    dial 99.83.136.103 443
    dial 75.2.113.119 443"
  # Never told itself; another pod of its node was.
  in_pod plain <<<'dial 198.51.100.31 443'
}

missing=0 failed=0

world_up
feeds
in_pod gap <<<"ask $service gap.example.com A"
start_aggregator --feeds "$WORLD_DIR/feeds.yaml"
start_agent
settle
add_late_pods
say 'the world stands'

play_first
settle
gather chat/99.83.136.103 cdn/198.51.100.60 sni/198.51.100.60 raw/198.51.100.90 dot/198.51.100.92 gap/198.51.100.36
check first
play_second
settle
gather ai/99.83.136.103 ai/integrate.api.nvidia.com chat/99.83.136.103 plain/198.51.100.31 pool/pool.example.com
check second

# What was told before a restart still names what is dialled after it.
world_end "$AGGREGATOR_PID"
start_aggregator --feeds "$WORLD_DIR/feeds.yaml"
in_pod two <<<'tls 198.51.100.35 443'
settle
gather
check restarted
[ $missing = 0 ] || fail 'some answers are missing'
[ $failed = 0 ] || fail 'not all that is said above is so'
say 'done'
