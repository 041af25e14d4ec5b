#!/bin/sh
# Whether the migrations can run while the service does: what they do, not how they are taken back.
set -eu
cd "$(dirname "$0")/.."
up=$(mktemp -d)
trap 'rm -r "$up"' EXIT
for file in sql/migrations/*.sql; do
    sed '/^-- migrate:down/,$d' "$file" >"$up/${file##*/}"
done
cd "$up"
squawk() {
    # dbmate has each in a transaction. Numbers here are bounded, and a plan's times are wall-clock.
    said=$("$OLDPWD/.venv/bin/squawk" --pg-version 15 --assume-in-transaction \
        --exclude prefer-bigint-over-int,prefer-timestamp-tz "$@" 2>&1) || {
        echo "$said"
        exit 1
    }
}
# Before the first release, when no installation had tables with rows to be locked out of.
squawk --exclude require-lock-timeout,require-statement-timeout,require-concurrent-index-creation \
    --exclude ban-drop-not-null "$up"/20261124*.sql
squawk --no-error-on-unmatched-pattern --exclude-path '*/20261124*.sql' "$up"/*.sql
