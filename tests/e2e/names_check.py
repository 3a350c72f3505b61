#!/usr/bin/env python3
"""What must be true of the answers that names.sh gathered, as sentences.

  names_check.py first|second|restarted FOLDER    FOLDER: NAME.json of each answer; exit 1 when one is not so

Needs python3-yaml.
"""
import json
import os
import re
import sys

import yaml

OUTSIDE = ("name", "provider", "private", "external", "unknown")  # kinds of peers that are not the cluster's
RESOLVERS = ("169.254.20.10", "203.0.113.53")


class Answers:
    def __init__(self, folder):
        self.folder = folder

    def read(self, name):
        with open(os.path.join(self.folder, name + ".json"), encoding="utf-8") as file:
            return json.load(file)

    def fanout(self, namespace, raw=False):
        """names, cidrs, raw_addresses, ambiguous, name_unknown of a namespace."""
        for row in self.read("fanout-raw" if raw else "fanout")["items"]:
            if row["namespace"] == namespace:
                return tuple(row[k] for k in ("names", "cidrs", "raw_addresses", "ambiguous", "name_unknown"))
        return None

    def flows(self, namespace):
        """The rows of a namespace that leave the cluster, without those to the resolvers."""
        return [r for r in self.read("flows")["items"]
                if r["namespace"] == namespace and r["peer_kind"] in OUTSIDE and r["destination"] not in RESOLVERS]

    def verdicts(self, namespace):
        """(peer, naming) of each class, once."""
        return sorted({(r["peer"], r["naming"]) for r in self.flows(namespace)})

    def best(self, namespace):
        """(name, basis, said, confidence) of the likeliest name of each class, once."""
        return sorted({(r["names"][0]["name"], r["names"][0]["basis"], r["names"][0]["said"], round(r["names"][0]["confidence"], 2))
                       for r in self.flows(namespace) if r["names"]})

    def policy(self, namespace, dialect="calico-oss"):
        """The text of a namespace's file, and its rules."""
        for item in self.read(f"policy-{dialect}")["items"]:
            if item["namespace"] == namespace:
                documents = [d for d in yaml.safe_load_all(item["content"]) if d and d["kind"].endswith("NetworkPolicy")]
                return item["content"], [rule for d in documents for rule in d["spec"].get("egress") or []]
        return "", []

    def destinations(self, namespace, key, dialect="calico-oss"):
        """What the rules of a namespace say under destination.KEY: selector, nets or domains."""
        out = []
        for rule in self.policy(namespace, dialect)[1]:
            value = rule.get("destination", {}).get(key, [])
            out += value if isinstance(value, list) else [value]
        return sorted(out)

    def sets(self, namespace):
        return [s for s in self.read("sets")["items"] if s["namespace"] == namespace]

    def explain(self, namespace, destination):
        return self.read(f"explain-{namespace}-{destination}")


def set_rules(a, namespace):
    """The selectors of rules that name a set; every one of them says that nothing but a set can match."""
    found = []
    for rule in a.policy(namespace)[1]:
        destination = rule.get("destination", {})
        if "outflow.dev/set" in destination.get("selector", ""):
            found.append(destination.get("namespaceSelector"))
    return found


def comments(text):
    return "\n".join(line for line in text.splitlines() if line.lstrip().startswith("#"))


def sums(a):
    for kind in ("fanout", "fanout-raw"):
        yield f"external is the sum of names, ranges and addresses ({kind})", [], [
            r["namespace"] for r in a.read(kind)["items"] if r["external"] != r["names"] + r["cidrs"] + r["raw_addresses"]]
    yield "in --raw there are addresses alone", [], [
        r["namespace"] for r in a.read("fanout-raw")["items"] if r["names"] or r["cidrs"]]


def pool_early(a):
    yield "a pool of which 12 addresses were told is one destination", (1, 0, 0, 0, 0), a.fanout("pool")
    yield "and 12 addresses in --raw", 12, (a.fanout("pool", raw=True) or [0] * 5)[2]
    yield "its class is the name that was asked for", [("pool.example.com", "named")], a.verdicts("pool")
    yield "no rule is made of a pool of which too little was seen", ([], []), (
        set_rules(a, "pool"), [n for n in a.destinations("pool", "nets") if n.startswith("203.0.113.")])
    text = comments(a.policy("pool")[0])
    yield "but a comment with the name", True, "pool.example.com" in text
    yield "and how many addresses were seen", True, bool(re.search(r"\b12\b", text))
    yield "which recommends a proxy or gateway", True, bool(re.search(r"proxy or (a )?gateway", text))
    yield "a dialect with domains needs no pool", ["pool.example.com"], a.destinations("pool", "domains", "calico-enterprise")
    yield "no file of Calico's open source has domains", [], [
        i["path"] for i in a.read("policy-calico-oss")["items"] if re.search(r"^\s*-?\s*domains:", i["content"], re.M)]


