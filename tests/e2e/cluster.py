#!/usr/bin/env python3
"""The made-up cluster of the end-to-end world, in one place, and the forms others need it in.

  cluster.py pods        a line for each pod on this node: SHORT NAMESPACE POD INTERFACE IPV4 IPV6
  cluster.py nft         what kube-proxy would do here: ClusterIP -> endpoint, and masquerading
  cluster.py inventory   the same cluster as `kubectl get namespaces,nodes,pods,... -A -o json` prints it

Python's standard library only.
"""
import hashlib
import json
import sys

NODE = {"name": "node-1", "v4": "192.0.2.10", "v6": "2001:db8::10", "cidrs": ["10.244.1.0/24", "fd00:244:1::/64"]}
OTHER_NODE = {"name": "node-2", "v4": "192.0.2.11", "v6": "2001:db8::11", "cidrs": ["10.244.2.0/24", "fd00:244:2::/64"]}

NAMESPACES = {  # name -> tier label; "" is none
    "shop": "3-edge", "mail": "4-aux", "media": "4-aux", "batch": "4-aux", "data": "2-data", "archive": "4-aux",
    "monitoring": "3-edge", "lab": "4-aux", "kube-system": "0-core", "default": "",
}


def pod(short, namespace, name, number, owner, labels, node=NODE, ports=()):
    return {"short": short, "namespace": namespace, "name": name, "node": node, "owner": owner, "labels": labels,
            "v4": node["cidrs"][0].replace(".0/24", f".{number}"), "v6": node["cidrs"][1].replace("/64", f"{number}"),
            "ports": ports}


PODS = [
    pod("web-a", "shop", "web-6b7c9d5f48-2xkqz", 11, ("ReplicaSet", "web-6b7c9d5f48"), {"app": "web", "pod-template-hash": "6b7c9d5f48"}, ports=[("http", 8080, "TCP")]),
    pod("web-b", "shop", "web-6b7c9d5f48-9m4tp", 12, ("ReplicaSet", "web-6b7c9d5f48"), {"app": "web", "pod-template-hash": "6b7c9d5f48"}, ports=[("http", 8080, "TCP")]),
    pod("db", "data", "db-0", 13, ("StatefulSet", "db"), {"app": "db", "statefulset.kubernetes.io/pod-name": "db-0"}, ports=[("sql", 5432, "TCP"), ("stats", 8125, "UDP")]),
    pod("backup", "batch", "backup-29012345-v8x7c", 14, ("Job", "backup-29012345"), {"app": "backup", "job-name": "backup-29012345"}),
    pod("mailer", "mail", "mailer-5d9c7f4b6d-lq2wn", 15, ("ReplicaSet", "mailer-5d9c7f4b6d"), {"app": "mailer", "pod-template-hash": "5d9c7f4b6d"}),
    pod("seeder", "media", "seeder-0", 16, ("StatefulSet", "seeder"), {"app": "seeder"}, ports=[("rpc", 9091, "TCP")]),
    pod("coredns", "kube-system", "coredns-7db6d8ff4d-hj5vr", 10, ("ReplicaSet", "coredns-7db6d8ff4d"), {"k8s-app": "kube-dns", "pod-template-hash": "7db6d8ff4d"}, ports=[("dns", 53, "UDP"), ("dns-tcp", 53, "TCP")]),
]
ELSEWHERE = [pod("", "lab", "notebook-0", 21, ("StatefulSet", "notebook"), {"app": "notebook"}, node=OTHER_NODE)]

# namespace, name, ClusterIPs, selector, [(port name, port, target port, protocol)]
SERVICES = [
    ("default", "kubernetes", ["10.96.0.1"], None, [("https", 443, 6443, "TCP")]),
    ("kube-system", "kube-dns", ["10.96.0.10", "fd00:96::10"], {"k8s-app": "kube-dns"}, [("dns", 53, 53, "UDP"), ("dns-tcp", 53, 53, "TCP")]),
    ("data", "db", ["10.96.0.20", "fd00:96::20"], {"app": "db"}, [("sql", 3306, 5432, "TCP"), ("stats", 8125, 8125, "UDP")]),
    ("shop", "web", ["10.96.0.30", "fd00:96::30"], {"app": "web"}, [("http", 80, 8080, "TCP")]),
]

