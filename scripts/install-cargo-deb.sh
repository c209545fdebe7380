#!/usr/bin/env bash
# Installs cargo-deb, which makes the Debian packages, in .tools: some minutes, once. A second run does nothing.
# Exit 0: it is there. Exit 1: it could not be installed.
set -euo pipefail
cd "$(dirname "$0")/.."

VERSION=3.8.0

PATH=$PWD/.tools/cargo/bin:$PATH command -v cargo-deb >/dev/null 2>&1 && exit 0
echo "install-cargo-deb: installing cargo-deb $VERSION" >&2
cargo install --quiet --locked --root .tools/cargo --version $VERSION cargo-deb
