#!/usr/bin/env bash
# Installs, builds and runs the tests, and ends with one line: "N passed, N failed, N skipped".
#
#   tests/run.sh                  install, shape, build, test (all tiers), asan
#   tests/run.sh STAGE...         only these: shape build test asan tidy tidy-all fuzz
#   tests/run.sh TIER...          only these tiers of the dev build: unit golden grpc bpf netns e2e kube
#   tests/run.sh --no-asan        without the sanitizer build; --no-install never asks apt
#   tests/run.sh --ci             what CI does: the same, and tidy on the changed files of the programs
#
# As root or in CI (CI set), the privileged tiers must run: OUTFLOW_REQUIRE_PRIVILEGED=1. Logs are in
# build/logs. The kube tier runs on a real API server, built from Go modules while the rest is built (some
# minutes the first time, kept in ~/.cache/outflow-kube); without one it is skipped, in CI it fails.
# Settings: OUTFLOW_BASE (tidy looks at files changed since that commit), TIDY_SECONDS (what
# is not reached is counted as skipped), FUZZ_SECONDS for each target, CI_SECONDS (no new fuzz target
# or tidy file is begun after that). The stages tidy-all and fuzz run on demand.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 2
root=$PWD
logs=$root/build/logs
passed=0 failed=0 skipped=0
jobs=$(nproc)
ci_seconds=${CI_SECONDS:-3000}
export CCACHE_BASEDIR=${CCACHE_BASEDIR:-$root} CCACHE_NOHASHDIR=1
if [ "$(id -u)" = 0 ] || [ -n "${CI:-}" ]; then export OUTFLOW_REQUIRE_PRIVILEGED=${OUTFLOW_REQUIRE_PRIVILEGED:-1}; fi
if [ -n "${CI:-}" ]; then export OUTFLOW_REQUIRE_KUBE=${OUTFLOW_REQUIRE_KUBE:-1}; fi

say() { printf '[%4d s] %s\n' "$SECONDS" "$*"; }

