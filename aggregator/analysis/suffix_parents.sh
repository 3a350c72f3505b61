#!/usr/bin/env bash
# From a public suffix list, every name some rule lies below: what is beneath such a name belongs to
# others in part. As C++ string literals, sorted by their bytes; rules that are no ASCII are left out,
# libpsl judges those names. Usage: suffix_parents.sh LIST >FILE
set -euo pipefail
export LC_ALL=C
awk '
  /^\/\// || /^[ \t]*$/ || /[^ -~]/ { next }
  {
    name = $1
    sub(/^!/, "", name)
    sub(/^\*\./, "", name) && seen[name]++
    while ((at = index(name, ".")) > 0) {
      name = substr(name, at + 1)
      seen[name]++
    }
  }
  END { for (name in seen) if (name ~ /^[a-z0-9._-]+$/) print "\"" name "\"," }' "$1" | sort -u
