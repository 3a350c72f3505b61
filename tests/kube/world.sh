#!/usr/bin/env bash
# The made-up cluster of the end-to-end tests, as the file that they give to the aggregator, can be put into a real API
# server and read back from it as the same cluster.
# shellcheck source=tests/kube/case.sh
source "$(dirname "$0")/case.sh"

plane_up
needs 24 'kubectl replace --subresource' || skip 'kubectl is too old'
python3 "$kube_here/../e2e/cluster.py" inventory >"$PLANE_DIR/inventory.json"
plane_load "$PLANE_DIR/inventory.json"
kube get "$PLANE_KINDS" -A -o json >"$PLANE_DIR/live.json"
same 'the server has the same cluster as the file' '' "$(python3 "$kube_here/objects.py" missing "$PLANE_DIR/inventory.json" "$PLANE_DIR/live.json")"

kube -n shop label pod web-6b7c9d5f48-2xkqz app=other --overwrite >/dev/null
kube -n mail delete pod mailer-5d9c7f4b6d-lq2wn --grace-period 0 --force >/dev/null 2>&1
kube create namespace more >/dev/null
kube get "$PLANE_KINDS" -A -o json >"$PLANE_DIR/live.json"
same 'a difference would be seen' 'Pod/shop/web-6b7c9d5f48-2xkqz.metadata.labels.app is "other", not "web"
Pod/mail/mailer-5d9c7f4b6d-lq2wn is missing
Namespace//more is not in the list' "$(python3 "$kube_here/objects.py" missing "$PLANE_DIR/inventory.json" "$PLANE_DIR/live.json")"
