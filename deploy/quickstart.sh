#!/usr/bin/env bash
# shellcheck disable=SC2119  # our functions take arguments of their own
# Outflow at work in a few minutes, on nothing but this machine: builds it, makes a small cluster out of
# network namespaces, sends real traffic through it and shows what Outflow makes of it.
#
#   deploy/quickstart.sh              install packages, build, run, show, remove everything again
#   deploy/quickstart.sh --kube       the same with a real API server (built out of Go modules, some minutes the first
#                                     time): the pods are Pods, the aggregator watches them, and all speak mTLS
#   deploy/quickstart.sh --keep       leave it running; prints how to look and how to remove it
#   deploy/quickstart.sh --remove DIR remove one that was kept
#   deploy/quickstart.sh --bin DIR    use the programs in DIR instead of installing and building
#
# Needs root on Debian 12 (namespaces, BPF). It touches nothing outside network namespaces and a folder
# in /tmp of its own, build/release, and the packages in deploy/packages, which stay installed.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
keep=0 kube=0 bin='' remove=''

usage() { sed -n '3,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$root/deploy/quickstart.sh"; }
die() { echo "quickstart: $*" >&2; exit 1; }
title() { printf '\n== %s  [%d s]\n' "$*" "$SECONDS"; }
explain() { printf '   %s\n' "$@"; }

while [ $# -gt 0 ]; do
  case $1 in
    --keep) keep=1 ;;
    --kube) kube=1 ;;
    --bin | --remove)
      [ $# -ge 2 ] || { echo "quickstart: $1 needs a folder" >&2; exit 2; }
      if [ "$1" = --bin ]; then bin=$(realpath "$2"); else remove=$2; fi
      shift ;;
    -h | --help) usage; exit 0 ;;
    *) echo "quickstart: what is $1? --help lists what there is" >&2; exit 2 ;;
  esac
  shift
done
[ "$(id -u)" = 0 ] || die 'needs root: it makes network namespaces and loads BPF programs; try: sudo deploy/quickstart.sh'

if [ -n "$remove" ]; then
  [ -f "$remove/name" ] || die "$remove is not the folder of a kept quick start"
  WORLD_NAME=$(cat "$remove/name") WORLD_DIR=$remove
  # shellcheck source=tests/e2e/world.sh
  source "$root/tests/e2e/world.sh"
  world_down
  echo "removed $remove and everything of $WORLD_NAME"
  exit 0
fi

build() {
  local log=$root/build/quickstart.log jobs
  jobs=$(nproc)
  title 'Installing what is missing, then building the three programs (several minutes the first time)'
  if [ $kube = 0 ]; then
    "$root/deploy/install-packages.sh"
  else
    "$root/deploy/install-packages.sh" "$root/deploy/packages" <(printf '%s\n' curl openssl python3-pip)
  fi
  mkdir -p "$root/build"
  (cd "$root" && cmake --preset release) >"$log" 2>&1 || { tail -n 30 "$log" >&2; die "cmake failed; all of it: $log"; }
  if [ -t 1 ]; then
    ninja -C "$root/build/release" -j "$jobs"
  else
    ninja -C "$root/build/release" -j "$jobs" >"$log" 2>&1 || { tail -n 30 "$log" >&2; die "the build failed; all of it: $log"; }
  fi
  bin=$root/build/release/bin
}
[ -n "$bin" ] || build

# shellcheck source=tests/e2e/world.sh
source "$root/tests/e2e/world.sh"
PROGRAMS_BIN=$bin
# shellcheck source=tests/e2e/programs.sh
source "$root/tests/e2e/programs.sh"
programs_can || die 'the programs are missing; see above'
world_can || die 'this machine cannot hold the namespaces; see above'

if [ $kube = 1 ]; then
  # shellcheck source=tests/kube/kube_world.sh
  source "$root/tests/kube/kube_world.sh"
  kube_world_can || die 'this cannot be shown with a real API server; see above'
fi

