#!/usr/bin/env bash
# Builds programs that need no library of the machine that they run on: build-static.sh FOLDER PROGRAM…, release builds.
#
# With musl where rustup or the distribution brought its target and a compiler for it (rustup target add x86_64-unknown-linux-musl,
# apt-get install musl-tools), else with glibc, linked in. Of glibc's names only files and DNS are asked then, as /etc/nsswitch.conf
# says; its other modules are not there.
# Exit 0: the programs are in FOLDER, and a line says which, how large, and with which of the two. Exit 1: see above it.
set -euo pipefail

folder=${1:?the folder for the programs}
shift
mkdir -p "$folder"
folder=$(realpath "$folder")
cd "$(dirname "$0")/.."

host=$(rustc --version --verbose | sed -n 's/^host: //p')
musl=${host%-gnu}-musl
if [ -d "$(rustc --print sysroot)/lib/rustlib/$musl" ] && command -v musl-gcc >/dev/null 2>&1; then
    target=$musl
else
    target=$host
    export RUSTFLAGS="${RUSTFLAGS:-} -C target-feature=+crt-static"
fi

packages=()
for program in "$@"; do packages+=(--package "$program"); done
# A target by name: without it, the flags would hold for procedural macros, too, which are no programs.
cargo build --release --locked --target "$target" "${packages[@]}"
for program in "$@"; do
    built=${CARGO_TARGET_DIR:-target}/$target/release/$program
    ! ldd "$built" 2>&1 | grep -q '=>' || { echo "build-static: $built needs shared libraries" >&2; exit 1; }
    install -m 0755 "$built" "$folder/$program"
    echo "build-static: $folder/$program, $(stat --format %s "$built") octets, $target"
done
