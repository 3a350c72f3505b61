# shellcheck shell=bash
# What the scripts of tests/deploy share; to be sourced. A case is a sentence and a command that is to be true.
#
#   check 'The sentence' COMMAND...      counts; the command's output only when it fails
#   refuses 'The sentence' TEXT COMMAND  true when the command fails and says TEXT
#   finish                               exit 1 when anything failed
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
export chart=$root/deploy/helm/outflow
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

check() {
  local sentence=$1
  shift
  if "$@" >"$work/output" 2>&1; then
    echo "ok      $sentence"
  else
    failed=$((failed + 1))
    echo "FAILED  $sentence"
    head -c 4000 "$work/output" | sed 's/^/        /'
  fi
}

refuses() {
  local sentence=$1 text=$2
  shift 2
  check "$sentence" refused "$text" "$@"
}
refused() {
  local text=$1 said
  shift
  if said=$("$@" 2>&1); then
    echo "not refused: $*"
    return 1
  fi
  if ! grep -qF -- "$text" <<<"$said"; then
    printf 'refused, but without saying "%s":\n%s\n' "$text" "$said"
    return 1
  fi
}

finish() { [ $failed = 0 ] || { echo "$failed failed"; exit 1; }; }

# skip TIER WHY: 77, or a failure where that tier must run (OUTFLOW_REQUIRE_KUBE or OUTFLOW_REQUIRE_PRIVILEGED is 1).
skip() {
  local must=OUTFLOW_REQUIRE_$1
  shift
  echo "SKIP: $*"
  [ "${!must:-0}" != 1 ] || exit 1
  exit 77
}

# Puts real helm and kubectl on PATH, those of tests/kube before others.
need_tools() {
  local tool
  if [ -x "$root/tests/kube/get-servers.sh" ]; then
    PATH=$("$root/tests/kube/get-servers.sh" --path 2>/dev/null):$PATH
  fi
  export PATH
  for tool in "$@"; do
    command -v "$tool" >/dev/null || skip KUBE "$tool is not there; tests/kube/get-servers.sh builds it"
  done
}
