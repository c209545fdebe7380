#!/usr/bin/env bash
# Keeps what a stopped Redis has: backup.sh DATA_FOLDER ARCHIVE. The folder is the server's `dir`, the archive a tar file to be made.
#
# The engine is stopped first, then the server. A copy of a running server is an older state by the time that it is restored: what was
# sent since would be sent again.
# Exit 0: ARCHIVE and ARCHIVE.sha256 are there. Exit 1: a line says why not, and there is no archive.
set -euo pipefail

folder=${1:?the folder of the data of Redis}
archive=${2:?the archive to make}

fail() { echo "backup: $*" >&2; exit 1; }

logs=("$folder"/appendonlydir/*.manifest)
[ -f "${logs[0]}" ] || fail "$folder has no append-only file: is it the server's dir?"
[ ! -e "$archive" ] || fail "$archive is there already"
# A server keeps the part of its log that grows open.
for process in /proc/[0-9]*/fd; do
    ! find "$process" -lname "$(realpath "$folder")/appendonlydir/*" 2>/dev/null | grep -q . ||
        fail "process $(basename "$(dirname "$process")") still writes there: stop the engine, then Redis (redis-cli SHUTDOWN)"
done
! command -v redis-check-aof >/dev/null 2>&1 || redis-check-aof "${logs[0]}" >/dev/null || fail "the append-only file is damaged"

trap 'rm -f "$archive.part"' EXIT
tar -C "$folder" -cf "$archive.part" appendonlydir
mv "$archive.part" "$archive"
(cd "$(dirname "$archive")" && sha256sum "$(basename "$archive")" >"$(basename "$archive").sha256")
echo "backup: $archive, $(stat --format %s "$archive") octets"
