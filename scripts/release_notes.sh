#!/bin/sh
# Print what CHANGELOG.md, or another file, says of a version: scripts/release_notes.sh 1.2.3 [file]
# The notes of a pre-release, such as 1.2.3-rc.1, are those of what is not released yet.
set -eu
[ $# -gt 0 ] || {
    sed -n 2p "$0" >&2
    exit 2
}
file=${2:-$(dirname "$0")/../CHANGELOG.md}
case $1 in
    *-*) section=Unreleased ;;
    *) section=$1 ;;
esac
awk -v heading="## [$section]" '
    index($0, "## ") == 1 { found = index($0, heading) == 1; seen = seen || found; next }
    found { print }
    END { exit !seen }
' "$file" || {
    echo "$file has no heading ## [$section]" >&2
    exit 1
}