def shared_address(a):
    both = ["img.example.com", "shop.example.com"]
    yield "two names asked for one after the other leave a doubt", (1, 0, 0, 1, 0), a.fanout("cdn")
    rows = a.flows("cdn")
    yield "which the flow says", ["ambiguous"], sorted({r["naming"] for r in rows})
    yield "with both names", both, sorted(n["name"] for n in rows[0]["names"])
    yield "neither of which is certain", True, all(0.05 <= n["confidence"] < 0.9 for n in rows[0]["names"])
    told = a.explain("cdn", "198.51.100.60")
    yield "explain has both names", both, sorted({n["name"] for n in told["names"]})
    yield "and where their CNAMEs end", ["shared.cdn.example.org"], sorted({n["target"] for n in told["names"]})
    yield "and the doubt", ["ambiguous"], sorted({r["naming"] for r in told["items"]})
    yield "the end of the CNAMEs is nobody's destination", [], [
        r["peer"] for r in a.read("flows")["items"] if r["peer"] == "shared.cdn.example.org"]
    text = a.policy("cdn")[0]
    yield "the policy names both", both, [n for n in both if n in text]


def said(a):
    yield "what a ClientHello says decides", [("shop.example.com", "named")], a.verdicts("sni")
    yield "and is told beside the name", [("shop.example.com", "pod", True, 1.0)], a.best("sni")
    yield "without doubt in the fan-out", (1, 0, 0, 0, 0), a.fanout("sni")
    yield "as said by the server name", [("shop.example.com", "sni", False, 1)], [
        (s["name"], s["by"], s["ech"], s["count"]) for r in a.flows("sni") for s in r["said"]]
    yield "explain says it too", [("shop.example.com", "sni")], sorted({
        (s["name"], s["by"]) for r in a.explain("sni", "198.51.100.60")["items"] for s in r["said"]})
    yield "the Host of a request decides, too", [("shop.example.com", "named")], a.verdicts("web")
    yield "as said by the request", [("shop.example.com", "host")], [(s["name"], s["by"]) for r in a.flows("web") for s in r["said"]]


def plain_names(a):
    for namespace, name, what in (
            ("six", "six.example.com", "a name with IPv6 addresses alone"), ("big", "big.example.com", "an answer that needs TCP"),
            ("search", "api.search.example.com", "a name behind a search list"), ("near", "near.example.com", "a name told by the node's resolver"),
            ("hint", "hint.example.com", "an address that an HTTPS record hints at"), ("quic", "quic.example.com", "a name dialled by QUIC")):
        yield f"{what} is known", [(name, "named")], a.verdicts(namespace)
        yield f"{what} is told by the pod's own answer", [(name, "pod", False, 1.0)], a.best(namespace)
    yield "a search list makes no names", [], [r["peer"] for r in a.read("flows")["items"] if "cluster.local" in json.dumps(r["names"])]
    yield "nor destinations", (1, 0, 0, 0, 0), a.fanout("search")
    yield "a name is one destination by whichever family", [(1, 0, 0, 0, 0), 2], [a.fanout("hint"), a.fanout("hint", raw=True)[2]]
    yield "the node's resolver is an address, the rest is a name", (1, 0, 1), (a.fanout("near") or ())[:3]
    yield "one address is two names for two pods", [[("one.example.com", "named")], [("two.example.com", "named")]], [
        a.verdicts("one"), a.verdicts("two")]
    yield "QUIC is marked", [True], sorted({"quic" in r["flags"] for r in a.flows("quic")})


def no_names(a):
    yield "an address dialled without a lookup is raw", ["raw-address"], sorted({r["naming"] for r in a.flows("raw")})
    yield "and counts as such", (0, 0, 2, 0, 0), a.fanout("raw")
    yield "a name that is only said names nothing", [("198.51.100.91", "claimed.example.com")], [
        (r["peer"], s["name"]) for r in a.flows("raw") for s in r["said"]]
    yield "after DNS over TLS nothing can be said", ["opaque-resolver"], sorted({
        r["naming"] for r in a.flows("dot") if r["destination"] == "198.51.100.92"})
    yield "and explain says so", ["opaque-resolver"], sorted({r["naming"] for r in a.explain("dot", "198.51.100.92")["items"]})
    yield "a lookup older than the agent leaves it unknown", ["unknown"], sorted({r["naming"] for r in a.flows("gap")})
    yield "which the fan-out counts", (0, 0, 1, 0, 1), a.fanout("gap")
    yield "and explain gives a reason", ["unknown"], sorted({r["naming"] for r in a.explain("gap", "198.51.100.36")["items"]})
    yield "in words", True, any(re.search(r"watch|agent|lookup", n) for n in a.explain("gap", "198.51.100.36")["notes"])
    yield "raw addresses keep their rule", ["198.51.100.90/32", "198.51.100.91/32"], a.destinations("raw", "nets")


def outside_resolver(a):
    yield "whoever told it, it is what the pod was told", [("away.example.com", "named")], a.verdicts("away")
    yield "but a resolver nobody runs here opens nothing", ([], []), (
        set_rules(a, "away"), [n for n in a.destinations("away", "nets") if n.startswith("198.51.100.32")])
    yield "nor does a set hold its address", [], [n["net"] for s in a.sets("away") for n in s["nets"]]
    yield "and the policy says why", True, "away.example.com" in comments(a.policy("away")[0])


