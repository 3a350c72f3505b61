#!/usr/bin/env python3
"""What an exported policy means, as nft rules in the node's namespace: Calico's semantics, written a
second time from its documentation and not from Outflow's code.

  policy_meaning.py INVENTORY FOLDER [--drop-rule N]

Prints an nft script. Pods selected by a policy: established and related pass, the rules in order, then what
the policy ends with; matched after DNAT, as Calico does. --drop-rule N leaves the N-th Allow of every
policy out, to see the check go red. Needs python3-yaml.
"""
import glob
import json
import re
import sys

import yaml


def load(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)["items"]


class Cluster:
    def __init__(self, items):
        self.pods = [i for i in items if i["kind"] == "Pod" and not i["spec"].get("hostNetwork")]
        self.slices = [i for i in items if i["kind"] == "EndpointSlice"]
        self.namespaces = {i["metadata"]["name"]: i["metadata"].get("labels", {}) for i in items if i["kind"] == "Namespace"}

    def addresses(self, namespace_selector, selector):
        for pod in self.pods:
            labels = dict(pod["metadata"].get("labels", {}))
            if matches(namespace_selector, self.namespaces[pod["metadata"]["namespace"]]) and matches(selector, labels):
                yield from (entry["ip"] for entry in pod["status"].get("podIPs", []))

    def endpoints(self, name, namespace):
        for item in self.slices:
            meta = item["metadata"]
            if meta["namespace"] == namespace and meta["labels"].get("kubernetes.io/service-name") == name:
                for endpoint in item["endpoints"]:
                    for address in endpoint["addresses"]:
                        for port in item["ports"]:
                            yield address, port["port"], port.get("protocol", "TCP")


def matches(selector, labels):
    if selector in ("", None, "all()"):
        return True
    for term in selector.split(" && "):
        found = re.fullmatch(r"([A-Za-z0-9_./-]+) == '([^']*)'", term)
        assert found, f"a selector this check does not read: {selector}"
        if labels.get(found[1]) != found[2]:
            return False
    return True


def family(address):
    return "ip6" if ":" in address else "ip"


def ports_text(rule, protocol):
    ports = rule["destination"].get("ports")
    return f" {protocol} dport {{ {', '.join(map(str, ports))} }}" if ports else ""


def rule_texts(rule, cluster, sets):
    destination = rule.get("destination", {})
    protocol = str(rule.get("protocol", "")).lower()
    if "services" in destination:
        service = destination["services"]
        assert set(destination) == {"services"}, "services stand alone in Calico"
        for address, port, proto in cluster.endpoints(service["name"], service["namespace"]):
            if not protocol or proto.lower() == protocol:
                yield f"{family(address)} daddr {address} {proto.lower()} dport {port}"
        return
    if "nets" in destination:
        nets = destination["nets"]
    elif destination.get("namespaceSelector") == "global()":
        # What is in no namespace and bears the label: sets alone. One that is not there matches nothing.
        found = re.fullmatch(r"outflow.dev/set == '([^']*)'", destination["selector"])
        assert found, f"a selector this check does not read: {destination['selector']}"
        nets = sets.get(found[1], [])
    else:
        assert "domains" not in destination, "the open edition drops domains, and the rule allows everything"
        assert "namespaceSelector" in destination, "an Allow without a peer allows everything"
        nets = list(cluster.addresses(destination["namespaceSelector"], destination.get("selector")))
    for net in nets:
        if protocol in ("icmp", "icmpv6"):
            kind = {"icmp": "icmp type echo-request", "icmpv6": "icmpv6 type echo-request"}[protocol]
            assert rule["icmp"]["type"] in (8, 128)
            yield f"{family(net)} daddr {net} {kind}"
        else:
            yield f"{family(net)} daddr {net} meta l4proto {protocol}{ports_text(rule, protocol)}"


def main():
    inventory, folder = sys.argv[1:3]
    dropped = int(sys.argv[4]) if len(sys.argv) > 4 else -1
    cluster = Cluster(load(inventory))
    print("table inet outflow_meaning {\n  chain policies {\n    ct state established,related accept")
    chains = []
    for path in sorted(glob.glob(f"{folder}/egress-*.yaml")):
        with open(path, encoding="utf-8") as file:
            *documents, policy = yaml.safe_load_all(file)
        sets = {one["metadata"]["labels"]["outflow.dev/set"]: one.get("spec", {}).get("nets", []) for one in documents}
        assert all(one["kind"] == "GlobalNetworkSet" for one in documents)
        spec = policy["spec"]
        assert policy["kind"] == "GlobalNetworkPolicy" and spec["types"] == ["Egress"]
        name = "ns_" + re.sub("[^a-z0-9]", "_", policy["metadata"]["name"])
        for address in cluster.addresses(spec["namespaceSelector"], spec["selector"]):
            print(f"    {family(address)} saddr {address} goto {name}")
        allows = [r for r in spec["egress"] if r["action"] == "Allow"]
        assert spec["egress"][-1] == {"action": "Deny"} and len(allows) == len(spec["egress"]) - 1
        lines = [f"    {text} accept" for n, rule in enumerate(allows) if n != dropped for text in rule_texts(rule, cluster, sets)]
        chains.append("  chain %s {\n%s\n    drop\n  }" % (name, "\n".join(lines)))
    print("  }")
    print("\n".join(chains))
    # After DNAT (priority dstnat is -100); what pods send to the node itself is egress, too.
    for hook in ("forward", "input"):
        print(f"  chain {hook} {{\n    type filter hook {hook} priority 10; policy accept;\n    iifname \"cali*\" jump policies\n  }}")
    print("}")


main()
