#!/usr/bin/env bash
# Plays the suites that depend on the store with each one of scripts/install-valkey.sh in place of the machine's redis-server: its
# folder stands first in PATH, from where engine and tests start `redis-server`. And those that depend on SQL with a PostgreSQL under every
# engine, in the place of SQLite (CAMPANILE_TEST_DATABASE), on the machine's redis-server. Writes tests/matrix.md, or with an argument
# (`stores`, `postgresql`) that half of it alone, and leaves the other half as it was.
# Exit 0: every test passed, and every suite said that it ran on what it was meant to. Exit 1: not all.
set -euo pipefail
cd "$(dirname "$0")/.."

# Where another store may act otherwise: a package or a file of its tests, and a word of the tests' names where it is not all of them. What asks nothing
# of the store that these do not ask is left out, and so is TLS, which these are built without.
SUITES=(
    # Each script in Lua by itself, what the guard reads in INFO and CONFIG, the life of an embedded server.
    "campanile"
    # All scripts together: leases, swaps, the journal, spans cut anew, idempotency keys, parked receipts, opt-outs.
    "campanile-tests::campaign"
    "campanile-tests::cancel"
    "campanile-tests::rerouted"
    "campanile-tests::posted"
    "campanile-tests::receipts"
    "campanile-tests::inbound"
    "campanile-tests::starved"
    # What a killed one knows again: its append-only file, whole, cut short, rewritten, kept and brought back.
    "campanile-tests::harness"
    "campanile-tests::kills"
    "campanile-tests::faults"
    "campanile-tests::older_state"
    # Several servers: a cluster and sentinels, one of them killed, a partition that moves; several engines.
    "campanile-tests::masters master"
    "campanile-tests::masters partition"
    "campanile-tests::masters replica"
    "campanile-tests::engines"
    "campanile-tests::deploy backup"
    "campanile-tests::deploy restart"
    # One that is away, stands still, is emptied, full, or set otherwise; AUTH; what check and doctor ask.
    "campanile-tests::stopping"
    "campanile-tests::guard"
    "campanile-tests::memory"
    "campanile-tests::doors password"
    "campanile-tests::commands check_connects"
)
# Where PostgreSQL may act otherwise than SQLite. Tests that choose their database themselves are in `make test`.
SQL_SUITES=(
    # What people are, how they are found, and what becomes of their files.
    "campanile-tests::people"
    "campanile-tests::imports"
    "campanile-tests::rights"
    # What was sent, told, followed, answered, and what it cost.
    "campanile-tests::history"
    "campanile-tests::statistics"
    "campanile-tests::statements"
    "campanile-tests::margins"
    "campanile-tests::webhooks"
    "campanile-tests::short_links"
    "campanile-tests::replies"
    "campanile-tests::conversations"
    # What is sent by itself, and what waits for somebody.
    "campanile-tests::automations"
    "campanile-tests::reminders"
    "campanile-tests::surveys"
    "campanile-tests::offers"
    "campanile-tests::codes"
    "campanile-tests::resellers"
    "campanile-tests::keys"
    # Killed, and several engines on one.
    "campanile-tests::kills"
    "campanile-tests::engines"
)
STORES=(valkey-9.1.2 valkey-8.1.8 redis-8.2.3)

stores=$PWD/.tools/stores
logs=${CARGO_TARGET_DIR:-target}/matrix
tests=(cargo nextest run --workspace --locked)

command -v cargo-nextest >/dev/null 2>&1 || { echo "matrix: cargo-nextest is needed: cargo install --locked cargo-nextest" >&2; exit 1; }
"${tests[@]}" --no-run
mkdir -p "$logs"

# As INFO has it: valkey-9.1.2 → Valkey 9.1.2.
named() {
    sed 's/^valkey-/Valkey /; s/^redis-/Redis /' <<<"$1"
}

