#!/usr/bin/env bash
# The agent does its work with exactly the capabilities of the manifest, without new privileges, on a root file system
# it cannot write to, with its bpffs where the manifest puts it; and it goes when --uninstall is run with the same.
# In a network and a mount namespace of the test's own.
# shellcheck source=tests/deploy/case.sh
source "$(dirname "$0")/case.sh"
bin=${PROGRAMS_BIN:-$root/build/dev/bin}
[ "$(id -u)" = 0 ] || skip PRIVILEGED 'loading programs takes root'
[ -x "$bin/outflow-agent" ] || skip PRIVILEGED "$bin/outflow-agent was not built"

# What the container is given: "BPF,NET_ADMIN,PERFMON" as setpriv writes it.
capabilities=$(python3 "$root/tests/deploy/manifests.py" containers "$root/deploy/kubernetes/core/agent.yaml" |
  sed -nE 's/^DaemonSet\/agent .* add=([A-Z_,]+) .*/\1/p' | tr '[:upper:]' '[:lower:]' | sed 's/^/+/; s/,/,+/g')
[ -n "$capabilities" ] || { echo 'FAILED  the manifest has no capabilities'; exit 1; }

cat >"$work/inside" <<'INSIDE'
set -eu
bin=$1 capabilities=$2 work=$3
mount --make-rprivate /
mkdir -p "$work/bpf" "$work/state"
mount -t bpf bpf "$work/bpf"
mount --bind "$work/state" "$work/state"
mount --bind / /mnt
mount -o remount,bind,ro /mnt
# What the pod may write to, and nothing else.
mount --bind "$work/bpf" "/mnt$work/bpf"
mount --bind "$work/state" "/mnt$work/state"
mount --rbind /proc /mnt/proc
mount --rbind /sys /mnt/sys
ip link set lo up
ip link add cali0123 type veth peer name eth0
ip link set cali0123 up
restricted() {
  exec chroot /mnt setpriv --bounding-set="-all,$capabilities" --inh-caps=-all --no-new-privs "$bin/outflow-agent" \
    --bpffs-dir "$work/bpf/outflow" --state-dir "$work/state" "$@"
}
restricted --node-name node-a --http-listen 127.0.0.1:9101 >"$work/agent.log" 2>&1 &
agent=$!
trap 'kill $agent 2>/dev/null || true' EXIT
hooked=''
for try in $(seq 200); do
  hooked=$(curl -sf http://127.0.0.1:9101/metrics | sed -n 's/^outflow_hooked_interfaces //p' || true)
  [ "$hooked" != 1 ] || break
  kill -0 $agent || exit 1
  sleep 0.1
done
[ "$hooked" = 1 ] && [ -n "$(ls "$work/bpf/outflow")" ]
grep -E '^(CapEff|NoNewPrivs)' "/proc/$agent/status"
kill $agent
wait $agent || true
(restricted --uninstall) >>"$work/agent.log" 2>&1
[ ! -e "$work/bpf/outflow" ] || [ -z "$(ls "$work/bpf/outflow")" ]
INSIDE
works() { unshare --net --mount bash "$work/inside" "$bin" "$1" "$work" || { tail -n 20 "$work/agent.log"; return 1; }; }
check "The agent hooks an interface and lets go of it, with $capabilities alone." works "$capabilities"
lacking() { ! works "${capabilities/+net_admin,/}"; }
check 'Without NET_ADMIN it cannot, so that the above means something.' lacking
finish
