#!/usr/bin/env python3
"""Calico's resource definitions for tests, as one list for `kubectl apply --server-side -f -`.

  crds.py            projectcalico.org/v3: crds/*.yaml, and the policies that share GlobalNetworkPolicy's rules
  crds.py --legacy   crd.projectcalico.org/v1, what Calico up to 3.31 keeps in the API server: no checks at all
"""
import copy
import json
import pathlib
import sys

import yaml

HERE = pathlib.Path(__file__).parent / "crds"


def renamed(definition, kind, plural, scope):
    out = copy.deepcopy(definition)
    out["metadata"]["name"] = f"{plural}.projectcalico.org"
    out["spec"]["scope"] = scope
    out["spec"]["names"] = {"kind": kind, "listKind": kind + "List", "plural": plural, "singular": kind.lower()}
    return out


def schema_of(definition):
    return definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]


def network_policy(policy):
    """A namespace's own policy: what is for hosts and other namespaces is not in it, a service's namespace may be left out."""
    out = renamed(policy, "NetworkPolicy", "networkpolicies", "Namespaced")
    spec = schema_of(out)["properties"]["spec"]["properties"]
    for name in ("namespaceSelector", "doNotTrack", "preDNAT", "applyOnForward"):
        del spec[name]
    for direction in ("ingress", "egress"):
        for peer in ("source", "destination"):
            spec[direction]["items"]["properties"][peer]["properties"]["services"]["required"] = ["name"]
    return out


def staged(policy):
    out = renamed(policy, "StagedGlobalNetworkPolicy", "stagedglobalnetworkpolicies", "Cluster")
    spec = schema_of(out)["properties"]["spec"]
    spec["properties"]["stagedAction"] = {"type": "string", "enum": ["Set", "Delete", "Learn", "Ignore"]}
    others = [name for name in spec["properties"] if name not in ("tier", "stagedAction")]
    spec["x-kubernetes-validations"] = [{
        "rule": "!has(self.stagedAction) || self.stagedAction != 'Delete' || (" + " && ".join(f"!has(self.{o})" for o in others) + ")",
        "message": "a staged deletion names its Calico tier and nothing else"}]
    return out


def legacy(definition):
    out = copy.deepcopy(definition)
    out["metadata"]["name"] = out["spec"]["names"]["plural"] + ".crd.projectcalico.org"
    out["spec"]["group"] = "crd.projectcalico.org"
    out["spec"]["versions"] = [{"name": "v1", "served": True, "storage": True, "schema": {
        "openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}}]
    return out


def definitions():
    found = {path.stem: yaml.safe_load(path.read_text()) for path in sorted(HERE.glob("*.yaml"))}
    policy = found["globalnetworkpolicy"]
    # Anchors make one object of many: each definition must be its own before it is changed.
    found = [json.loads(json.dumps(d)) for d in found.values()]
    policy = json.loads(json.dumps(policy))
    return found + [network_policy(json.loads(json.dumps(policy))), staged(policy)]


if __name__ == "__main__":
    if sys.argv[1:] not in ([], ["--legacy"]):
        sys.exit(__doc__)
    items = definitions() if len(sys.argv) == 1 else [legacy(d) for d in definitions()]
    json.dump({"apiVersion": "v1", "kind": "List", "items": items}, sys.stdout)
