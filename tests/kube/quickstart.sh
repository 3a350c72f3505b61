#!/usr/bin/env bash
# The quick start with a real API server runs to its end, says what it must say, and leaves nothing.
# shellcheck source=tests/kube/case.sh
source "$(dirname "$0")/case.sh"

# Its own world and its own control plane; nothing of ours is to be cleared up.
trap - EXIT INT TERM HUP PIPE
exec "$kube_here/../e2e/quickstart.sh" --kube