# step NAME COMMAND...: one check; its output only when it fails.
step() {
  local name=$1 log=$logs/${1//[^a-zA-Z0-9.-]/_}.log
  shift
  if "$@" >"$log" 2>&1 </dev/null; then
    passed=$((passed + 1))
    say "ok      $name"
  else
    failed=$((failed + 1))
    # A compiler's first error says more than its last line.
    { grep -m 20 -E '(error|Error|ERROR)[: ]|^FAILED: ' "$log" || tail -n 40 "$log"; } | cut -c1-300
    say "FAILED  $name (all of it: $log)"
    return 1
  fi
}

# Our own files whose names end so: sources and not what a build made of them.
ours() { find . \( -path './build*' -o -path ./.git \) -prune -o -type f \( "$@" \) -print | sort; }

# Kernel C has a style of its own, wherever it is.
check_format() {
  ours -name '*.h' -o -name '*.cc' -o -name '*.c' | grep -v '\.bpf\.[ch]$' | xargs clang-format-14 --dry-run -Werror &&
    ours -name '*.bpf.[ch]' | xargs clang-format-14 --style=file:bpf/.clang-format --dry-run -Werror
}
check_shell() { { ours -name '*.sh' && echo .ci/run; } | xargs shellcheck -x; }
check_yaml() {
  local rules='{extends: default, rules: {line-length: {max: 120}, document-start: disable}}'
  ours -name '*.yaml' -o -name '*.yml' | grep -vE '^./(tests|deploy/helm/[a-z]+/templates)/' | xargs -r yamllint -s -d "$rules"
}
check_python() { ours -name '*.py' | xargs -r -n 1 python3 -c 'import ast, sys; ast.parse(open(sys.argv[1]).read(), sys.argv[1])'; }

shape() {
  step 'shape: clang-format' check_format
  step 'shape: includes follow the rooms' tests/layering.sh
  step 'shape: shellcheck' check_shell
  step 'shape: yamllint' check_yaml
  step 'shape: python parses' check_python
}

# build PRESET [TARGET...]
build() {
  local preset=$1
  shift
  step "configure $preset" cmake --preset "$preset" &&
    step "build $preset${1:+: $#} ${1:+targets}" ninja -C "build/$preset" -j "$jobs" "$@"
}

# count_junit FILE: "passed failed skipped". A test that could not be started is a failure: only a test
# that said so itself (exit 77) was skipped.
count_junit() {
  python3 - "$1" <<'PYTHON'
import sys
import xml.etree.ElementTree as tree
count = {"passed": 0, "failed": 0, "skipped": 0}
for case in tree.parse(sys.argv[1]).getroot().iter("testcase"):
    said = case.find("skipped")
    if case.get("status") == "run":
        count["passed"] += 1
    elif said is not None and "SKIP_" in said.get("message", ""):
        count["skipped"] += 1
    else:
        count["failed"] += 1
print(*count.values())
PYTHON
}

# run_tests PRESET [LABELS [EXCEPT]]: ctest of a build, of the labels that match the expression.
run_tests() {
  local preset=$1 labels=${2:-.} except=${3:-^$} xml=$logs/$1.xml log=$logs/ctest-$1.log status=0 counts
  rm -f "$xml"
  say "testing build/$preset${2:+, tiers $2}"
  ctest --test-dir "build/$preset" -L "$labels" -E "$except" -j "$jobs" --output-on-failure --no-tests=error \
    --output-junit "$xml" >"$log" 2>&1 </dev/null || status=$?
  grep -vE '^ +Start +[0-9]+:|^ *[0-9]+/[0-9]+ Test .* Passed|^$' "$log" | tail -n 400
  counts=$(count_junit "$xml" 2>/dev/null) || counts='0 1 0'
  read -r -a counts <<<"$counts"
  [ "$status" = 0 ] || [ "${counts[1]}" != 0 ] || counts[1]=1
  passed=$((passed + counts[0])) failed=$((failed + counts[1])) skipped=$((skipped + counts[2]))
  say "build/$preset: ${counts[0]} passed, ${counts[1]} failed, ${counts[2]} skipped ($log)"
}

build_and_test() {
  built_dev || return
  await_servers
  run_tests dev "$@"
}

# The servers of the kube tier are built beside the C++: nicely, as nobody waits for them yet.
servers_pid=
begin_servers() {
  : >"$logs/kube-servers.log"
  # A group of its own, so that its compilers end with it when this run is ended early.
  nice setsid tests/kube/get-servers.sh >"$logs/kube-servers.log" 2>&1 </dev/null &
  servers_pid=$!
  trap end_servers EXIT
}
end_servers() { [ -z "$servers_pid" ] || kill -TERM -- "-$servers_pid" 2>/dev/null || true; }

# Says what is being built each time that is something else. Whether they are needed the tests know.
await_servers() {
  local line said=''
  [ -n "$servers_pid" ] || return 0
  while kill -0 "$servers_pid" 2>/dev/null; do
    line=$(tail -n 1 "$logs/kube-servers.log")
    [ "${line:-$said}" = "$said" ] || say "waiting: $line"
    said=$line
    sleep 1
  done
  wait "$servers_pid" || say "no servers for the kube tier: $(tail -n 1 "$logs/kube-servers.log") ($logs/kube-servers.log)"
  servers_pid=
}

# Once a run, however many stages need it.
dev_state=
built_dev() {
  if [ -z "$dev_state" ]; then
    dev_state=bad
    if build dev; then dev_state=good; fi
  fi
  [ $dev_state = good ]
}

# The rooms that read strangers' text or write policy; the door of every fuzz target is gone through in the dev
# build, and `tests/run.sh fuzz` goes through it for longer, with sanitizers.
asan() {
  local targets=(analysis_test calico_log_test export_test golden_test synthesis_test)
  say "sanitizers: only ${targets[*]}"
  build asan "${targets[@]}" || return
  ASAN_OPTIONS=${ASAN_OPTIONS:-detect_stack_use_after_return=1} UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1} \
    run_tests asan '^(unit|golden)$' '^(fuzz\.|bench_|deploy\.)'
}

# The programs' C++ files to look at, those changed last first; tests only in tidy-all. Without a base
# given: since the fork from origin/main, else the last 20 commits, as far as this clone's history goes.
changed_sources() {
  local base=${OUTFLOW_BASE:-} fork
  if ! git rev-parse --verify -q HEAD >/dev/null 2>&1; then
    echo "no git history here: looking at all files" >&2
    all_sources
    return
  fi
  if [ -z "$base" ]; then
    fork=$(git merge-base HEAD origin/main 2>/dev/null) || fork=
    if [ -n "$fork" ] && [ "$fork" != "$(git rev-parse HEAD)" ]; then base=$fork; fi
  fi
  [ -n "$base" ] || base=$(git rev-list --first-parent -n 20 HEAD | tail -n 1)
  echo "files changed since $(git log -1 --format='%h (%s)' "$base")" >&2
  {
    git status --porcelain --untracked-files=all | sed 's/^...//'
    git log --format= --name-only "$base..HEAD"
  } | awk '/\.cc$/ && !/^tests\// && !seen[$0]++' | while read -r file; do [ -f "$file" ] && echo "$file"; done
}
all_sources() { ours -name '*.cc' | sed 's,^\./,,'; }

tidy_one() {
  local file=$1
  # The base flags are gcc's; what clang does not know of them is not the file's fault.
  if clang-tidy-14 -p build/dev --quiet --warnings-as-errors='*' --extra-arg=-Wno-unknown-warning-option "$file" \
    >"$logs/tidy/${file//\//_}.log" 2>&1 </dev/null; then echo "ok $file"; else echo "FAILED $file"; fi
}

