#!/usr/bin/env bash
# Alerts and dashboard speak only of metrics and labels that exist. Needs no helm.
# shellcheck source=tests/deploy/case.sh
source "$(dirname "$0")/case.sh"
alerts=$chart/files/alerts.yaml dashboard=$chart/files/dashboard.json

known() { python3 "$root/tests/deploy/metrics.py" "$root" "$1" "$2"; }
check 'Every metric and label of alerts and dashboard exists in the programs.' known "$alerts" "$dashboard"

# changed FROM TO: the alerts with one word replaced.
changed() {
  sed "0,/$1/s//$2/" "$alerts" >"$work/alerts.yaml"
  ! cmp -s "$alerts" "$work/alerts.yaml" && known "$work/alerts.yaml" "$dashboard"
}
refuses 'A metric that does not exist is found.' 'OutflowHooksFailing: no metric is called outflow_hook_total' changed outflow_hooks_total outflow_hook_total
refuses 'A label value that does not exist is found.' 'outcome is never overflowwed' changed 'outcome="overflowed"' 'outcome="overflowwed"'
refuses 'A label that does not exist is found.' 'no label is called cause' changed 'by (node, reason)' 'by (node, cause)'

complete() {
  python3 - "$alerts" <<'PYTHON'
import sys, yaml
for group in yaml.safe_load(open(sys.argv[1]))["groups"]:
    for rule in group["rules"]:
        for needed in (rule["for"], rule["labels"]["severity"], rule["annotations"]["summary"], rule["annotations"]["description"]):
            assert needed, rule["alert"]
PYTHON
}
check 'Every alert says how bad it is, what it means and what to do.' complete
finish
