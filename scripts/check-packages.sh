#!/usr/bin/env bash
# Installs the packages in target/packages on this machine, looks at what is there then, runs the engine by hand as its unit would,
# upgrades it in the middle of a campaign, removes the packages and purges them. Needs root and dpkg; refuses a machine that has one of them installed.
# check-packages.sh [--apart FOLDER]: with packages that are made of the programs FOLDER/release/PROGRAM, and all of it in a file system
# that lies over the machine's and is gone afterwards.
# Exit 0: a line says what was seen. Exit 1: a line says what is wrong; the packages are purged either way. Exit 2: a line says what this
# machine lacks for --apart.
set -euo pipefail
cd "$(dirname "$0")/.."

fail() { echo "check-packages: $*" >&2; exit 1; }
lacks() { echo "check-packages: not tried: $*" >&2; exit 2; }

# Whatever lies in another file system than the root's is shown over it as it is.
enter() {
    local tree=$1 built=$2 place
    mount -t tmpfs none "$tree"
    mkdir "$tree"/{up,work,root}
    mount -t overlay overlay -o "lowerdir=/,upperdir=$tree/up,workdir=$tree/work" "$tree/root" 2>/dev/null || lacks "no file system can lie over another here"
    for place in /proc /dev "$PWD" "$built" "${CARGO_HOME:-$HOME/.cargo}" "${RUSTUP_HOME:-$HOME/.rustup}"; do
        [ "$(stat --format %d "$place")" != "$(stat --format %d /)" ] || continue
        mkdir -p "$tree/root$place"
        mount --rbind "$place" "$tree/root$place"
    done
    chroot "$tree/root" bash -euc 'cd "$1"; scripts/packages.sh --built "$2"; exec scripts/check-packages.sh' apart "$PWD" "$built"
}

if [ "${1:-}" = --apart ]; then
    built=$(realpath "${2:?the folder that has release/}")
    [ "$(id -u)" = 0 ] || lacks "this needs root"
    for tool in dpkg dpkg-deb unshare chroot; do command -v $tool >/dev/null 2>&1 || lacks "there is no $tool"; done
    PATH=$PWD/.tools/cargo/bin:$PATH command -v cargo-deb >/dev/null 2>&1 || lacks "there is no cargo-deb (scripts/install-deploy-tools.sh)"
    tree=$(mktemp -d)
    trap 'rmdir "$tree"' EXIT
    export -f enter lacks
    code=0
    unshare --mount --propagation private bash -euo pipefail -c 'enter "$@"' apart "$tree" "$built" || code=$?
    exit $code
fi

packages=(campanile smpp-sim campanile-loadtest)
work=$(mktemp -d)
started=()

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
# Until its secret is written, the configuration to begin with says which.
faults=$(campanile check --config /etc/campanile/campanile.toml 2>&1 >/dev/null) && fail "an SMSC without a password is taken for sound"
grep -q "$folder/smsc-0" <<<"$faults" || fail "the secret that is to be written is not named: $faults"
(umask 077 && printf 'secret\n' >$folder/smsc-0)
campanile check --config /etc/campanile/campanile.toml >/dev/null || fail "the configuration to begin with has faults"
for unit in campanile smpp-sim; do
    file=$(dpkg --listfiles $unit | grep "/$unit.service\$") || fail "the package $unit has no unit"
    ! command -v systemd-analyze >/dev/null 2>&1 || systemd-analyze verify --man=no --recursive-errors=no "$file" || fail "systemd does not take $file"
