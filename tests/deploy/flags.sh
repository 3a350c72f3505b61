#!/usr/bin/env bash
# The daemons know every flag the manifests start them with.
# shellcheck source=tests/deploy/case.sh
source "$(dirname "$0")/case.sh"
need_tools helm
bin=${PROGRAMS_BIN:-$root/build/dev/bin}
for program in outflow-agent outflow-aggregator; do [ -x "$bin/$program" ] || skip KUBE "$bin/$program was not built"; done

helm template outflow "$chart" --kube-version 1.34.0 --set agent.socketTable=true --set redactExternal=true --set feeds.enabled=true \
  --set aggregator.select='tier in (a\,b)' --set setsWriter.enabled=true --set setsWriter.create=true \
  --set 'setsWriter.namespaces={shop}' --set 'setsWriter.allowPrivate={10.20.0.0/16}' >"$work/manifests"
while read -r program flag; do
  # --help prints a flag at the beginning of its line, and what it takes after it. A subcommand leaves what it does not
  # know to its program.
  known() {
    local name=${program%%/*} help
    help=$("$bin/$name" --help)
    [ "$program" = "$name" ] || help+=$'\n'$("$bin/$name" "${program#*/}" --help)
    grep -E -- "^ +(-[a-z],)?$flag( |,|\$)" <<<"$help" >/dev/null
  }
  check "$program knows $flag." known
done < <(python3 "$root/tests/deploy/manifests.py" flags "$work/manifests")
finish
