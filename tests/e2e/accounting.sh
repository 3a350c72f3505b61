#!/usr/bin/env bash
# Counted twice: what the agent saw at the veths is, tuple by tuple, what the pods' own kernels say they
# sent: packets, bytes and connection attempts, and not a tuple more. A pod that only answers sent nothing.
# shellcheck source=tests/e2e/case.sh
source "$(dirname "$0")/case.sh"

# The pod's own count, by nft in the pod: what it opened (conntrack's original direction) and every SYN.
witness() {
  world_exec "$1" nft -f - <<'NFT'
table inet witness {
  set sent4 { type ipv4_addr . inet_proto . inet_service; size 65535; flags dynamic; counter; }
  set sent6 { type ipv6_addr . inet_proto . inet_service; size 65535; flags dynamic; counter; }
  set syns4 { type ipv4_addr . inet_service; size 65535; flags dynamic; counter; }
  set syns6 { type ipv6_addr . inet_service; size 65535; flags dynamic; counter; }
  chain out {
    type filter hook postrouting priority 300;
    oifname "lo" accept
    ct direction original meta nfproto ipv4 meta l4proto { tcp, udp } update @sent4 { ip daddr . meta l4proto . th dport counter }
    ct direction original meta nfproto ipv6 meta l4proto { tcp, udp } update @sent6 { ip6 daddr . meta l4proto . th dport counter }
    meta nfproto ipv4 tcp flags & (syn | ack) == syn update @syns4 { ip daddr . tcp dport counter }
    meta nfproto ipv6 tcp flags & (syn | ack) == syn update @syns6 { ip6 daddr . tcp dport counter }
  }
}
NFT
}

pods=(web-a web-b db backup mailer seeder coredns)
world_up
for short in "${pods[@]}"; do witness "$short"; done
start_aggregator
start_agent
world_play 5
settle

for short in "${pods[@]}"; do world_exec "$short" nft -j list table inet witness >"$WORLD_DIR/witness-$short.json"; done
# kube-system is never selected unless it is named.
for namespace in shop data batch mail media kube-system; do
  answer flows -n "$namespace" -o json >"$WORLD_DIR/flows-$namespace.json"
done

"$WORLD_PYTHON" - "$WORLD_DIR" <<'PYTHON'
import collections
import json
import sys

folder = sys.argv[1]
FIELDS = ("packets", "bytes", "attempts")
sent, seen = (collections.defaultdict(lambda: dict.fromkeys(FIELDS, 0)) for _ in range(2))
names = {}
with open(f"{folder}/pods", encoding="utf-8") as file:
    for line in file:
        short, namespace, pod = line.split()[:3]
        names[short] = (namespace, pod)


def load(name):
    with open(f"{folder}/{name}.json", encoding="utf-8") as file:
        return json.load(file)


for short, (_, pod) in names.items():
    for item in load(f"witness-{short}")["nftables"]:
        for element in item.get("set", {}).get("elem", []):
            value, count = element["elem"]["val"]["concat"], element["elem"]["counter"]
            if len(value) == 3:
                key = (pod, value[0], {"tcp": "TCP", "udp": "UDP", 6: "TCP", 17: "UDP"}[value[1]], int(value[2]))
                sent[key].update(packets=count["packets"], bytes=count["bytes"])
            else:
                sent[pod, value[0], "TCP", int(value[1])]["attempts"] = count["packets"]
for namespace in sorted({n for n, _ in names.values()}):
    for row in load(f"flows-{namespace}")["items"]:
        if row["protocol"] in ("TCP", "UDP"):
            for field in FIELDS:
                seen[row["pod"], row["destination"], row["protocol"], row["port"]][field] += row[field]
wrong = [f"{key}: sent {sent.get(key)}, seen {seen.get(key)}" for key in sorted(sent.keys() | seen.keys()) if sent.get(key) != seen.get(key)]
print(f"{len(sent)} tuples sent, {len(seen)} seen; {sum(v['packets'] for v in sent.values())} packets, "
      f"{sum(v['bytes'] for v in sent.values())} bytes, {sum(v['attempts'] for v in sent.values())} SYNs")
print("\n".join(wrong[:20]))
if not any(key[0].startswith("mailer") for key in sent):
    sys.exit("the witness saw nothing: this check checks nothing")
sys.exit(1 if wrong else 0)
PYTHON
say 'ok: counted as sent, packet by packet'