# The tests of a package, or of a file of one.
of_suite() {
    local package=${1%%::*} file=${1#*::}
    if [ "$package" = "$file" ]; then echo "binary_id($package)"; else echo "package($package) and test(/^$file::/)"; fi
}

# Plays those tests on that store, into that log, and sets `passed`, `failed`, `seconds`, and `said`: the stores that they named.
play() {
    local store=$1 filter=$2 log=$3 summary run
    PATH=${store:+$stores/$store:}$PATH "${tests[@]}" --no-fail-fast --color never --success-output immediate -E "$filter" >"$log" 2>&1 || true
    summary=$(grep '^ *Summary ' "$log" || true)
    passed=$(sed -n 's/.* \([0-9]*\) passed.*/\1/p' <<<"$summary")
    run=$(sed -n 's/.* \([0-9]*\) tests* run.*/\1/p' <<<"$summary")
    seconds=$(sed -n 's/.*\[ *\([0-9]*\)\..*/\1/p' <<<"$summary")
    passed=${passed:-0} seconds=${seconds:-0} failed=$((${run:-0} - ${passed:-0}))
    said=$(sed -n 's/^ *store: //p' "$log" | sort -u | paste -sd ' ')
}

held=0

stores_table() {
    local rows=() all_passed=() all_seconds=() suite index
    for suite in "${SUITES[@]}"; do
        local program part row="| $suite |"
        read -r program part <<<"$suite"
        for index in "${!STORES[@]}"; do
            local store=${STORES[$index]} cell
            local log="$logs/$store-${suite//[^a-z_]/-}.log"
            play "$store" "$(of_suite "$program")${part:+ and test($part)}" "$log"
            cell="$passed in $seconds s"
            if [ "$failed" != 0 ] || [ "$passed" = 0 ]; then cell="$cell, **$failed failed**" held=1; fi
            if [ "$said" != "$(named "$store")" ]; then cell="$cell, **on ${said:-no store}**" held=1; fi
            row="$row $cell |"
            all_passed[index]=$((${all_passed[index]:-0} + passed)) all_seconds[index]=$((${all_seconds[index]:-0} + seconds))
            echo "$suite on ${said:-no store}: $cell ($log)" >&2
        done
        rows+=("$row")
    done
    taken "the suites that depend on the store, on others than the distribution's redis-server" \
        "Which store it was is what its \`INFO\` said to the tests."
    printf '| suite |'; for store in "${STORES[@]}"; do printf ' %s |' "$(named "$store")"; done; echo
    printf '|---|'; for _ in "${STORES[@]}"; do printf '%s' '---|'; done; echo
    printf '%s\n' "${rows[@]}"
    printf '| all |'; for index in "${!STORES[@]}"; do printf ' %s in %s s |' "${all_passed[$index]}" "${all_seconds[$index]}"; done; echo
}

postgresql_table() {
    local rows=() all_passed=0 all_seconds=0 suite on
    for suite in "${SQL_SUITES[@]}"; do
        local log="$logs/postgresql-${suite//[^a-z_]/-}.log" cell
        CAMPANILE_TEST_DATABASE=postgresql play "" "$(of_suite "$suite")" "$log"
        on=$(grep -c '^ *database: PostgreSQL' "$log" || true)
        cell="$passed in $seconds s"
        if [ "$failed" != 0 ] || [ "$passed" = 0 ]; then cell="$cell, **$failed failed**" held=1; fi
        if [ "$on" = 0 ]; then cell="$cell, **not on PostgreSQL**" held=1; fi
        rows+=("| $suite | $cell |")
        all_passed=$((all_passed + passed)) all_seconds=$((all_seconds + seconds))
        echo "$suite on PostgreSQL: $cell ($log)" >&2
    done
    taken "the suites that depend on SQL, with PostgreSQL in the place of SQLite" \
        "$("$(ls -d /usr/lib/postgresql/*/bin | tail -n 1)/postgres" --version)."
    printf '| suite | PostgreSQL |\n|---|---|\n'
    printf '%s\n' "${rows[@]}"
    printf '| all | %s in %s s |\n' "$all_passed" "$all_seconds"
}

commit=$(git rev-parse --short HEAD)
git diff --quiet HEAD -- . ':!tests/matrix.md' || commit="$commit and what is not committed"
taken() {
    printf 'On a machine of %s cores, commit %s: %s.\nTests that passed, and seconds. %s\n\n' \
        "$(getconf _NPROCESSORS_ONLN)" "$commit" "$1" "$2"
}

# A half of the page as it is.
known() { sed -n "/^## $1\$/,/^## /p" tests/matrix.md | sed '1d;/^## /d'; }

half=${1:-all}
stores_half=$(known "Stores") sql_half=$(known "PostgreSQL")
# In this shell, so that `held` is known afterwards.
if [ "$half" != postgresql ]; then stores_table >"$logs/stores.md"; stores_half=$(printf '\n%s' "$(cat "$logs/stores.md")"); fi
if [ "$half" != stores ]; then postgresql_table >"$logs/postgresql.md"; sql_half=$(printf '\n%s' "$(cat "$logs/postgresql.md")"); fi
printf '# Other stores, another database: last figures\n\n`make matrix`, or a half of it: `scripts/matrix.sh stores`, `scripts/matrix.sh postgresql`.\n\n## Stores\n%s\n\n## PostgreSQL\n%s\n' \
    "$stores_half" "$sql_half" >"$logs/matrix.md"
mv "$logs/matrix.md" tests/matrix.md
exit $held
