#!/bin/sh
# Create .venv with the locked dependencies: scripts/setup.sh [python]
set -eu
cd "$(dirname "$0")/.."
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore

# Python 3.11 to 3.14 with venv and pip. This refuses a shim without an interpreter, and Debian's
# python3 without python3-venv.
works() {
    "$1" -c 'import sys, ensurepip, venv; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' \
        >/dev/null 2>&1
}

# Show a step on the last line of a terminal.
show() {
    if [ -t 2 ]; then
        printf '\r\033[K%s' "$1" >&2
    fi
}

# Follow pip, and show how many packages it has; fail unless it ends with DONE.
follow_pip() {
    count=0
    line=
    while IFS= read -r line; do
        case $line in
            Collecting\ *)
                count=$((count + 1))
                name=${line#Collecting }
                show "Fetching package $count of $1: ${name%%[ =<>;[]*}"
                ;;
            Installing\ collected\ *) show "Installing $count packages" ;;
            DONE) break ;;
        esac
    done
    show ""
    [ "$line" = DONE ]
}

find_python() {
    for candidate in "$@" python3 python3.14 python3.13 python3.12 python3.11; do
        if works "$candidate"; then
            echo "$candidate"
            return
        fi
    done
    return 1
}

if ! python=$(find_python "$@"); then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "Installing python3-venv" >&2
        apt-get -qq update && apt-get -qq install -y python3-venv >/dev/null
    fi
    python=$(find_python "$@") || {
        echo "setup needs Python 3.11 to 3.14 with venv (Debian: apt-get install python3-venv)" >&2
        exit 1
    }
fi

echo "Setting up .venv with $("$python" --version), which takes some minutes" >&2
show "Creating .venv"
"$python" -m venv .venv
(.venv/bin/pip install --progress-bar off --require-hashes --requirement requirements.lock &&
    echo DONE) | follow_pip "$(grep -c '^[A-Za-z0-9].*==' requirements.lock)"
show "Compiling the engine"
.venv/bin/pip install --quiet --no-deps --no-build-isolation --editable .
show ""
touch .venv/ready