def dialled_by_address(a):
    yield "an accelerator's address without a lookup is a range's", [("AWS/GLOBALACCELERATOR/GLOBAL", "raw-address")], a.verdicts("chat")
    yield "and one CIDR in the fan-out", (0, 1, 0, 0, 0), a.fanout("chat")
    told = a.explain("chat", "99.83.136.103")
    yield "explain gives the range, never AMAZON's", ("AWS/GLOBALACCELERATOR/GLOBAL", "99.83.128.0/17", True), (
        told["provider"], told["provider_range"], told["shared"])
    yield "and no name for it", [[]], [[n["name"] for n in r["names"]] for r in told["items"]]
    yield "only the address gets a rule", ["99.83.136.103/32"], [n for n in a.destinations("chat", "nets") if n.startswith("99.83.")]


def pool_late(a):
    yield "a pool that was told as a whole is one destination", (1, 0, 0, 0, 0), a.fanout("pool")
    yield "and 40 addresses in --raw", 40, (a.fanout("pool", raw=True) or [0] * 5)[2]
    yield "and its set is usable and has them all", [("pool.example.com", True, 40)], [
        (s["class"], s["usable"], len(s["nets"])) for s in a.sets("pool")]
    yield "the estimate is not far from the truth", True, all(39.5 <= s["pool_estimate"] <= 42 for s in a.sets("pool"))
    yield "the manifest holds all 40", [40], [
        len(yaml.safe_load(s["content"])["spec"]["nets"]) for s in a.sets("pool")]
    yield "the policy selects the set and nothing else", ["global()"], set_rules(a, "pool")
    yield "and has none of its addresses as a rule", [], [n for n in a.destinations("pool", "nets") if n.startswith("203.0.113.")]
    told = a.explain("pool", "pool.example.com")
    yield "explain of the name has its addresses", 40, len({n["address"] for n in told["names"]})


def founding_question(a):
    yield "the address of the first question has its name", [("integrate.api.nvidia.com", "named")], a.verdicts("ai")
    yield "one destination, two addresses", [(1, 0, 0, 0, 0), 2], [a.fanout("ai"), (a.fanout("ai", raw=True) or [0] * 5)[2]]
    told = a.explain("ai", "99.83.136.103")
    yield "explain names it", ["integrate.api.nvidia.com"], sorted({n["name"] for n in told["names"]})
    yield "and says that its range is shared", ("AWS/GLOBALACCELERATOR/GLOBAL", "99.83.128.0/17", True), (
        told["provider"], told["provider_range"], told["shared"])
    yield "explain of the name has both addresses", ["75.2.113.119", "99.83.136.103"], sorted({
        n["address"] for n in a.explain("ai", "integrate.api.nvidia.com")["names"]})
    yield "the flow keeps the range beside the name", ["AWS/GLOBALACCELERATOR/GLOBAL"], sorted({r["provider"] for r in a.flows("ai")})
    yield "what another pod was told later is no name of a flow before", [("AWS/GLOBALACCELERATOR/GLOBAL", "raw-address")], a.verdicts("chat")
    yield "what its node was told is no name of a pod that was told nothing", [("198.51.100.31", "raw-address")], a.verdicts("plain")
    yield "and is shown with less confidence", [("near.example.com", "node", False, 0.8)], a.best("plain")
    yield "what a cache may have repeated for a minute proves no pool", [("integrate.api.nvidia.com", False, 2)], [
        (s["class"], s["usable"], len(s["nets"])) for s in a.sets("ai")]
    yield "so that nothing opens it", ([], []), (set_rules(a, "ai"), [n for n in a.destinations("ai", "nets") if n.startswith(("99.83.", "75.2."))])


def restarted(a):
    yield "an answer from before a restart names what is dialled after it", [("two.example.com", "named")], a.verdicts("two")
    yield "that pod did say no name", {("", "sni")}, {(s["name"], s["by"]) for r in a.flows("two") for s in r["said"]}
    yield "a restart changes no other name", [("pool.example.com", "named")], a.verdicts("pool")
    yield "no name was lost anywhere", [], a.read("fanout")["context"]["name_losses"]


PHASES = {
    "first": [sums, pool_early, shared_address, said, plain_names, no_names, outside_resolver, dialled_by_address],
    "second": [sums, pool_late, founding_question],
    "restarted": [restarted],
}


def main(phase, folder):
    wrong = 0
    for case in PHASES[phase]:
        try:
            for sentence, wanted, got in case(Answers(folder)):
                if wanted == got:
                    print(f"       ok: {sentence}")
                else:
                    wrong += 1
                    print(f"       FAILED: {sentence}\n         wanted {wanted}\n         got    {got}")
        except (OSError, LookupError, TypeError, ValueError, AssertionError) as error:
            wrong += 1
            print(f"       FAILED: {case.__name__}: the answers cannot be read: {type(error).__name__}: {error}")
    return 1 if wrong else 0


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in PHASES:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1], sys.argv[2]))