finish() {
  local code=$? cli
  trap - EXIT
  # Nothing interrupts the clearing up, not even a reader of our output that has gone.
  trap '' INT TERM HUP PIPE
  set +e
  if [ $code = 0 ] && [ $keep = 1 ]; then
    title 'Left running'
    cli="$bin/outflow --server $PROGRAMS_AGGREGATOR${PROGRAMS_CLI_FLAGS[*]:+ ${PROGRAMS_CLI_FLAGS[*]}}"
    # A loopback address is of the node's namespace; a socket is of the machine.
    [ $kube = 0 ] || cli="ip netns exec $WORLD_NAME-node $cli"
    explain "look:      $cli fanout" \
      "           ip netns exec $WORLD_NAME-web-a COMMAND   (pods: web-a web-b db backup mailer seeder coredns)" \
      "           export the policies: $cli export ./egress --allow-insufficient" \
      "logs:      $WORLD_DIR/log" "remove it: $root/deploy/quickstart.sh --remove $WORLD_DIR"
    exit 0
  fi
  title 'Removing everything'
  if [ $code != 0 ]; then
    for log in agent aggregator; do
      if [ -s "$WORLD_DIR/log/$log" ]; then echo "-- last lines of the $log's log"; tail -n 15 "$WORLD_DIR/log/$log"; fi
    done
  elif [ -n "$AGENT_PID" ]; then
    world_end "$AGENT_PID"
    world_exec node "$bin/outflow-agent" --uninstall --state-dir "$WORLD_DIR/state" --bpffs-dir "$WORLD_DIR/bpf/outflow" ||
      code=1
  fi
  world_down
  [ $code = 0 ] || echo "quickstart: ended with $code" >&2
  exit $code
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
trap 'exit 141' PIPE
WORLD_DIR=$(mktemp -d "/tmp/$WORLD_NAME-XXXXXX")
echo "$WORLD_NAME" >"$WORLD_DIR/name"
PROGRAMS_AGGREGATOR=unix:$WORLD_DIR/aggregator.sock

# show ALLOWED ARGUMENTS...: a command as a user would type it, and its answer. ALLOWED: exit codes.
show() {
  local allowed=$1 code=0
  shift
  printf '\n$ outflow %s\n' "$*"
  outflow "$@" || code=$?
  [ $code = 0 ] || echo "(exit $code)"
  [[ " $allowed " == *" $code "* ]] || die "outflow $1 ended with $code, expected one of: $allowed"
}

title 'A node with seven pods, a DNS, services, and an internet behind it'
world_up || die 'the world could not be built'
explain "pods on Calico-like veths (cali + 11 hex digits) in $WORLD_NAME-node; the cluster as kubectl would" \
  "print it in $WORLD_DIR/inventory.json"

if [ $kube = 1 ]; then
  title 'An API server that knows them'
  kube_world_up || die 'the API server did not start'
  explain "etcd and kube-apiserver on the node's loopback; who is who is proven by certificates of a CA of its own"
  printf '\n$ kubectl get pods -A -o wide\n'
  kube get pods -A -o wide
fi

title 'Starting the aggregator and, in the node, the agent'
start_aggregator || die 'the aggregator did not start'
start_agent || die 'the agent did not start'

title 'Sending real TCP, UDP, DNS and ICMP traffic, some of it refused or filtered'
world_play 3 || die 'the traffic did not go as it should'
settle || die 'the agent did not report in time'

title 'What Outflow saw'
show '0' status
show '0 5' coverage
explain 'Exit 5 says the answer is partial: node-2 is in the inventory, and no agent runs there.'
show '0 5' fanout
explain 'NAME: destinations by the name their pods asked for. RAW: addresses that were dialled without a question; here' \
  'also because the pods are older than Outflow, which says so rather than guess.'
show '0 5' tiers
show '0 5' explain 198.51.100.10
show '0 5' explain api.example.com
show '0 5' sets -n shop

title 'What it would enforce'
show '4' export "$WORLD_DIR/egress"
explain 'Refused, and rightly: a policy out of one minute would break whatever happens once a week. Outflow' \
  'wants 7 valid days. --allow-insufficient writes it all the same, and says so in the header.'
show '0 5' export "$WORLD_DIR/egress" --allow-insufficient
printf '\n$ cat egress/egress-shop.yaml\n'
cat "$WORLD_DIR/egress/egress-shop.yaml"
if [ $kube = 1 ]; then
  explain '' 'An API server that has a strict definition of Calico policies (of our tests) would take them:'
  kube apply -f "$root/tests/kube/crds/globalnetworkpolicy.yaml" -f "$root/tests/kube/crds/globalnetworkset.yaml" >/dev/null
  kube wait --for condition=Established --timeout 30s crd \
    globalnetworkpolicies.projectcalico.org globalnetworksets.projectcalico.org >/dev/null
  printf '\n$ kubectl apply --server-side --dry-run=server -k egress\n'
  kube apply --server-side --dry-run=server --validate=strict -k "$WORLD_DIR/egress"
fi

title "Done"
