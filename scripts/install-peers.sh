#!/usr/bin/env bash
# Installs the SMPP programs of other projects that the end-to-end tests talk to (tests/peers/README.md), once:
# Python and npm packages under .tools/, Perl, Kannel, tshark and PHP from the distribution's packages. A second run does nothing.
# CAMPANILE_PEERS=skip leaves them out, here and in the tests.
# Exit 0: all are there, or they are skipped. Exit 1: one line for each that is missing.
set -euo pipefail
cd "$(dirname "$0")/.."

SMPPLIB=smpplib==2.2.4
SMPP34=smpp34==1.5.0
NODE_SMPP=smpp@0.5.1
# Whose count of segments ours is compared with (tests/tests/analyze.rs).
NODE_SEGMENTS=sms-segments-calculator@1.3.0
# What the simulator's Python package is built and tried with (smpp-sim/clients).
PYTEST=pytest==8.4.2
FLIT=flit_core==3.12.0
# By whose classes a receiver of traces reads them (tests/peers/otlp_receiver.py).
OTLP=opentelemetry-proto==1.45.2
# Whose public holidays ours are compared with (tests/tests/hours.rs).
HOLIDAYS=holidays==0.109
# By whom the API's document is judged, and the API asked for whatever the document allows (tests/tests/openapi).
OPENAPI=openapi-spec-validator==0.9.0
SCHEMATHESIS=schemathesis==4.32.5
# By whose packages webhooks are verified (tests/tests/webhooks.rs).
WEBHOOKS=standardwebhooks==1.1.0
NODE_WEBHOOKS=standardwebhooks@1.1.1
tools=$PWD/.tools
log=$tools/install.log

if [ "${CAMPANILE_PEERS:-}" = skip ]; then
    echo "install-peers: skipped, CAMPANILE_PEERS=skip" >&2
    exit 0
fi
mkdir -p "$tools"

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

apt_install() {
    command -v apt-get >/dev/null 2>&1 || return 1
    echo "install-peers: installing $*" >&2
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@" >>"$log" 2>&1 && return
    as_root apt-get update >>"$log" 2>&1
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@" >>"$log" 2>&1
}

python_peers() {
    local python=$tools/python/bin/python
    "$python" -c 'import smpplib, smpp34, pytest, flit_core, opentelemetry.proto, holidays, openapi_spec_validator, schemathesis, standardwebhooks' 2>/dev/null && return
    echo "install-peers: installing $SMPPLIB $SMPP34 $PYTEST $FLIT $OTLP $HOLIDAYS $OPENAPI $SCHEMATHESIS $WEBHOOKS" >&2
    # Debian keeps ensurepip in a package of its own.
    python3 -m venv "$tools/python" >>"$log" 2>&1 || { apt_install python3 python3-venv && python3 -m venv "$tools/python" >>"$log" 2>&1; }
    "$python" -m pip install --quiet --disable-pip-version-check "$SMPPLIB" "$SMPP34" "$PYTEST" "$FLIT" "$OTLP" "$HOLIDAYS" "$OPENAPI" "$SCHEMATHESIS" "$WEBHOOKS" >>"$log" 2>&1
}

node_peer() {
    [ -d "$tools/node/node_modules/smpp" ] && [ -d "$tools/node/node_modules/sms-segments-calculator" ] && [ -d "$tools/node/node_modules/standardwebhooks" ] && command -v node >/dev/null 2>&1 && return
    command -v npm >/dev/null 2>&1 || apt_install nodejs npm || return 1
    echo "install-peers: installing $NODE_SMPP $NODE_SEGMENTS $NODE_WEBHOOKS" >&2
    npm install --silent --no-audit --no-fund --prefix "$tools/node" "$NODE_SMPP" "$NODE_SEGMENTS" "$NODE_WEBHOOKS" >>"$log" 2>&1
}

perl_peer() {
    perl -MNet::SMPP -MJSON::PP -e 1 2>/dev/null || apt_install perl libnet-smpp-perl
}

# Its drive_smpp is among the extras.
kannel_peer() {
    if command -v bearerbox >/dev/null 2>&1 || [ -x /usr/sbin/bearerbox ]; then
        [ -x /usr/lib/kannel/test/drive_smpp ] && return
    fi
    apt_install kannel kannel-extras
}

# Wireshark's decoder: what our simulator writes is judged by it.
tshark_peer() {
    command -v tshark >/dev/null 2>&1 && command -v text2pcap >/dev/null 2>&1 || apt_install tshark
}

# What runs the client of the API in PHP (engine/clients/php); its server's test forks.
php_peer() {
    php -r 'exit(PHP_VERSION_ID >= 80100 && function_exists("pcntl_fork") ? 0 : 1);' 2>/dev/null || apt_install php-cli
}

failed=0
for peer in python_peers node_peer perl_peer kannel_peer tshark_peer php_peer; do
    $peer || { echo "install-peers: $peer could not be installed (see .tools/install.log); CAMPANILE_PEERS=skip leaves the peers out" >&2; failed=1; }
done
exit $failed
