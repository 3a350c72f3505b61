"""Looks at rendered manifests.

  manifests.py same A B           the two hold the same objects, whatever their order
  manifests.py roles FILE         one line a rule: binding, scope, groups, resources, names, verbs
  manifests.py containers FILE    one line a container: what it may do
  manifests.py flags FILE         one line a flag a program is started with: "outflow-agent --attach"; with its
                                  subcommand, "outflow-aggregator/write-sets --kube"

FILE may be "-". Exit 1 and what differs, or 2 for a file that is no list of objects.
"""

import sys

import yaml


def read(path):
    with sys.stdin if path == "-" else open(path, encoding="utf-8") as file:
        return [obj for obj in yaml.safe_load_all(file) if obj]


def name_of(obj):
    meta = obj["metadata"]
    return f"{obj['kind']} {meta.get('namespace', '-')}/{meta['name']}"


def differences(path, left, right):
    if isinstance(left, dict) and isinstance(right, dict):
        for key in sorted(set(left) | set(right)):
            yield from differences(f"{path}.{key}", left.get(key), right.get(key))
    elif isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        for at, (one, other) in enumerate(zip(left, right)):
            yield from differences(f"{path}[{at}]", one, other)
    elif left != right:
        yield f"{path}: {left!r} and {right!r}"


def same(left_path, right_path):
    left = {name_of(obj): obj for obj in read(left_path)}
    right = {name_of(obj): obj for obj in read(right_path)}
    if not left:
        print(f"{left_path} is empty")
        return 1
    found = [f"only in {left_path}: {name}" for name in left.keys() - right.keys()]
    found += [f"only in {right_path}: {name}" for name in right.keys() - left.keys()]
    for name in left.keys() & right.keys():
        found += differences(name, left[name], right[name])
    print("\n".join(sorted(found)))
    return 1 if found else 0


def roles(path):
    objects = read(path)
    rules = {(obj["kind"], obj["metadata"]["name"]): obj["rules"] for obj in objects if obj["kind"] in ("Role", "ClusterRole")}
    lines = []
    for binding in (obj for obj in objects if obj["kind"] in ("RoleBinding", "ClusterRoleBinding")):
        ref = binding["roleRef"]
        for rule in rules[ref["kind"], ref["name"]]:
            for subject in binding["subjects"]:
                scope = "cluster" if binding["kind"] == "ClusterRoleBinding" else binding["metadata"]["namespace"]
                columns = [rule["apiGroups"], rule["resources"], rule.get("resourceNames", ["-"]), rule["verbs"]]
                lines.append(" ".join([subject["name"], scope] + [",".join(sorted(column)) or '""' for column in columns]))
    print("\n".join(sorted(lines)))
    return 0


def pods(objects):
    for obj in objects:
        spec = obj.get("spec", {})
        template = spec.get("jobTemplate", {}).get("spec", spec).get("template")
        if template:
            yield obj, template["spec"]


def containers(path):
    for obj, pod in pods(read(path)):
        whole = pod.get("securityContext", {})
        for container in pod.get("initContainers", []) + pod["containers"]:
            own = container.get("securityContext", {})
            caps = own.get("capabilities", {})
            host = "+".join(key for key in ("hostNetwork", "hostPID", "hostIPC") if pod.get(key)) or "-"
            mounts = [volume["hostPath"]["path"] for volume in pod.get("volumes", []) if "hostPath" in volume]
            print(
                f"{obj['kind']}/{container['name']}",
                f"user={own.get('runAsUser', whole.get('runAsUser'))}",
                f"nonroot={own.get('runAsNonRoot', whole.get('runAsNonRoot', False))}",
                f"privileged={own.get('privileged', False)}",
                f"escalation={own.get('allowPrivilegeEscalation', True)}",
                f"readonly={own.get('readOnlyRootFilesystem', False)}",
                f"drop={','.join(caps.get('drop', []))}",
                f"add={','.join(caps.get('add', [])) or '-'}",
                f"seccomp={own.get('seccompProfile', whole.get('seccompProfile', {})).get('type')}",
                f"host={host}",
                f"hostpaths={','.join(mounts) or '-'}",
                f"limits={'memory' in container.get('resources', {}).get('limits', {})}",
            )
    return 0


def programs(path):
    for obj, pod in pods(read(path)):
        args = pod["containers"][0].get("args", [])
        if obj["kind"] in ("DaemonSet", "StatefulSet"):
            yield obj["metadata"]["name"], args
        elif obj["kind"] == "Deployment":
            yield f"outflow-aggregator/{args[0]}", args[1:]


def flags(path):
    for name, args in programs(path):
        for flag in sorted({arg.split("=")[0] for arg in args}):
            print(name, flag)
    return 0


if __name__ == "__main__":
    commands = {"same": same, "roles": roles, "containers": containers, "flags": flags}
    try:
        sys.exit(commands[sys.argv[1]](*sys.argv[2:]))
    except (KeyError, IndexError, TypeError, OSError, yaml.YAMLError) as error:
        print(f"{' '.join(sys.argv[1:])}: {error!r}", file=sys.stderr)
        sys.exit(2)