DEPLOYMENTS = [("shop", "web", "6b7c9d5f48", 2), ("mail", "mailer", "5d9c7f4b6d", 1), ("kube-system", "coredns", "7db6d8ff4d", 1),
               ("archive", "vault", "66f8d6b9c5", 0)]  # namespace, name, hash, replicas


def interface(p):
    """Calico's host-side name: "cali" and the first 11 hex digits of sha1("<namespace>.<pod>")."""
    return "cali" + hashlib.sha1(f"{p['namespace']}.{p['name']}".encode()).hexdigest()[:11]


def endpoints(service, family):
    namespace, name, _, selector, _ = service
    if selector is None:
        return [NODE[family]] if name == "kubernetes" else []
    return [p[family] for p in PODS if p["namespace"] == namespace and selector.items() <= p["labels"].items()]


def nft_service(service, family, table):
    word, rules = ("ip" if family == "v4" else "ip6"), []
    for address in (a for a in service[2] if (":" in a) == (family == "v6")):
        for _, port, target, protocol in service[4]:
            found = endpoints(service, family)
            match = f"{word} daddr {address} {protocol.lower()} dport {port}"
            shape = "{}" if family == "v4" else "[{}]"
            if len(found) == 1:
                rules.append(f"{match} dnat to {shape.format(found[0])}:{target}")
            else:
                spread = ", ".join(f"{i} : {a}" for i, a in enumerate(found))
                rules.append(f"{match} dnat to numgen inc mod {len(found)} map {{ {spread} }}:{target}")
    return [f"add rule {table} services {rule}" for rule in rules]


def nft():
    lines = []
    for family, word, cidr in (("v4", "ip", NODE["cidrs"][0]), ("v6", "ip6", NODE["cidrs"][1])):
        table = f"{word} kube"
        lines += [f"add table {table}", f"add chain {table} services",
                  f"add chain {table} prerouting {{ type nat hook prerouting priority dstnat; }}",
                  f"add chain {table} output {{ type nat hook output priority -100; }}",
                  f"add chain {table} postrouting {{ type nat hook postrouting priority srcnat; }}",
                  f"add rule {table} prerouting jump services", f"add rule {table} output jump services",
                  f'add rule {table} postrouting {word} saddr {cidr} oifname "eth0" masquerade']
        for service in SERVICES:
            lines += nft_service(service, family, table)
    return "\n".join(lines)


STAMP = "2026-01-05T08:00:00Z"


def meta(name, namespace=None, **more):
    out = {"name": name, "uid": str(hashlib.md5(f"{namespace}/{name}".encode()).hexdigest()), "creationTimestamp": STAMP}
    return out | ({"namespace": namespace} if namespace else {}) | more


def owned(kind, name, api="apps/v1"):
    return [{"apiVersion": api, "kind": kind, "name": name, "controller": True, "blockOwnerDeletion": True, "uid": "0"}]


def pod_json(p):
    api = "batch/v1" if p["owner"][0] == "Job" else "apps/v1"
    ports = [{"name": n, "containerPort": number, "protocol": protocol} for n, number, protocol in p["ports"]]
    return {"apiVersion": "v1", "kind": "Pod",
            "metadata": meta(p["name"], p["namespace"], labels=p["labels"], ownerReferences=owned(*p["owner"], api)),
            "spec": {"nodeName": p["node"]["name"], "containers": [{"name": "main", "image": "example.com/main:1", "ports": ports}]},
            "status": {"phase": "Running", "podIP": p["v4"], "podIPs": [{"ip": p["v4"]}, {"ip": p["v6"]}],
                       "hostIP": p["node"]["v4"], "startTime": STAMP}}


