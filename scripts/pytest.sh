#!/bin/sh
# Run pytest with the given arguments, and run the tests that failed once more, alone: other work on
# the machine can delay a test past its limit. Only tests that fail twice fail the run. The last
# line counts those that passed on the second try and names the log of the first one.
# A test that hangs for ten minutes fails with the line at which it hangs.
set -u
cd "$(dirname "$0")/.."
# Compiled modules spare each process of a run, and each command that a test starts, a second.
unset PYTHONDONTWRITEBYTECODE
set -- -o faulthandler_timeout=600 -o faulthandler_exit_on_timeout=true "$@"
log=$(mktemp "${TMPDIR:-/tmp}/bulk-import-tests.XXXXXX")
color=auto
if [ -t 1 ]; then color=yes; fi

# Prints what pytest prints, keeps it in $log, and returns pytest's exit code.
logged() {
    { .venv/bin/pytest --color="$color" "$@"; echo "exit $?"; } | tee -a "$log" | sed -u '/^exit [0-9]*$/d'
    return "$(sed -n 's/^exit \([0-9]*\)$/\1/p' "$log" | tail -n 1)"
}

logged "$@"
code=$?
if [ $code != 1 ]; then
    rm "$log"
    exit $code
fi
first=$log
log=$first.second
echo "Running the failed tests once more, alone. Fix them even if they pass now (CONTRIBUTING.md)." >&2
logged "$@" -n 0 --exitfirst --last-failed --last-failed-no-failures=none
code=$?
passed=$(sed -n 's/.*[^0-9]\{0,1\}\b\([0-9]\{1,\}\) passed.*/\1/p' "$log" | tail -n 1)
rm "$log"
echo "${passed:-0} passed on the second try; the log of the first try is $first"
exit $code
