#!/usr/bin/env bash
# Lays out all that an image of one program has: layout.sh PROGRAM FOLDER. The image is this folder and nothing else.
#
# A static program gets the certificates that TLS trusts and a user; one that is linked to shared libraries gets these, too.
# Exit 0: done, and one line says what there is. Exit 1: something is missing, and one line says what.
set -euo pipefail

program=${1:?the program to lay out}
root=${2:?the folder to lay it out in, empty or new}
# No user of a machine has this number; Kubernetes and compose files name it.
user=65532
certificates=${CERTIFICATES:-/etc/ssl/certs/ca-certificates.crt}

fail() { echo "layout: $*" >&2; exit 1; }

[ -x "$program" ] || fail "$program is no program"
[ -s "$certificates" ] || fail "$certificates is missing: install ca-certificates, or name another file in CERTIFICATES"
[ -z "$(ls -A "$root" 2>/dev/null)" ] || fail "$root is not empty"

install -D -m 0755 "$program" "$root/usr/bin/$(basename "$program")"
install -D -m 0644 "$certificates" "$root/etc/ssl/certs/ca-certificates.crt"
printf 'app:x:%s:%s::/:/nologin\n' $user $user >"$root/passwd.new"
install -D -m 0644 "$root/passwd.new" "$root/etc/passwd"
printf 'app:x:%s:\n' $user >"$root/passwd.new"
install -D -m 0644 "$root/passwd.new" "$root/etc/group"
rm "$root/passwd.new"
# Where it may write, on a volume that takes its owner from here.
install -d -m 0700 "$root/var/lib/$(basename "$program")"

# `ldd` says "not a dynamic executable" or "statically linked" of what needs nothing. Its lines: `NAME => PATH (…)`, `PATH (…)`.
linked=$(ldd "$program" 2>/dev/null || true)
! grep -q 'not found' <<<"$linked" || fail "a shared library is missing: $(grep 'not found' <<<"$linked" | tr -s '\t\n' ' ')"
count=0
while read -r library; do
    install -D -m 0755 "$library" "$root$library"
    count=$((count + 1))
done < <(grep -o '/[^ ]*' <<<"$linked" || true)

echo "layout: $(basename "$program"), $count shared libraries, $(du -sk "$root" | cut -f1) KiB in all, user $user"
