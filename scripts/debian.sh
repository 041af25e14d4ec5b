#!/bin/sh
# Has a program; installed from Debian's packages where that can be done: scripts/debian.sh program package...
set -eu
PATH=$PATH:/usr/sbin
program=$1
shift
if ! command -v "$program" >/dev/null && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing $*" >&2
    apt-get -qq update && apt-get -qq install -y --no-install-recommends "$@" >/dev/null
fi
command -v "$program" >/dev/null || {
    echo "This needs $program (Debian: apt-get install $*)" >&2
    exit 1
}
