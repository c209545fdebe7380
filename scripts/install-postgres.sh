#!/usr/bin/env bash
# Makes sure that PostgreSQL's server is there: does nothing when it is, else installs it with the machine's package manager. It is
# not started: the tests start their own.
# Exit 0: it can be started. Exit 1: it could not be installed, and one line says what to do.
set -euo pipefail

there() {
    command -v initdb >/dev/null 2>&1 || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null
}

there && exit 0

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"
    elif command -v sudo >/dev/null 2>&1; then sudo "$@"
    else echo "install-postgres: this needs root: $*" >&2; return 1
    fi
}

# The package would start a service of its own on the usual port.
apt_install() {
    as_root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y --no-install-recommends postgresql >/dev/null 2>&1
}

install_postgres() {
    if command -v apt-get >/dev/null 2>&1; then
        apt_install && return
        as_root apt-get update >/dev/null && apt_install
    elif command -v dnf >/dev/null 2>&1; then as_root dnf install -y postgresql-server >/dev/null
    elif command -v pacman >/dev/null 2>&1; then as_root pacman -Sy --noconfirm postgresql >/dev/null
    elif command -v apk >/dev/null 2>&1; then as_root apk add postgresql >/dev/null
    elif command -v brew >/dev/null 2>&1; then brew install postgresql >/dev/null
    else return 1
    fi
}

echo "install-postgres: PostgreSQL is missing, installing it" >&2
if ! install_postgres || ! there; then
    echo "install-postgres: PostgreSQL (15 or later) could not be installed here: please install it, then try again" >&2
    exit 1
fi
