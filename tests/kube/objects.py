#!/usr/bin/env python3
"""A cluster as `kubectl get ... -o json` prints it, put into a real API server that has no controllers.

  objects.py spec FILE            what to apply: kubectl apply --server-side --force-conflicts -f -
  objects.py status FILE          what to replace then: kubectl replace --subresource=status -f -  (to apply it will not do:
                                  a server-side apply refuses a node with two internal addresses)
  objects.py missing FILE LIVE    what FILE has and LIVE (the server's own `kubectl get`) has not, one line each, and
                                  the other way round for the kinds that FILE has; exit 1 when there is any

What the API server gives itself (uid, resourceVersion, creationTimestamp) is not carried over. Python's standard
library only.
"""
import json
import sys

# Of the API server's own making: nobody's traffic.
OWN_NAMESPACES = {"kube-public", "kube-node-lease", "kube-system", "default"}
GIVEN = ("uid", "resourceVersion", "creationTimestamp", "managedFields", "generation", "selfLink")


def items_of(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)["items"]


def key_of(item):
    return item["kind"], item["metadata"].get("namespace", ""), item["metadata"]["name"]


def metadata_of(item):
    return {k: v for k, v in item["metadata"].items() if k not in GIVEN}


def pod_template(labels, **spec):
    return {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "main", "image": "example.com/main:1"}], **spec}}


def spec_of(item, labels):
    """The spec, with what the API demands of kinds of which the list has only the chain of owners."""
    spec = dict(item.get("spec", {}))
    if item["kind"] in ("ReplicaSet", "Deployment", "StatefulSet", "DaemonSet"):
        spec = {"selector": {"matchLabels": labels}, "template": pod_template(labels)} | spec
    if item["kind"] == "Job":
        spec = {"template": pod_template({}, restartPolicy="Never")} | spec
    if item["kind"] == "CronJob":
        spec = {"schedule": "@daily", "jobTemplate": {"spec": {"template": pod_template({}, restartPolicy="Never")}}} | spec
    if item["kind"] == "Service" and len(spec.get("clusterIPs", [])) == 2:
        spec = {"ipFamilyPolicy": "RequireDualStack"} | spec
    return spec


def owned_labels(items):
    """Owner -> the labels of its pods; one without pods gets a label that nothing has."""
    found = {}
    for item in items:
        for owner in item["metadata"].get("ownerReferences", []) if item["kind"] == "Pod" else []:
            found[owner["kind"], item["metadata"]["namespace"], owner["name"]] = item["metadata"].get("labels", {})
    return found


def listed(items):
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": items})


def spec_list(path):
    items, out = items_of(path), []
    labels = owned_labels(items)
    for item in items:
        one = {k: v for k, v in item.items() if k not in ("status", "metadata", "spec")} | {"metadata": metadata_of(item)}
        spec = spec_of(item, labels.get(key_of(item)) or {"app": item["metadata"]["name"]})
        out.append(one | ({"spec": spec} if spec else {}))
    return listed(out)


def status_list(path):
    out = []
    for item in items_of(path):
        if item.get("status") and item["kind"] != "Namespace":
            out.append({k: item[k] for k in ("apiVersion", "kind", "status")} | {"metadata": metadata_of(item)})
    return listed(out)


def lacks(wanted, got, path):
    """What of `wanted` is not in `got`: maps may have more, lists may not; an empty list is none."""
    if isinstance(wanted, dict) and isinstance(got, dict):
        return [line for k, v in wanted.items() if v != [] or k in got
                for line in (lacks(v, got[k], f"{path}.{k}") if k in got else [f"{path}.{k} is missing"])]
    if isinstance(wanted, list) and isinstance(got, list) and len(wanted) == len(got):
        return [line for i, pair in enumerate(zip(wanted, got)) for line in lacks(*pair, f"{path}[{i}]")]
    return [] if wanted == got else [f"{path} is {json.dumps(got)}, not {json.dumps(wanted)}"]


def missing(path, live_path):
    wanted = {key_of(i): {k: v for k, v in i.items() if k != "metadata"} | {"metadata": metadata_of(i)} for i in items_of(path)}
    live = {key_of(i): i for i in items_of(live_path)}
    lines = []
    for key, item in wanted.items():
        lines += lacks(item, live[key], "/".join(key)) if key in live else ["/".join(key) + " is missing"]
    kinds = {key[0] for key in wanted}
    lines += ["/".join(key) + " is not in the list" for key in live
              if key not in wanted and key[0] in kinds and not (key[0] == "Namespace" and key[2] in OWN_NAMESPACES)]
    return lines


if __name__ == "__main__":
    if len(sys.argv) == 3 and sys.argv[1] in ("spec", "status"):
        print((spec_list if sys.argv[1] == "spec" else status_list)(sys.argv[2]))
    elif len(sys.argv) == 4 and sys.argv[1] == "missing":
        differences = missing(*sys.argv[2:])
        print("\n".join(differences), end="\n" if differences else "")
        sys.exit(1 if differences else 0)
    else:
        sys.exit(__doc__)
