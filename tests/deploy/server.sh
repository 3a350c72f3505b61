#!/usr/bin/env bash
# dry_run.sh and in_cluster.sh on a real API server of the test's own.
# shellcheck source=tests/deploy/case.sh
source "$(dirname "$0")/case.sh"
plane=$root/tests/kube/control_plane.sh
[ -x "$plane" ] || skip KUBE "$plane is not there"
need_tools helm kubectl kube-apiserver etcd
for script in dry_run in_cluster; do
  echo "== $script.sh"
  # shellcheck disable=SC2016  # KUBECONFIG is the one it makes
  "$plane" run bash -c '"$0" "$KUBECONFIG"' "$root/tests/deploy/$script.sh" || failed=$((failed + 1))
done
finish
