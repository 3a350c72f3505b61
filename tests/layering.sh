#!/usr/bin/env bash
# Includes follow the line of rooms: data moves right, includes point left. One row a room: what its
# files may include of ours beside themselves. A new arrow is a change of this table, with its reason.
set -euo pipefail
cd "$(dirname "$0")/.."

# room | allowed (space separated path prefixes). Ingest sees access because a stream is admitted, and its
# batches judged, by who is at its other end; kube speaks TLS itself, so it shares what gives OpenSSL's things back;
# feeds reads JSON by the inventory's value that names its place.
# analysis includes a table made from the public suffix list when it is built.
# Apply is another process, which asks an aggregator as the CLI does: it sees the wire and no room of the pipeline.
table='
common            | common/
proto             | common/ proto/ outflow/v1/
agent             | common/ bpf/flow.h egress.skel.h proto/wire.h proto/endpoint.h proto/credentials.h proto/certificate.h proto/grpc_log.h proto/bearer.h agent/ outflow/v1/
aggregator/inventory   | common/ aggregator/inventory/
aggregator/kube        | common/ proto/openssl.h aggregator/inventory/ aggregator/kube/
aggregator/access      | common/ proto/ outflow/v1/ aggregator/access/
aggregator/attribution | common/ aggregator/inventory/ aggregator/attribution/
aggregator/names       | common/ aggregator/attribution/naming.h aggregator/names/
aggregator/feeds       | common/ aggregator/attribution/edge.h aggregator/inventory/json_value.h aggregator/feeds/
aggregator/store       | common/ aggregator/attribution/edge.h aggregator/attribution/naming.h aggregator/inventory/model.h aggregator/store/
aggregator/analysis    | common/ suffix_parents.inc aggregator/attribution/edge.h aggregator/attribution/naming.h aggregator/inventory/ aggregator/store/history.h aggregator/analysis/
aggregator/synthesis   | common/ aggregator/attribution/edge.h aggregator/attribution/naming.h aggregator/inventory/ aggregator/analysis/ aggregator/store/history.h aggregator/synthesis/
aggregator/export      | common/ aggregator/analysis/finding.h aggregator/synthesis/policy.h aggregator/export/
aggregator/ingest      | common/ proto/ outflow/v1/ aggregator/access/ aggregator/ingest/
aggregator/api         | common/ proto/ outflow/v1/ aggregator/
aggregator/apply       | common/ outflow/v1/ aggregator/apply/
aggregator/cli         | common/ proto/ outflow/v1/ aggregator/cli/
'
bad=0
while IFS='|' read -r room allowed; do
  room=${room// /}
  [ -n "$room" ] || continue
  while IFS=: read -r file line include; do
    ok=0
    for prefix in $allowed; do [[ $include == "$prefix"* ]] && ok=1; done
    if [ $ok = 0 ]; then
      echo "$file:$line: $room may not include \"$include\""
      bad=1
    fi
  done < <(grep -rnoE --include='*.h' --include='*.cc' '^#include "[^"]+"' "$room" |
    sed -E 's/#include "([^"]+)"/\1/')
done <<<"$table"
# Generated messages stop at the doors; the skeleton and every heavy header has one home.
only() {
  local header=$1 allowed=$2 hits
  hits=$(grep -rlE --include='*.h' --include='*.cc' "#include [<\"]$header" common proto agent aggregator | grep -vE "$allowed" || true)
  [ -z "$hits" ] || { echo "$header is included outside $allowed: $hits"; bad=1; }
}
only 'spdlog/' '^common/log\.cc$'
only 'httplib\.h' '^common/telemetry\.cc$'
only 'CLI/' '/(config|main|commands)[a-z_]*\.cc$'
only 'ldns/' '^agent/dns'
only 'libpsl\.h' '^aggregator/analysis/'
only 'rocksdb/' '^aggregator/store/'
only 'simdjson\.h' '^aggregator/(apply|inventory|ingest|kube|access|feeds)/'
only 'openssl/' '^(proto/(openssl\.h|certificate\.cc)|agent/said|aggregator/(access|feeds|inventory|ingest|kube)/)'
only 'curl/' '^aggregator/(kube|feeds)/'
only 'nghttp2/' '^aggregator/kube/h2_session\.cc$'
only 'yaml-cpp/' '^aggregator/(export|cli|feeds|kube)/'
only 'egress\.skel\.h' '^agent/probe\.'
exit $bad
