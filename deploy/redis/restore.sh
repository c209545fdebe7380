#!/usr/bin/env bash
# Brings back what backup.sh kept: restore.sh ARCHIVE DATA_FOLDER. The folder is where a server that is not running yet will have its `dir`.
#
# Exit 0: a server that is started there, with redis.conf, has what the archive has. Exit 1: a line says why not, and nothing was changed.
set -euo pipefail

archive=${1:?the archive}
folder=${2:?the folder for the data of Redis}

fail() { echo "restore: $*" >&2; exit 1; }

[ -f "$archive" ] || fail "$archive is not there"
[ ! -e "$folder/appendonlydir" ] || fail "$folder has data already: it is not replaced"
(cd "$(dirname "$archive")" && sha256sum --check --quiet "$(basename "$archive").sha256") || fail "$archive is not what was kept"

mkdir -p "$folder"
tar -C "$folder" -xf "$archive"
# Whoever owns the folder runs the server.
[ "$(id -u)" != 0 ] || chown -R --reference="$folder" "$folder/appendonlydir"
echo "restore: $folder has what $archive has; start Redis there, then the engine"
