#!/bin/sh
# Build Citus for Debian's PostgreSQL 17 and install it there, unless it is installed: some two minutes, as
# root. CITUS_SOURCE names an archive of the source; by default it is downloaded. Citus is licensed under
# the AGPL; the tests use it, and nothing of it is part of this project.
set -eu
version=14.0.1
config=/usr/lib/postgresql/17/bin/pg_config
[ -e /usr/lib/postgresql/17/lib/citus.so ] && exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "This needs Citus for PostgreSQL 17 in /usr/lib/postgresql/17 (root on Debian installs it)" >&2
    exit 1
fi
echo "Installing Citus $version" >&2
work=$(mktemp -d)
# Debian's package would create and start a cluster.
quiet=/etc/postgresql-common/createcluster.d/bulk-import-tests.conf
trap 'rm -rf "$work" "$quiet"' EXIT
mkdir -p "${quiet%/*}"
echo "create_main_cluster = false" >"$quiet"
apt-get -qq update
apt-get -qq install -y --no-install-recommends postgresql-17 postgresql-server-dev-17 make gcc flex bison \
    libc6-dev liblz4-dev libzstd-dev libkrb5-dev libssl-dev curl ca-certificates xz-utils >/dev/null
source=${CITUS_SOURCE:-$(find ../shared/citus -name "citus-$version.tar.*" 2>/dev/null | head -n 1)}
if [ -z "$source" ]; then
    source=$work/citus.tar.gz
    curl -fsSL -o "$source" "https://github.com/citusdata/citus/archive/refs/tags/v$version.tar.gz"
fi
tar -xf "$source" -C "$work"
cd "$work/citus-$version"
{
    ./configure --quiet --without-libcurl PG_CONFIG=$config
    make -s -j"$(nproc)" all with_llvm=no
    make -s install with_llvm=no
} >"$work/log" 2>&1 || {
    tail -n 20 "$work/log" >&2
    exit 1
}