def host_pod_json():
    return {"apiVersion": "v1", "kind": "Pod",
            "metadata": meta("node-exporter-7k2lm", "monitoring", labels={"app": "node-exporter"}, ownerReferences=owned("DaemonSet", "node-exporter")),
            "spec": {"nodeName": NODE["name"], "hostNetwork": True, "containers": [{"name": "main", "image": "example.com/main:1"}]},
            "status": {"phase": "Running", "podIP": NODE["v4"], "podIPs": [{"ip": NODE["v4"]}], "hostIP": NODE["v4"], "startTime": STAMP}}


def service_json(service):
    namespace, name, addresses, selector, ports = service
    return {"apiVersion": "v1", "kind": "Service", "metadata": meta(name, namespace),
            "spec": {"type": "ClusterIP", "clusterIP": addresses[0], "clusterIPs": addresses, "ports": [
                {"name": n, "port": port, "targetPort": target, "protocol": protocol} for n, port, target, protocol in ports]}
            | ({"selector": selector} if selector else {})}


def slice_json(service, family):
    namespace, name, _, _, ports = service
    kind = "IPv4" if family == "v4" else "IPv6"
    return {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": kind,
            "metadata": meta(f"{name}-{kind.lower()}", namespace, labels={"kubernetes.io/service-name": name}),
            "endpoints": [{"addresses": [a], "conditions": {"ready": True}} for a in endpoints(service, family)],
            "ports": [{"name": n, "port": target, "protocol": protocol} for n, _, target, protocol in ports]}


def node_json(node):
    return {"apiVersion": "v1", "kind": "Node", "metadata": meta(node["name"]),
            "spec": {"podCIDR": node["cidrs"][0], "podCIDRs": node["cidrs"]},
            "status": {"addresses": [{"type": "InternalIP", "address": node["v4"]}, {"type": "InternalIP", "address": node["v6"]},
                                     {"type": "Hostname", "address": node["name"]}]}}


def replicaset_json(namespace, name, pod_hash, replicas):
    return {"apiVersion": "apps/v1", "kind": "ReplicaSet",
            "metadata": meta(f"{name}-{pod_hash}", namespace, ownerReferences=owned("Deployment", name)),
            "spec": {"replicas": replicas}, "status": {"replicas": replicas}}


def inventory():
    items = [{"apiVersion": "v1", "kind": "Namespace", "status": {"phase": "Active"},
              "metadata": meta(name, labels={"kubernetes.io/metadata.name": name} | ({"tier": tier} if tier else {}))}
             for name, tier in NAMESPACES.items()]
    items += [node_json(NODE), node_json(OTHER_NODE)]
    items += [pod_json(p) for p in PODS + ELSEWHERE] + [host_pod_json()]
    items += [service_json(s) for s in SERVICES]
    items += [slice_json(s, family) for s in SERVICES for family in ("v4", "v6") if any((":" in a) == (family == "v6") for a in s[2])]
    items += [replicaset_json(*d) for d in DEPLOYMENTS]
    items += [{"apiVersion": "batch/v1", "kind": "Job", "metadata": meta("backup-29012345", "batch", ownerReferences=owned("CronJob", "backup", "batch/v1"))},
              {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": meta("backup", "batch"), "spec": {"schedule": "45 5 * * *"}}]
    return json.dumps({"apiVersion": "v1", "items": items, "kind": "List", "metadata": {"resourceVersion": ""}}, indent=2)


def pods():
    return "\n".join(" ".join((p["short"], p["namespace"], p["name"], interface(p), p["v4"], p["v6"])) for p in PODS)


if __name__ == "__main__":
    forms = {"pods": pods, "nft": nft, "inventory": inventory}
    if len(sys.argv) != 2 or sys.argv[1] not in forms:
        sys.exit(__doc__)
    print(forms[sys.argv[1]]())
