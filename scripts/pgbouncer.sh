#!/bin/sh
# Has PgBouncer, which the tests put before the database; installed here where that can be done.
set -eu
PATH=$PATH:/usr/sbin
if ! command -v pgbouncer >/dev/null && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing pgbouncer" >&2
    apt-get -qq update && apt-get -qq install -y pgbouncer >/dev/null
fi
command -v pgbouncer >/dev/null || {
    echo "The tests need PgBouncer (Debian: apt-get install pgbouncer)" >&2
    exit 1
}
