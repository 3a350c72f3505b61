#!/bin/sh
# Installs the packages of a list in an image that is being built and leaves nothing but them there.
set -eu
export DEBIAN_FRONTEND=noninteractive
packages=$(sed 's/#.*//' "$1")
apt-get update
# shellcheck disable=SC2086  # a list of names
apt-get install -y --no-install-recommends $packages
apt-get clean
rm -rf /var/lib/apt/lists/* /var/cache/* /var/log/* /usr/share/man /tmp/packages "$0"
find /usr/share/doc -mindepth 2 -type f ! -name copyright ! -name LICENSE -delete
# Nobody becomes another user in here.
find / -xdev -type f -perm /6000 -exec chmod a-s {} +
