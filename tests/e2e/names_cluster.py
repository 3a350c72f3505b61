#!/usr/bin/env python3
"""The made-up cluster of the end-to-end tests of names: a resolver, and a pod alone in its namespace for each
way to come by an address. The forms are cluster.py's, and one more:

  names_cluster.py pods        the pods that are older than the agent
  names_cluster.py late        the pods that are made when the agent watches: all of theirs is seen
  names_cluster.py inventory   all of them
  names_cluster.py nft         the resolver's ClusterIP

Python's standard library only.
"""
import sys

import cluster

OLDER = ["gap"]
LATE = ["pool", "cdn", "sni", "six", "big", "search", "raw", "dot", "near", "away", "chat", "ai", "hint", "web", "one", "two",
        "quic", "plain", "load"]


def only_pod(namespace, number):
    return cluster.pod(namespace, namespace, "main-0", number, ("StatefulSet", "main"), {"app": namespace})


def late():
    return "\n".join(line for line in cluster.pods().splitlines() if line.split()[0] in LATE)


def older():
    return "\n".join(line for line in cluster.pods().splitlines() if line.split()[0] not in LATE)


cluster.PODS = [p for p in cluster.PODS if p["short"] == "coredns"] + [only_pod(name, 20 + i) for i, name in enumerate(OLDER + LATE)]
cluster.ELSEWHERE = []
cluster.SERVICES = [s for s in cluster.SERVICES if s[1] == "kube-dns"]
cluster.DEPLOYMENTS = [d for d in cluster.DEPLOYMENTS if d[0] == "kube-system"]
cluster.NAMESPACES = {name: "4-aux" for name in OLDER + LATE} | {
    name: cluster.NAMESPACES[name] for name in ("kube-system", "monitoring", "batch")}

if __name__ == "__main__":
    forms = {"pods": older, "late": late, "nft": cluster.nft, "inventory": cluster.inventory}
    if len(sys.argv) != 2 or sys.argv[1] not in forms:
        sys.exit(__doc__)
    print(forms[sys.argv[1]]())
