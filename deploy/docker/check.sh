#!/usr/bin/env bash
# Checks what the images would be without building them: check.sh FOLDER_OF_PROGRAMS.
#
# Lays out both images with the script that the Dockerfile runs, looks at what is in them, and runs each program in its own layout
# alone: another root, user 65532, nothing writable. Where buildah is installed and may make an image here, it does that, too.
# Exit 0: all is well, and a line says what was checked and what not. Exit 1: a line says what is wrong. Needs root for chroot.
set -euo pipefail
cd "$(dirname "$0")"

programs=$(realpath "${1:?the folder of the programs campanile and smpp-sim}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() { echo "check: $*" >&2; exit 1; }

expect() {
    local image=$1 file=$2
    [ -s "$work/$image/$file" ] || fail "the image of $image lacks /$file"
}

# Only what the program and its user need: no shell, no package manager.
nothing_else() {
    local image=$1 found
    found=$(cd "$work/$image" && find . -type f ! -path ./usr/bin/"$image" ! -path ./etc/passwd ! -path ./etc/group \
        ! -path ./etc/ssl/certs/ca-certificates.crt ! -path '*.so*')
    [ -z "$found" ] || fail "the image of $image has what nobody needs: $found"
    found=$(find "$work/$image" -perm /6000 -o -perm /0022 ! -type l)
    [ -z "$found" ] || fail "the image of $image has files that others may change, or that change their user: $found"
}

runs_alone() {
    local image=$1 said
    if [ "$(id -u)" != 0 ]; then
        echo "check: not root: $image was not run in its layout"
        return
    fi
    said=$(chroot --userspec=65532:65532 "$work/$image" "/usr/bin/$image" --version) || fail "$image does not run in its layout"
    [[ $said == "$image "* ]] || fail "$image says $said of itself"
}

with_builder() {
    local image=$1
    if ! command -v buildah >/dev/null 2>&1; then
        echo "check: buildah is not installed: the image of $image was laid out and not made"
        return
    fi
    printf 'FROM scratch\nCOPY . /\nUSER 65532:65532\nENTRYPOINT ["/usr/bin/%s"]\n' "$image" >"$work/$image.Dockerfile"
    local store=(--root "$work/store" --runroot "$work/run" --storage-driver vfs)
    if buildah "${store[@]}" bud --isolation chroot --quiet --file "$work/$image.Dockerfile" --tag "$image" "$work/$image" >"$work/said" 2>&1; then
        echo "check: buildah made the image of $image from its layout"
    else
        echo "check: buildah cannot make images here ($(tail -n 1 "$work/said")): the image of $image was laid out and not made"
    fi
}

for image in campanile smpp-sim; do
    ./layout.sh "$programs/$image" "$work/$image"
    chmod 0755 "$work/$image"
    expect $image "usr/bin/$image"
    expect $image etc/passwd
    expect $image etc/ssl/certs/ca-certificates.crt
    nothing_else $image
    runs_alone $image
    with_builder $image
done
echo "check: the layouts of both images are as they should be; the Dockerfile itself needs a builder that may fetch its base"
