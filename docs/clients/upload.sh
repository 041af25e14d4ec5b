#!/bin/sh
# Upload a file with curl: upload.sh ADDRESS CLIENT FILE [NOTES]; set BULK_IMPORT_TOKEN. Needs jq.
set -eu
if [ $# -lt 3 ] || [ -z "${BULK_IMPORT_TOKEN-}" ]; then
    echo "usage: upload.sh ADDRESS CLIENT FILE [NOTES], with the token in BULK_IMPORT_TOKEN" >&2
    exit 2
fi
url=$1/api/v2/clients/$2/projects/bulk
file=$3
notes=${4-}
key=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
answer=$(mktemp)
trap 'rm -f "$answer"' EXIT

[ -r "$file" ] || {
    echo "$file cannot be read" >&2
    exit 2
}

# Prints the status and Retry-After. The token comes from stdin, so that no list of processes
# shows it. --form-string sends notes unchanged, even if they begin with @.
send() {
    printf 'Authorization: Bearer %s\n' "$BULK_IMPORT_TOKEN" |
        curl -sS -o "$answer" -w '%{http_code} %header{retry-after}' \
            -H @- -H 'Accept: application/json' -H "Idempotency-Key: $key" \
            --form-string "notes=$notes" -F "file=@\"$file\"" "$url"
}

# Prints the outcome of each project; returns 0 if all were imported, 1 if some failed.
report() {
    jq -r '
        ((.details | objects | .successes[]) | "\(.outcome) \(.external_id) \(.name)"),
        ((.errors // .details.errors)[] |
            "failed \(.external_id // .file // "-"), line \(.line): \(.error), \(.message)"),
        .message' "$answer"
    jq -e '(.errors // .details.errors) == []' "$answer" >/dev/null
}

wait=0
for pause in 1 2 4 8 16 32; do
    sleep "$wait"
    result=$(send) || result='lost '
    case $result in
    'lost ' | 408* | 429* | 50[234]* | *' '[0-9]*) ;;
    *)
        if jq -e '.complete == true or has("errors")' "$answer" >/dev/null 2>&1; then
            report
            exit
        elif [ "$result" != '207 ' ]; then
            echo "refused with ${result% }: $(cat "$answer")" >&2
            exit 2
        fi
        result='207, but cut '
        ;;
    esac
    after=${result##* }
    echo "${result% *}" >&2
    wait=${after:-$pause}
done
exit 2
