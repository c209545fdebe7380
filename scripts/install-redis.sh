#!/usr/bin/env bash
# Makes sure that `redis-server` is there: does nothing when it is, else installs it with the machine's package manager.
# Exit 0: redis-server can be started. Exit 1: it could not be installed, and one line says what to do.
set -euo pipefail

command -v redis-server >/dev/null 2>&1 && exit 0

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"
    elif command -v sudo >/dev/null 2>&1; then sudo "$@"
    else echo "install-redis: this needs root: $*" >&2; return 1
    fi
}

install_redis() {
    if command -v apt-get >/dev/null 2>&1; then
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends redis-server >/dev/null 2>&1 && return
        as_root apt-get update >/dev/null && as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends redis-server >/dev/null
    elif command -v dnf >/dev/null 2>&1; then as_root dnf install -y redis >/dev/null
    elif command -v pacman >/dev/null 2>&1; then as_root pacman -Sy --noconfirm redis >/dev/null
    elif command -v apk >/dev/null 2>&1; then as_root apk add redis >/dev/null
    elif command -v brew >/dev/null 2>&1; then brew install redis >/dev/null
    else return 1
    fi
}

echo "install-redis: redis-server is missing, installing it" >&2
if ! install_redis || ! command -v redis-server >/dev/null 2>&1; then
    echo "install-redis: redis-server (7.0 or later) could not be installed here: please install it, then try again" >&2
    exit 1
fi
