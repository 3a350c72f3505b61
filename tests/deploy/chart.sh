#!/usr/bin/env bash
# The chart: refuses bad values by name, asks for exactly the rights in this file, and runs nothing that may do more
# than it must.
# shellcheck source=tests/deploy/case.sh
source "$(dirname "$0")/case.sh"
need_tools helm
manifests=$root/tests/deploy/manifests.py

template() { helm template outflow "$chart" --namespace outflow-system --kube-version 1.34.0 "$@"; }
values=(--set monitoring.podMonitor.enabled=true --set monitoring.rules.enabled=true --set monitoring.dashboard.enabled=true)

# is FILE COMMAND FILTER: what manifests.py says of the manifests on standard input is, line by line, what is in FILE.
is() {
  local wanted=$1 command=$2
  shift 2
  template "$@" >"$work/manifests" && python3 "$manifests" "$command" "$work/manifests" >"$work/found" && diff "$wanted" "$work/found"
}

lint() { helm lint --strict "$chart" --kube-version 1.34.0 "$@"; }
check 'The chart is clean as it comes.' lint
for mode in bootstrap cert-manager files; do
  check "The chart is clean with certificates.mode=$mode and everything on." lint --set certificates.mode=$mode "${values[@]}" \
    --set agent.socketTable=true --set cli.clusterWideView=true --set namespace.create=true --set feeds.enabled=true
done

# What is refused, and the words that name it.
while read -r value named; do
  refuses "Refused, and named: $value" "$named" template --set "$value"
done <<'BAD'
agent.tuplesMax=0 /agent/tuplesMax
agent.tuplesMax=2000000 /agent/tuplesMax
agent.attach=xdp /agent/attach
agent.reportInterval=10 /agent/reportInterval
agent.http.port=70000 /agent/http/port
agent.http.address=localhost /agent/http/address
agent.interfacePatterns={} /agent/interfacePatterns
agent.interfacePatterns={this-name-is-too-long} /agent/interfacePatterns/0
agent.maxUnavailable=0 /agent/maxUnavailable
agent.enrollment.tokenExpirationSeconds=60 /agent/enrollment/tokenExpirationSeconds
agent.soketTable=true soketTable
agent.image.digest=sha256:abc /agent/image/digest
agent.extraArgs={tuples} /agent/extraArgs/0
aggregator.retention=forever /aggregator/retention
aggregator.storage.size=10 /aggregator/storage/size
aggregator.replicas=2 replicas
certificates.mode=none /certificates/mode
certificates.serverDays=0 /certificates/serverDays
certificates.extraNames={a,b/c} /certificates/extraNames/1
setsWriter.enabled=true setsWriter.namespaces
setsWriter.interval=30 /setsWriter/interval
setsWriter.namespaces={a/b} /setsWriter/namespaces/0
setsWriter.allowPrivate={10.0.0.1} /setsWriter/allowPrivate/0
feeds.manifest.feed=1 /feeds/manifest
feeds.files.a/b=x a/b
networkPolicy.agentCidrs={10.0.0.0} /networkPolicy/agentCidrs/0
monitoring.podMonitor.interval=often /monitoring/podMonitor/interval
nonsense=1 nonsense
BAD

cat >"$work/roles" <<'ROLES'
outflow-aggregator cluster "" namespaces,nodes,pods,services - get,list,watch
outflow-aggregator cluster apps daemonsets,deployments,replicasets,statefulsets - get,list,watch
outflow-aggregator cluster authentication.k8s.io tokenreviews - create
outflow-aggregator cluster authorization.k8s.io subjectaccessreviews - create
outflow-aggregator cluster batch cronjobs,jobs - get,list,watch
outflow-aggregator cluster crd.projectcalico.org,projectcalico.org globalnetworkpolicies,globalnetworksets,networkpolicies,networksets,tiers - get,list,watch
outflow-aggregator cluster discovery.k8s.io endpointslices - get,list,watch
outflow-aggregator cluster networking.k8s.io networkpolicies - get,list,watch
ROLES
cp "$work/roles" "$work/roles.bootstrap"
cat >>"$work/roles.bootstrap" <<'ROLES'
outflow-certificates outflow-system "" configmaps - create
outflow-certificates outflow-system "" configmaps outflow-ca get,update
outflow-certificates outflow-system "" secrets - create
outflow-certificates outflow-system "" secrets outflow-aggregator-tls,outflow-ca get,update
ROLES
cp "$work/roles" "$work/roles.cert-manager"
cat >>"$work/roles.cert-manager" <<'ROLES'
outflow-certificates outflow-system "" configmaps - create
outflow-certificates outflow-system "" configmaps outflow-ca get,update
outflow-certificates outflow-system "" secrets outflow-aggregator-tls get
ROLES
cp "$work/roles" "$work/roles.cli"
cat >>"$work/roles.cli" <<'ROLES'
outflow-cli cluster "" namespaces - get,list
outflow-cli cluster outflow.dev evidence - create
ROLES
writes=(--set certificates.mode=files --set setsWriter.enabled=true)
cat >"$work/writer" <<'ROLES'
outflow-sets-writer cluster "" namespaces bank,shop get
outflow-sets-writer cluster crd.projectcalico.org,projectcalico.org globalnetworksets - get,patch
ROLES
cat "$work/roles" "$work/writer" >"$work/roles.writer"
sed -e 's/namespaces bank,shop get/namespaces - get,list/' -e 's/get,patch/create,get,patch/' "$work/roles.writer" >"$work/roles.everywhere"
check 'The rights are those of this list, with certificates of our own.' is "$work/roles.bootstrap" roles "${values[@]}"
check 'The rights are those of this list, with certificates of cert-manager.' is "$work/roles.cert-manager" roles --set certificates.mode=cert-manager
check 'The rights are those of this list, with certificates from files.' is "$work/roles" roles --set certificates.mode=files
check 'The CLI gets rights only when it is told so.' is "$work/roles.cli" roles --set certificates.mode=files --set cli.clusterWideView=true --set cli.import=true
check 'The writer of sets reads and patches them, and sees the namespaces it is for.' is "$work/roles.writer" roles "${writes[@]}" --set 'setsWriter.namespaces={shop,bank}'
check 'It may make sets, and see every namespace, only when it is told so.' is "$work/roles.everywhere" roles "${writes[@]}" --set setsWriter.create=true --set setsWriter.allNamespaces=true
refuses 'Namespaces and all of them are one too many.' 'one of the two' template "${writes[@]}" --set setsWriter.allNamespaces=true --set 'setsWriter.namespaces={shop}'
no_writer() { template "${values[@]}" --set setsWriter.allNamespaces=true >"$work/manifests" && ! grep -n 'sets-writer' <(grep -v 'job="outflow-sets-writer"\|log of outflow-sets-writer' "$work/manifests"); }
check 'Unless it is enabled there is no account, no role and no pod of it.' no_writer

