#!/bin/sh
# pytest with the given arguments. What fails runs once more, alone, and only what fails again
# fails: a machine that others share can turn round what no test ties down. Both runs are told.
# A test that hangs for ten minutes fails, with what it stood at.
set -u
cd "$(dirname "$0")/.."
set -- -o faulthandler_timeout=600 -o faulthandler_exit_on_timeout=true "$@"
.venv/bin/pytest "$@"
code=$?
[ $code = 1 ] || exit $code
echo "Once more, alone, what failed. Mend it even if it passes now (CONTRIBUTING.md)." >&2
exec .venv/bin/pytest "$@" -n 0 --exitfirst --last-failed --last-failed-no-failures=none
