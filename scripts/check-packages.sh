#!/usr/bin/env bash
# Installs the packages in target/packages on this machine, looks at what is there then, runs the engine by hand as its unit would,
# removes the packages and purges them. Needs root and dpkg; refuses a machine that has one of them installed.
# Exit 0: a line says what was seen. Exit 1: a line says what is wrong; the packages are purged either way.
set -euo pipefail
cd "$(dirname "$0")/.."

packages=(campanile smpp-sim campanile-loadtest)
work=$(mktemp -d)
started=()

fail() { echo "check-packages: $*" >&2; exit 1; }

[ "$(id -u)" = 0 ] || fail "this needs root: it installs packages"
command -v dpkg >/dev/null 2>&1 || fail "dpkg is not installed here"
for package in "${packages[@]}"; do
    ! dpkg-query --show "$package" >/dev/null 2>&1 || fail "$package is installed here: nothing is tried on a machine that uses it"
done

clean() {
    for process in "${started[@]}"; do kill "$process" 2>/dev/null || true; done
    dpkg --purge "${packages[@]}" >/dev/null 2>&1 || true
    rm -rf "$work"
}
trap clean EXIT

# The services are nobody's to start while packages are tried.
dpkg --install target/packages/*.deb >"$work/install" 2>&1 || { cat "$work/install" >&2; fail "dpkg --install failed"; }

folder=/etc/campanile/credentials
[ "$(stat --format %a $folder)" = 700 ] || fail "$folder is open to others"
[ "$(wc -c <$folder/operator-key)" = 64 ] || fail "no operator key was made"
[ "$(stat --format %a $folder/operator-key)" = 600 ] || fail "the operator key is open to others"
campanile check --config /etc/campanile/campanile.toml >/dev/null || fail "the configuration to begin with has faults"
for unit in campanile smpp-sim; do
    file=$(dpkg --listfiles $unit | grep "/$unit.service\$") || fail "the package $unit has no unit"
    ! command -v systemd-analyze >/dev/null 2>&1 || systemd-analyze verify --man=no --recursive-errors=no "$file" || fail "systemd does not take $file"
done
for page in smpp-sim loadtest; do
    [ -s /usr/share/man/man1/$page.1.gz ] || fail "no man page of $page"
    [ -s /usr/share/bash-completion/completions/$page ] || fail "no completions of $page"
done
loadtest --version >/dev/null || fail "the load tester does not run"

# By hand: a Redis of its own, free ports, everything else as installed.
smpp-sim --quiet --listen 127.0.0.1:0 --http 127.0.0.1:0 >"$work/sim" &
started+=($!)
first_line() {
    local file=$1
    for _ in $(seq 300); do
        [ ! -s "$file" ] || { head -n 1 "$file"; return; }
        sleep 0.1
    done
    fail "$2 is not ready after 30 s"
}
smpp=$(first_line "$work/sim" smpp-sim | sed 's/.*"smpp":"\([^"]*\)".*/\1/')
(umask 077 && printf 'secret\n' >$folder/smsc-0)
sed '/^url = /d' /etc/campanile/campanile.toml >"$work/campanile.toml"
export CAMPANILE__SMSC__0__ADDRESS=$smpp CAMPANILE__API__LISTEN=127.0.0.1:0 CAMPANILE__ADMIN__LISTEN=127.0.0.1:0 \
    CAMPANILE__REDIS__DATA_DIR=$work/data
campanile serve --config "$work/campanile.toml" >"$work/engine" 2>"$work/log" &
engine=$!
started+=("$engine")
admin=$(first_line "$work/engine" campanile | sed 's/.*"admin":"\([^"]*\)".*/\1/')
CAMPANILE__ADMIN__LISTEN=$admin campanile healthcheck --config "$work/campanile.toml" || fail "the engine is not ready"
kill "$engine"
wait "$engine" || fail "the engine did not end in order: $(tail -n 3 "$work/log")"
unset CAMPANILE__SMSC__0__ADDRESS CAMPANILE__API__LISTEN CAMPANILE__ADMIN__LISTEN CAMPANILE__REDIS__DATA_DIR

# Edited files and secrets outlive a removal, and nothing outlives a purge.
echo '# edited' >>/etc/campanile/campanile.toml
dpkg --remove "${packages[@]}" >/dev/null
[ ! -e /usr/bin/campanile ] || fail "the program is there after the removal"
grep -q '^# edited' /etc/campanile/campanile.toml || fail "the removal took the configuration"
[ -s $folder/operator-key ] || fail "the removal took the secrets"
dpkg --purge "${packages[@]}" >/dev/null
for path in /etc/campanile /etc/default/smpp-sim /usr/share/doc/campanile; do
    [ ! -e $path ] || fail "$path is there after the purge"
done
echo "check-packages: installed, checked, run by hand with the simulator, removed and purged: ${packages[*]}"