plain='user=65532 nonroot=True privileged=False escalation=False readonly=True drop=ALL add=- seccomp=RuntimeDefault host=- hostpaths=- limits=True'
agent='DaemonSet/agent user=0 nonroot=False privileged=False escalation=False readonly=True drop=ALL'
cat >"$work/containers" <<CONTAINERS
$agent add=BPF,NET_ADMIN,PERFMON seccomp=RuntimeDefault host=hostNetwork hostpaths=/sys/fs/bpf,/var/lib/outflow-agent limits=True
StatefulSet/aggregator $plain
Job/certificates $plain
CronJob/certificates $plain
CONTAINERS
sed -e 's/PERFMON/PERFMON,SYS_ADMIN/' -e 's,outflow-agent limits,outflow-agent\,/run/netns limits,' "$work/containers" >"$work/containers.sockets"
check 'Containers may do what is in this list, and nothing else.' is "$work/containers" containers
check 'Only looking at sockets adds SYS_ADMIN and /run/netns.' is "$work/containers.sockets" containers --set agent.socketTable=true

cat - "$work/containers" >"$work/containers.writer" <<CONTAINERS
Deployment/sets-writer $plain
CONTAINERS
sorted_is() { template "${@:2}" >"$work/manifests" && python3 "$manifests" containers "$work/manifests" | sort >"$work/found" && diff <(sort "$1") "$work/found"; }
check 'The writer of sets needs nothing.' sorted_is "$work/containers.writer" --set setsWriter.enabled=true --set 'setsWriter.namespaces={shop}'

sed '1d' "$work/containers" >"$work/containers.uninstall"
cat - "$work/containers.uninstall" >"$work/containers.uninstalling" <<CONTAINERS
${agent/agent/uninstall} add=BPF,NET_ADMIN,PERFMON seccomp=RuntimeDefault host=hostNetwork hostpaths=/sys/fs/bpf,/var/lib/outflow-agent limits=True
DaemonSet/done ${plain/host=- hostpaths=-/host=hostNetwork hostpaths=\/sys\/fs\/bpf,\/var\/lib\/outflow-agent}
CONTAINERS
check 'Uninstalling takes what the agent may do, and no more.' is "$work/containers.uninstalling" containers --set agent.uninstall=true

no_secret_on_nodes() { template "$@" --show-only templates/agent.yaml >"$work/agent" && ! grep -n 'secret' "$work/agent"; }
check 'No Secret is mounted on a node where pods are watched.' no_secret_on_nodes --set certificates.mode=cert-manager
no_token() { template --show-only templates/agent.yaml | grep -c 'automountServiceAccountToken: false' | grep -qx 2; }
check "The agent's pod has no token for the API server." no_token
# Values of the second level are the table's rows.
explained() {
  python3 - "$chart/values.yaml" "$root/deploy/README.md" <<'PYTHON'
import sys, yaml
values, readme = yaml.safe_load(open(sys.argv[1])), open(sys.argv[2]).read()
names = [f"{top}.{name}" if isinstance(values[top], dict) else top for top in values for name in (values[top] if isinstance(values[top], dict) else [top])]
missing = [name for name in names if f"| `{name}` |" not in readme and f"`{name.split('.')[1]}`" not in readme.splitlines()[-1]]
sys.exit("not in deploy/README.md: " + ", ".join(missing) if missing else 0)
PYTHON
}
check 'The README explains every value.' explained
digest=sha256:$(printf 'x' | sha256sum | cut -d' ' -f1)
by_digest() { template --set agent.image.digest="$digest" | grep "image: \"outflow-agent@$digest\"" >/dev/null; }
check 'An image can be named by its digest.' by_digest
moved() { ! template --namespace elsewhere "${values[@]}" --set certificates.mode=cert-manager --set namespace.create=true | grep -n outflow-system; }
check 'Nothing names outflow-system when it is installed elsewhere.' moved
finish
