#!/usr/bin/env bash
# Makes the secrets that compose.yml and pair.yml mount, each once: what is there stays. They are in secrets/, which git does not keep.
set -euo pipefail
umask 077
cd "$(dirname "$0")"
mkdir -p secrets

for name in operator-key smsc-0 simulator-token grafana-password postgres texts; do
    [ -s "secrets/$name" ] && continue
    # An SMPP password has eight characters at most by the standard; the simulator takes any.
    characters=48
    [ $name != smsc-0 ] || characters=8
    # `head` ends first: what od then cannot write is no fault.
    case $name in
    # A key of 32 octets (encryption.key_file).
    texts) head -c 32 /dev/urandom | base64 >"secrets/$name" ;;
    *) (od -An -N 32 -tx1 /dev/urandom | tr -d ' \n' | head -c $characters) >"secrets/$name" ;;
    esac
    # Mounted file by file, for users of other numbers; the folder keeps everybody else out.
    chmod 0444 "secrets/$name"
    echo "secrets: made deploy/compose/secrets/$name"
done
