#!/usr/bin/env bash
# Installs the packages listed in the given files (default: deploy/packages) where they are missing.
# Quick when nothing is: apt is not asked then. Needs root only when something is missing.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
[ $# -gt 0 ] || set -- "$here/packages"

mapfile -t wanted < <(sed -E 's/#.*//; s/[[:space:]]+//g; /^$/d' "$@")
missing=()
for package in "${wanted[@]}"; do
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
done
if [ ${#missing[@]} = 0 ]; then
  echo "packages: all ${#wanted[@]} installed"
  exit 0
fi
if [ "$(id -u)" != 0 ]; then
  echo "packages missing: ${missing[*]}; run this as root to install them" >&2
  exit 1
fi
echo "packages: installing ${#missing[@]} of ${#wanted[@]}: ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# Another apt may hold the lock for a while on a machine that has just started.
if ! { apt-get -o DPkg::Lock::Timeout=120 update &&
  apt-get -o DPkg::Lock::Timeout=120 install -y --no-install-recommends "${missing[@]}"; } >"$log" 2>&1 </dev/null; then
  tail -n 30 "$log" >&2
  echo "packages: apt-get failed; its last lines are above" >&2
  exit 1
fi
