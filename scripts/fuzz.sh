#!/usr/bin/env bash
# Tries each property with random data for so many seconds, again and again with other seeds; memory is bounded.
set -euo pipefail
seconds=${1:?how many seconds each}
cases=20000
targets=(
    smpp:changed_frames
    smpp:changed_bodies
    smpp:changed_receipts
    campanile:parts_of_any_kind
    campanile:changed_configurations
)

cargo test --no-run --quiet --locked --package smpp --package campanile --lib --tests
said=$(mktemp)
trap 'rm -f "$said"' EXIT

# The API, asked for whatever its document allows and forbids (scripts/install-peers.sh has what asks).
CAMPANILE_FUZZ_SECONDS=$seconds cargo test --quiet --locked --package campanile-tests --test end_to_end -- whatever_is_asked >"$said" 2>&1 ||
    { cat "$said"; exit 1; }
echo "whatever_is_asked: $seconds s, no fault"

ulimit -v $((4 * 1024 * 1024))
for target in "${targets[@]}"; do
    package=${target%%:*} property=${target#*:} runs=0 end=$((SECONDS + seconds))
    while [ $SECONDS -lt $end ]; do
        PROPTEST_CASES=$cases cargo test --quiet --locked --package "$package" --lib --tests -- "$property" >"$said" 2>&1 ||
            { cat "$said"; exit 1; }
        runs=$((runs + 1))
    done
    echo "$property: $((runs * cases)) cases in $seconds s, no fault"
done
