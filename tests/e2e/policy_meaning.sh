#!/usr/bin/env bash
# The policy means what we say: its meaning is applied with nft in the node, after DNAT. Everything seen still
# flows, a new destination does not; and with one rule taken out, the check itself goes red.
# shellcheck source=tests/e2e/case.sh
source "$(dirname "$0")/case.sh"
if ! "$WORLD_PYTHON" -c 'import yaml' 2>/dev/null; then fail 'python3-yaml is missing (tests/packages)'; fi

meaning() { "$WORLD_PYTHON" "$here/policy_meaning.py" "$WORLD_DIR/inventory.json" "$WORLD_DIR/egress" "$@"; }
apply() {
  world_exec node nft delete table inet outflow_meaning 2>/dev/null || true
  meaning "$@" >"$WORLD_DIR/meaning.nft"
  world_exec node nft -f "$WORLD_DIR/meaning.nft" || { cat "$WORLD_DIR/meaning.nft"; fail 'nft refuses the rules'; }
}
# blocked POD STEP: the step ends as expected there, which is without an answer.
blocked() { world_play_in "$1" <<<"$2" >"$WORLD_DIR/log/blocked" || fail "not blocked: $1: $2: $(cat "$WORLD_DIR/log/blocked")"; }

world_up
start_aggregator
start_agent
world_play
# Asked for often enough, the pool of a name is known and a set stands for it; after two questions it is not.
world_play_in web-a <<<'dns 10.96.0.10 53 40 api.example.com' >/dev/null
world_play_in backup <<<'dns-tcp 10.96.0.10 53 40 backup.example.net' >/dev/null
world_play_in mailer <<<'dns 10.96.0.10 53 40 mx1.example.org' >/dev/null
settle
answer export "$WORLD_DIR/egress" --allow-insufficient --sets inline >/dev/null
same 'a name of each namespace that asks is opened by a set' 3 "$(cat "$WORLD_DIR"/egress/egress-*.yaml | grep -c '^kind: "GlobalNetworkSet"')"
blocked web-a 'tcp 198.51.100.26 25 1 ok'  # without a policy it flows

# What was only tried, or one-way on a single day, has no rule: it is left out of what must still flow. So is what was
# dialled by a name: a minute's answers do not make its addresses known.
still_flows() {
  local short failed=0
  for short in web-a web-b backup mailer seeder; do
    world_steps "$short" | grep -vE '198\.51\.100\.(10|25|28|29)|203\.0\.113\.80|2001:db8:80::|192\.0\.2\.99' | world_play_in "$short" >"$WORLD_DIR/log/$short-again" || failed=1
  done
  return $failed
}

apply
still_flows || { grep -h '"ok": false' "$WORLD_DIR"/log/*-again >&2; fail 'something seen no longer flows'; }
say 'ok: everything seen still flows'
blocked web-a 'tcp 198.51.100.26 25 1 timeout'
blocked web-a 'udp 203.0.113.1 6881 1 timeout'
blocked mailer 'tcp 198.51.100.25 443 1 timeout'   # a known address, another port
blocked seeder 'tcp 10.96.0.20 3306 1 timeout'     # a service it never used
blocked backup 'tcp 10.244.1.12 8080 1 timeout'    # a pod of another namespace
blocked mailer 'tcp 198.51.100.28 25 1 timeout'    # only ever refused: a comment, no rule
blocked web-a 'ping 192.0.2.1 0 1 timeout'
say 'ok: new destinations do not'

apply --drop-rule 0
if still_flows; then fail 'a rule is missing and nothing was noticed: this check checks nothing'; fi
say 'ok: with a rule taken out, the check goes red'
