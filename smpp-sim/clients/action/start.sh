#!/usr/bin/env bash
# Starts smpp-sim in the background and returns when it is ready: what smpp-sim/action.yml runs, and good for any other CI.
# The program is what SMPP_SIM names, else smpp-sim from the path. SCENARIO, SEED, LISTEN, HTTP: as its options; empty: its defaults.
# Prints its line of JSON; writes smpp=, http= and pid= to GITHUB_OUTPUT if that is set. What it says goes to LOG (smpp-sim.log).
# Exit 0: it is ready. Exit 1: it is not there, has ended (its last words are shown), or is not ready within 10 seconds.
set -euo pipefail

program=${SMPP_SIM:-smpp-sim}
log=${LOG:-smpp-sim.log}
command -v "$program" >/dev/null || { echo "start.sh: $program is not there: install smpp-sim, or set SMPP_SIM to its path" >&2; exit 1; }

arguments=()
[ -z "${SCENARIO:-}" ] || arguments+=(--scenario "$SCENARIO")
[ -z "${SEED:-}" ] || arguments+=(--seed "$SEED")
[ -z "${LISTEN:-}" ] || arguments+=(--listen "$LISTEN")
[ -z "${HTTP:-}" ] || arguments+=(--http "$HTTP")

directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
mkfifo "$directory/ready"
"$program" "${arguments[@]}" </dev/null >"$directory/ready" 2>"$log" &
pid=$!

line=
read -r -t 10 line <"$directory/ready" || true
if ! [[ $line =~ \"smpp\":\"([^\"]+)\" ]]; then
    kill "$pid" 2>/dev/null || true
    echo "start.sh: $program is not ready:" >&2
    tail -n 20 "$log" >&2
    exit 1
fi
smpp=${BASH_REMATCH[1]}
[[ $line =~ \"http\":\"([^\"]+)\" ]]
http=${BASH_REMATCH[1]}
printf '%s\n' "$line"
if [ -n "${GITHUB_OUTPUT:-}" ]; then
    printf 'smpp=%s\nhttp=%s\npid=%s\n' "$smpp" "$http" "$pid" >>"$GITHUB_OUTPUT"
fi