done
for page in campanile smpp-sim loadtest; do
    [ -s /usr/share/man/man1/$page.1.gz ] || fail "no man page of $page"
    for file in bash-completion/completions/$page zsh/vendor-completions/_$page fish/vendor_completions.d/$page.fish; do
        [ -s /usr/share/$file ] || fail "no completions of $page: $file"
    done
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
field() { grep -o "\"$1\":\"[^\"]*\"" | head -n 1 | cut -d '"' -f 4; }
sim=$(first_line "$work/sim" smpp-sim)
smpp=$(field smpp <<<"$sim")
sim=http://$(field http <<<"$sim")
sed '/^url = /d' /etc/campanile/campanile.toml >"$work/campanile.toml"
export CAMPANILE__SMSC__0__ADDRESS=$smpp CAMPANILE__API__LISTEN=127.0.0.1:0 CAMPANILE__ADMIN__LISTEN=127.0.0.1:0 \
    CAMPANILE__REDIS__DATA_DIR=$work/data
start_engine() {
    rm -f "$work/engine"
    campanile serve --config "$work/campanile.toml" >"$work/engine" 2>>"$work/log" &
    engine=$!
    started+=("$engine")
    local ready
    ready=$(first_line "$work/engine" campanile)
    admin=$(field admin <<<"$ready")
    api=http://$(field api <<<"$ready")
}
stop_engine() {
    kill "$engine"
    wait "$engine" || fail "the engine did not end in order: $(tail -n 3 "$work/log")"
}
start_engine
CAMPANILE__ADMIN__LISTEN=$admin campanile healthcheck --config "$work/campanile.toml" || fail "the engine is not ready"

# Another version takes the place of the program while that sends a campaign; then comes the restart that the unit would get.
messages=1500
mkdir "$work/next"
dpkg-deb --raw-extract target/packages/campanile_*.deb "$work/next"
sed -i 's/^Version: .*/&+next/' "$work/next/DEBIAN/control"
echo next >>"$work/next/usr/bin/campanile"
dpkg-deb --root-owner-group -Znone --build "$work/next" "$work/next.deb" >/dev/null
ask() { curl --silent --show-error --fail-with-body --header 'Content-Type: application/json' "$@"; }
operator="Authorization: Bearer $(cat $folder/operator-key)"
tenant=$(ask "$api/v1/tenants" --header "$operator" --data '{"name": "Cabinet Martin"}')
ask "$api/v1/tenants/$(field id <<<"$tenant")/credits" --header "$operator" --data "{\"amount\": $messages, \"reference\": \"1\"}" >/dev/null
key="Authorization: Bearer $(field api_key <<<"$tenant")"
numbers=$(seq --format '+336%08.0f' --separator ';' "$messages")
campaign=$(ask "$api/v1/campaigns" --header "$key" --data "{\"name\": \"Rappel\", \"text\": \"Bonjour\", \"sender\": \"Clinique\",
    \"purpose\": \"transactional\", \"audience\": {\"numbers\": \"$numbers\"}}" | field id)
ask "$api/v1/campaigns/$campaign/launch" --header "$key" --data '' >/dev/null
ask "$sim/wait?accepted=100&timeout=30s" >/dev/null || fail "the campaign does not begin: $(tail -n 3 "$work/log")"
dpkg --install "$work/next.deb" >"$work/install" 2>&1 || { cat "$work/install" >&2; fail "the upgrade failed"; }
kill -0 "$engine" || fail "the upgrade ended the engine, which its unit restarts"
case $(readlink "/proc/$engine/exe") in *' (deleted)') ;; *) fail "the upgrade left the program as it was" ;; esac
submits() { ask "$sim/ledger/totals" | grep -o '"submits":[0-9]*' | head -n 1 | cut -d : -f 2; }
[ "$(submits)" -lt $messages ] || fail "the campaign was over before the upgrade: nothing was tried"
stop_engine
start_engine
ask "$sim/wait?receipts_acked=$messages&timeout=60s" >/dev/null || fail "messages were lost: $(ask "$sim/ledger/totals")"
[ "$(submits)" = $messages ] || fail "messages were doubled: $(ask "$sim/ledger/totals")"
stop_engine
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
echo "check-packages: installed, checked, run by hand with the simulator, upgraded under load, removed and purged: ${packages[*]}"
