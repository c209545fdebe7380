#!/usr/bin/env bash
# Installs the browser that the tests look at pages with (Chromium, from the distribution's packages), once. A second run
# does nothing. Exit 0: it is there. Exit 1: it could not be installed.
set -euo pipefail

command -v chromium >/dev/null 2>&1 && exit 0

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

install() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -y --no-install-recommends chromium >&2
}

echo "install-browser: installing chromium" >&2
install || { as_root apt-get update >&2 && install; } || {
    echo "install-browser: chromium could not be installed; the tests of pages need a program of that name in the path" >&2
    exit 1
}
