#!/bin/sh
# Make sure that a program, or a file of a library, exists, and as root on Debian install its packages:
# scripts/debian.sh program-or-file package...
set -eu
PATH=$PATH:/usr/sbin
wanted=$1
shift
has() {
    command -v "$wanted" >/dev/null || [ -f "$wanted" ]
}
if ! has && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing $*" >&2
    apt-get -qq update && apt-get -qq install -y --no-install-recommends "$@" >/dev/null
fi
has || {
    echo "This needs $wanted (Debian: apt-get install $*)" >&2
    exit 1
}
