#!/usr/bin/env bash
# Makes sure that `prometheus`, `promtool`, `prometheus-alertmanager` and `amtool` are there: does nothing when they are, else
# installs them with the machine's package manager. They are not started: the tests start their own.
# Exit 0: they can be started. Exit 1: they could not be installed, and one line says what to do.
set -euo pipefail

there() {
    command -v prometheus >/dev/null 2>&1 && command -v promtool >/dev/null 2>&1 && command -v amtool >/dev/null 2>&1 &&
        { command -v prometheus-alertmanager >/dev/null 2>&1 || command -v alertmanager >/dev/null 2>&1; }
}

there && exit 0

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"
    elif command -v sudo >/dev/null 2>&1; then sudo "$@"
    else echo "install-prometheus: this needs root: $*" >&2; return 1
    fi
}

# The packages would start services of their own on the usual ports.
apt_install() {
    as_root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y --no-install-recommends prometheus prometheus-alertmanager >/dev/null 2>&1
}

install_prometheus() {
    if command -v apt-get >/dev/null 2>&1; then
        apt_install && return
        as_root apt-get update >/dev/null && apt_install
    elif command -v pacman >/dev/null 2>&1; then as_root pacman -Sy --noconfirm prometheus alertmanager >/dev/null
    elif command -v apk >/dev/null 2>&1; then as_root apk add prometheus alertmanager >/dev/null
    elif command -v brew >/dev/null 2>&1; then brew install prometheus alertmanager >/dev/null
    else return 1
    fi
}

echo "install-prometheus: prometheus and alertmanager are missing, installing them" >&2
if ! install_prometheus || ! there; then
    echo "install-prometheus: prometheus and alertmanager could not be installed here: please install them, then try again" >&2
    exit 1
fi