# tidy LIST_FUNCTION SECONDS: the files begun within SECONDS; the rest is named and counted as skipped.
tidy() {
  local deadline=$((SECONDS + $2)) files ready=() file verdict left=0 good=0
  built_dev || return
  mkdir -p "$logs/tidy"
  mapfile -t files < <("$1")
  for file in "${files[@]}"; do
    # Files that no target compiles (fuzz targets of another compiler, say) have no flags to go by.
    if grep -qF "\"$root/$file\"" build/dev/compile_commands.json; then ready+=("$file"); fi
  done
  say "clang-tidy: ${#ready[@]} files, at most $2 s"
  export -f tidy_one
  export logs
  while read -r verdict file; do
    case $verdict in
      ok) good=$((good + 1)) passed=$((passed + 1)) ;;
      FAILED)
        failed=$((failed + 1))
        grep -E 'warning:|error:' "$logs/tidy/${file//\//_}.log" | head -n 20
        say "FAILED  clang-tidy $file" ;;
      skipped) left=$((left + 1)) skipped=$((skipped + 1)) && echo "not reached in time: $file" ;;
    esac
  done < <(
    # shellcheck disable=SC2016  # $ is for the inner shell; SECONDS is handed over as a clock time
    printf '%s\n' "${ready[@]}" | grep . | xargs -r -P "$jobs" -I{} bash -c \
      'if [ "$(date +%s)" -lt "$1" ]; then tidy_one "$2"; else echo "skipped $2"; fi' - $(($(date +%s) + deadline - SECONDS)) {}
  )
  say "clang-tidy: $good of ${#ready[@]} files clean, $left not reached"
}

# What remains until CI_SECONDS, but not more than asked for.
within() {
  local left=$((ci_seconds - SECONDS))
  [ $left -gt 0 ] || left=0
  if [ "$1" -lt $left ]; then echo "$1"; else echo $left; fi
}

fuzz() {
  local each=${FUZZ_SECONDS:-20} targets target left=0
  mapfile -t targets < <(find tests -name CMakeLists.txt -exec grep -hoE '^ *outflow_fuzz\([a-z0-9_]+' {} + | sed 's/.*(//' | sort -u)
  [ ${#targets[@]} -gt 0 ] || { say 'no fuzz targets'; return; }
  build clang "${targets[@]}" || return
  for target in "${targets[@]}"; do
    if [ $SECONDS -ge "$ci_seconds" ]; then
      left=$((left + 1)) skipped=$((skipped + 1))
      continue
    fi
    mkdir -p "$logs/fuzz/$target"
    # New inputs go to the first folder; the corpus in the tree is only read.
    step "fuzz $target, $each s" "build/clang/bin/$target" -max_total_time="$each" -timeout=10 -rss_limit_mb=2048 \
      -verbosity=0 -print_final_stats=1 -artifact_prefix="$logs/fuzz/$target-" "$logs/fuzz/$target" "tests/fuzz/corpus/$target"
  done
  [ $left = 0 ] || say "fuzz: no time left for $left targets"
}

main() {
  local stages=() tiers=() with_asan=1 with_install=1 ci=0 word
  for word in "$@"; do
    case $word in
      --no-asan) with_asan=0 ;;
      --no-install) with_install=0 ;;
      --ci) ci=1 ;;
      shape | build | test | asan | tidy | tidy-all | fuzz) stages+=("$word") ;;
      unit | golden | grpc | bpf | netns | e2e | kube) tiers+=("$word") ;;
      -h | --help) sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$root/tests/run.sh"; exit 0 ;;
      *) echo "tests/run.sh: what is $word? --help lists what there is" >&2; exit 2 ;;
    esac
  done
  if [ ${#stages[@]} = 0 ] && [ ${#tiers[@]} = 0 ]; then
    stages=(shape build test)
    [ $ci = 0 ] || stages+=(tidy)
    [ $with_asan = 0 ] || stages+=(asan)
  fi
  mkdir -p "$logs"
  if [ $with_install = 1 ]; then step 'install packages' deploy/install-packages.sh deploy/packages tests/packages; fi
  if [[ " ${stages[*]} ${tiers[*]} " =~ \ (test|kube)\  ]]; then begin_servers; fi
  for word in "${stages[@]}"; do
    case $word in
      shape) shape ;;
      build) built_dev ;;
      test) build_and_test ;;
      asan) asan ;;
      tidy) tidy changed_sources "$(within "${TIDY_SECONDS:-480}")" ;;
      tidy-all) tidy all_sources "${TIDY_SECONDS:-7200}" ;;
      fuzz) fuzz ;;
    esac
  done
  if [ ${#tiers[@]} -gt 0 ]; then build_and_test "^($(IFS='|'; echo "${tiers[*]}"))\$"; fi
  say 'done'
  echo "$passed passed, $failed failed, $skipped skipped"
  [ $failed = 0 ]
}

main "$@"
