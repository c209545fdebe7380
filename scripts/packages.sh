#!/usr/bin/env bash
# Makes the Debian packages of engine, simulator and load tester in target/packages, with man pages and completions of the programs'
# own. cargo-deb is installed in .tools when it is missing: some minutes, once.
# packages.sh [--built FOLDER]: of programs that are built already, as FOLDER/release/PROGRAM, instead of release builds.
# Exit 0: a line for each package. Exit 1: something failed above.
set -euo pipefail
cd "$(dirname "$0")/.."

CARGO_DEB=3.8.0
packages=(campanile smpp-sim loadtest)
target=${CARGO_TARGET_DIR:-target}
if [ "${1:-}" = --built ]; then
    target=$(realpath "${2:?the folder that has release/}")
else
    cargo build --release --locked "${packages[@]/#/--package=}"
fi

export PATH=$PWD/.tools/cargo/bin:$PATH
if ! command -v cargo-deb >/dev/null 2>&1; then
    echo "packages: installing cargo-deb $CARGO_DEB" >&2
    cargo install --quiet --locked --root .tools/cargo --version $CARGO_DEB cargo-deb
fi

made=target/packages
rm -rf $made
for program in "${packages[@]}"; do
    mkdir -p $made/$program/completions
    "$target/release/$program" man $made/$program/man
    for shell in bash zsh fish; do
        "$target/release/$program" completions $shell >$made/$program/completions/$shell
    done
done
for package in "${packages[@]}"; do
    CARGO_TARGET_DIR=$target cargo deb --quiet --no-build --package "$package" --output $made/
done
for package in $made/*.deb; do
    echo "packages: $package, $(stat --format %s "$package") octets"
done
