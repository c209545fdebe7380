#!/usr/bin/env bash
# Installs what the tests of deploy/ look at units with (systemd-analyze, from the distribution's package of systemd, which need not
# run), and where root can install packages what makes them (cargo-deb), once. A second run does nothing. kubectl and buildah are used where they are there: no distribution that we know has a
# kubectl that reads today's files.
# Exit 0: it is there. Exit 1: it could not be installed.
set -euo pipefail

if [ "$(id -u)" = 0 ] && command -v dpkg-deb >/dev/null 2>&1; then "$(dirname "$0")/install-cargo-deb.sh"; fi
command -v systemd-analyze >/dev/null 2>&1 && exit 0

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

install() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -y --no-install-recommends systemd >&2
}

echo "install-deploy-tools: installing systemd" >&2
install || { as_root apt-get update >&2 && install; } || {
    echo "install-deploy-tools: systemd could not be installed; the tests of its units need systemd-analyze" >&2
    exit 1
}
