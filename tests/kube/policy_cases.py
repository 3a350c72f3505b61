#!/usr/bin/env python3
"""Calico documents that must be accepted or refused: one line each, NAME <tab> EXPECTED <tab> JSON.

EXPECTED is "ok", or a part of the reason for the refusal. What they stand for: Calico's documented rules, its limits
of 3.33 and the spelling of 3.32, whichever is stricter.
"""
import copy
import json

BASE = {"apiVersion": "projectcalico.org/v3", "kind": "GlobalNetworkPolicy", "metadata": {"name": "case"},
        "spec": {"order": 1500, "namespaceSelector": "kubernetes.io/metadata.name == 'shop'", "selector": "all()", "types": ["Egress"],
                 "egress": [{"action": "Allow", "protocol": "TCP", "destination": {"nets": ["192.0.2.0/24"], "ports": [443]}},
                            {"action": "Deny"}]}}
SERVICE = {"services": {"name": "kube-dns", "namespace": "kube-system"}}


def policy(kind="GlobalNetworkPolicy", namespace=None, **spec):
    out = copy.deepcopy(BASE)
    out["kind"] = kind
    if namespace:
        out["metadata"]["namespace"] = namespace
        del out["spec"]["namespaceSelector"]
    out["spec"] |= spec
    return out


def egress(**rule):
    return policy(egress=[{"action": "Allow"} | rule])


def to(protocol="TCP", **peer):
    return egress(protocol=protocol, destination=peer)


def plain(kind, spec, namespace=None, name="case"):
    metadata = {"name": name} | ({"namespace": namespace} if namespace else {})
    return {"apiVersion": "projectcalico.org/v3", "kind": kind, "metadata": metadata, "spec": spec}


def nets(count):
    return [f"198.18.{i >> 8}.{i & 255}/32" for i in range(count)]


