#!/usr/bin/env bash
# Makes the Debian packages of engine, simulator and load tester in target/packages, with man pages and completions of the programs'
# own.
# packages.sh [--built FOLDER]: of programs that are built already, as FOLDER/release/PROGRAM, instead of release builds; to be tried
# here and not to be carried elsewhere, so that they are packed in seconds.
# Exit 0: a line for each package. Exit 1: something failed above.
set -euo pipefail
cd "$(dirname "$0")/.."

packages=(campanile smpp-sim loadtest)
target=${CARGO_TARGET_DIR:-target}
packing=()
if [ "${1:-}" = --built ]; then
    target=$(realpath "${2:?the folder that has release/}")
    packing=(--no-strip --fast --compress-system)
else
    cargo build --release --locked "${packages[@]/#/--package=}"
fi

export PATH=$PWD/.tools/cargo/bin:$PATH
command -v cargo-deb >/dev/null 2>&1 || scripts/install-cargo-deb.sh

made=target/packages
rm -rf $made
if [ ${#packing[@]} != 0 ]; then
    # Most of what is built to be tried are its symbols.
    mkdir -p $made/built/release
    for program in "${packages[@]}"; do strip -o $made/built/release/"$program" "$target/release/$program"; done
    target=$PWD/$made/built
fi
for program in "${packages[@]}"; do
    mkdir -p $made/$program/completions
    "$target/release/$program" man $made/$program/man
    for shell in bash zsh fish; do
        "$target/release/$program" completions $shell >$made/$program/completions/$shell
    done
done
for package in "${packages[@]}"; do
    CARGO_TARGET_DIR=$target cargo deb --quiet --no-build "${packing[@]}" --package "$package" --output $made/
done
for package in $made/*.deb; do
    echo "packages: $package, $(stat --format %s "$package") octets"
done