ACCEPTED = {
    "an allowlist": BASE,
    "a service alone": to(**SERVICE),
    "a range of ports": to(nets=["192.0.2.0/24"], ports=["6881:6999", 443]),
    "a named port": to(selector="app == 'web'", ports=["http-alt"]),
    "a protocol by number": egress(protocol=47),
    "ping": egress(protocol="ICMP", ipVersion=4, icmp={"type": 8, "code": 0}),
    "IPv6 nets": to(nets=["2001:db8:1:2::/64", "2001:db8:1111:2222:3333:4444:5555:6666/128"]),
    "256 nets": to(nets=nets(256)),
    "50 ports": to(ports=list(range(1, 51))),
    "1024 rules": policy(egress=[{"action": "Allow", "protocol": "TCP", "destination": {"nets": [n]}} for n in nets(1024)]),
    "a selector of 1024 characters": to(selector="a == '" + "x" * 1017 + "'"),
    "a network set": to(namespaceSelector="global()", selector="set == 'a'"),
    "annotations of a rule": egress(metadata={"annotations": {"why": "seen"}}),
    "another Calico tier": {**policy(tier="early"), "metadata": {"name": "early.case"}},
    "a namespace's own": policy("NetworkPolicy", "default", egress=[{"action": "Allow", "destination": {"services": {"name": "db"}}}]),
    "a staged policy": policy("StagedGlobalNetworkPolicy", stagedAction="Set"),
    "a staged deletion": plain("StagedGlobalNetworkPolicy", {"stagedAction": "Delete"}),
    "a tier": plain("Tier", {"order": 100, "defaultAction": "Pass"}),
    "a global set": plain("GlobalNetworkSet", {"nets": ["192.0.2.1", "192.0.2.128/25", "2001:db8::1"]}),
    "a global set without nets": plain("GlobalNetworkSet", {}),
    "a set": plain("NetworkSet", {"nets": ["192.0.2.1/32"]}, "default"),
}
STRAY = ": field not declared in schema"
REFUSED = {
    "domains": (to(domains=["example.com"]), ".spec.egress[0].destination.domains" + STRAY),
    "an unknown field": (policy(comment="x"), ".spec.comment" + STRAY),
    "an unknown field of a rule": (egress(why="x"), ".spec.egress[0].why" + STRAY),
    "http on egress": (egress(http={"methods": ["GET"]}), ".spec.egress[0].http" + STRAY),
    "an action in lower case": (policy(egress=[{"action": "allow"}]), "Unsupported value: \"allow\""),
    "no action": (policy(egress=[{"protocol": "TCP"}]), "egress[0].action: Required value"),
    "a type in lower case": (policy(types=["egress"]), "Unsupported value: \"egress\""),
    "a type twice": (policy(types=["Egress", "Egress"]), "duplicate entries for key"),
    "a range with a dash": (to(ports=["6881-6999"]), "egress[0].destination.ports[0]"),
    "a port above 65535": (to(ports=[65536]), "should be less than or equal to 65535"),
    "51 ports": (to(ports=list(range(1, 52))), "must have at most 50 items"),
    "257 nets": (to(nets=nets(257)), "must have at most 256 items"),
    "1025 rules": (policy(egress=[{"action": "Deny"}] * 1025), "must have at most 1024 items"),
    "a selector of 1025 characters": (to(selector="a == '" + "x" * 1018 + "'"), "may not be more than 1024"),
    "a selector on two lines": (to(selector="a == 'x' ||\nb == 'y'"), "destination.selector"),
    "global() in a selector": (to(selector="global()"), "destination.selector"),
    "global() with company": (to(namespaceSelector="global() || a == 'b'"), "global() stands alone"),
    "ports without a protocol": (egress(destination={"ports": [53]}), "ports need a protocol that has them"),
    "ports of ICMP": (to("ICMP", ports=[53]), "ports need a protocol that has them"),
    "an unknown protocol": (egress(protocol="tcp"), "egress[0].protocol"),
    "protocol 256": (egress(protocol=256), "should be less than or equal to 255"),
    "a service and a selector": (to(**SERVICE, selector="a == 'b'"), "services stand alone"),
    "a service and a namespace selector": (to(**SERVICE, namespaceSelector="a == 'b'"), "services stand alone"),
    "a service and nets": (to(**SERVICE, nets=["192.0.2.0/24"]), "services stand alone"),
    "a service and not some nets": (to(**SERVICE, notNets=["192.0.2.0/24"]), "services stand alone"),
    "a service and accounts": (to(**SERVICE, serviceAccounts={"names": ["a"]}), "services stand alone"),
    "a service and ports": (to(**SERVICE, ports=[53]), "takes its ports from them"),
    "a service as egress source": (egress(source=SERVICE), "only in the destination of an egress rule"),
    "a service of no namespace": (to(services={"name": "kube-dns"}), "services.namespace: Required value"),
    "an address without a length": (to(nets=["192.0.2.1"]), "destination.nets[0]"),
    "host bits": (to(nets=["192.0.2.1/24"]), "a CIDR without host bits"),
    "host bits of IPv6": (to(nets=["2001:db8::1/64"]), "a CIDR without host bits"),
    "not anything": (to(notNets=["0.0.0.0/0"]), "destination.notNets[0]"),
    "nets of both families": (to(nets=["192.0.2.0/24", "2001:db8::/64"]), "nets of one IP version"),
    "nets and notNets of both families": (to(nets=["2001:db8::/64"], notNets=["192.0.2.0/24"]), "nets of one IP version"),
    "source and destination of both families": (
        egress(source={"nets": ["192.0.2.0/24"]}, destination={"nets": ["2001:db8::/64"]}), "nets of one IP version"),
    "nets of the other family": (egress(ipVersion=6, destination={"nets": ["192.0.2.0/24"]}), "nets are of the rule's ipVersion"),
    "icmp of TCP": (egress(protocol="TCP", icmp={"type": 8}), "icmp needs protocol ICMP or ICMPv6"),
    "a code without a type": (egress(protocol="ICMP", icmp={"code": 0}), "a code needs a type"),
    "ICMP of version 6": (egress(protocol="ICMP", ipVersion=6), "ICMP is of ipVersion 4"),
    "ICMPv6 of version 4": (egress(protocol="ICMPv6", ipVersion=4), "ICMP is of ipVersion 4"),
    "another Calico tier without its name": (policy(tier="early"), "is named TIER.NAME"),
    "http with Deny": (policy(types=["Ingress"], egress=[], ingress=[{"action": "Deny", "http": {"methods": ["GET"]}}]), "http goes with Allow only"),
    "a namespace selector of a namespace's own": (
        policy("NetworkPolicy", "default", namespaceSelector="all()"), ".spec.namespaceSelector" + STRAY),
    "an unknown staged action": (policy("StagedGlobalNetworkPolicy", stagedAction="Try"), "Unsupported value: \"Try\""),
    "a staged deletion with rules": (policy("StagedGlobalNetworkPolicy", stagedAction="Delete"), "names its Calico tier and nothing else"),
    "a tier that ends with Allow": (plain("Tier", {"defaultAction": "Allow"}), "Unsupported value: \"Allow\""),
    "a default tier that passes": (plain("Tier", {"defaultAction": "Pass"}, name="default"), "the default Calico tier ends with Deny"),
    "domains of a set": (plain("GlobalNetworkSet", {"allowedEgressDomains": ["example.com"]}), ".spec.allowedEgressDomains" + STRAY),
    "no address in a set": (plain("NetworkSet", {"nets": ["example.com"]}, "default"), "spec.nets[0]"),
}

if __name__ == "__main__":
    for name, document in ACCEPTED.items():
        print(name, "ok", json.dumps(document), sep="\t")
    for name, (document, reason) in REFUSED.items():
        print(name, reason, json.dumps(document), sep="\t")
