# Three commands are all a newcomer needs: make demo, make test, make bench.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
# The commit that `bench-baseline` compares with.
BASELINE := be77cb1
# Run as built: `cargo run` of one package would build it again, with that package's features only.
LOADTEST := $(or $(CARGO_TARGET_DIR),target)/release/loadtest
DEMO := $(or $(CARGO_TARGET_DIR),target)/release/campanile-demo
.PHONY: help demo test bench bench-baseline scale engines replies reminders torture fuzz matrix check deny run-tests packages packages-check static sbom cargo redis postgres valkey peers browser prometheus deploy-tools

help: ## Say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: cargo redis ## Build everything, tell a clinic's story from its file to the seven statuses (ARGS="--keep" leaves it running)
	cargo build --release --locked --package campanile --package smpp-sim --package campanile-demo
	$(DEMO) $(ARGS)

test: cargo redis postgres peers browser prometheus deploy-tools check deny run-tests ## Format, lints, licences, every test

bench: cargo redis ## Measure the whole path: API, Redis, engine, simulator (ARGS="--tenants 50" and the like)
	cargo build --release --locked --package campanile --package smpp-sim --package loadtest
	$(LOADTEST) run canonical $(ARGS)

scale: cargo redis ## Measure an import of 500,000 contacts, filters, a campaign to all of them, its history (CONTACTS=100000)
	cargo build --release --locked --package campanile --package smpp-sim
	scripts/scale.py $(dir $(LOADTEST)) $(CONTACTS)

engines: cargo redis ## One rate over 1, 2 and 4 engines, as the simulator counts it
	cargo build --release --locked --package campanile --package smpp-sim
	scripts/engines.py $(dir $(LOADTEST))

replies: cargo redis ## 10,000 replies a second for five seconds: acknowledged and answered (RATE=1000 SECONDS=10 WAITING=1000000)
	cargo build --release --locked --package campanile --package smpp-sim
	scripts/replies.py $(dir $(LOADTEST)) $(or $(RATE),10000) $(or $(SECONDS),5) $(or $(WAITING),0)

reminders: cargo redis ## A million reminders of a month, with kills, wrong clocks and both changes of the clocks, an hour (REMINDERS=30000 RATE=500 SEED=1)
	cargo build --release --locked --package campanile --package smpp-sim
	scripts/reminders.py $(dir $(LOADTEST)) $(or $(REMINDERS),1000000) $(or $(RATE),500) $(or $(SEED),1)

torture: cargo redis ## Every fault with 100 seeds each, some hours (ARGS="--seeds 10 --only kills" and the like)
	cargo build --locked --package campanile-tests --bins
	cargo run --locked --quiet --package campanile-tests --bin torture -- $(ARGS)

fuzz: cargo redis peers ## Octets, parts, settings and requests changed at random, 10 minutes each (SECONDS_EACH=60)
	scripts/fuzz.sh $(or $(SECONDS_EACH),600)

matrix: cargo redis valkey postgres ## The suites that depend on the store, on Valkey and a newer Redis, and those of SQL on PostgreSQL, an hour; writes tests/matrix.md
	scripts/matrix.sh

# The older engine is built from git, in a folder and a target of its own; simulator and load tester are today's.
bench-baseline: cargo redis ## The ratio to the engine of BASELINE, both in turns (BASELINE=commit ARGS="--rounds 5")
	cargo build --release --locked --package campanile --package smpp-sim --package loadtest
	rm -rf target/baseline/source && mkdir -p target/baseline/source
	git archive $(BASELINE) | tar -x -C target/baseline/source
	cargo build --release --locked --package campanile --manifest-path target/baseline/source/Cargo.toml --target-dir target/baseline/target
	$(LOADTEST) run canonical --baseline target/baseline/target/release $(ARGS)

check: cargo ## Format and lints only
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings

deny: cargo peers ## Licences, banned crates and sources of the dependency tree
	"$$(scripts/install-deny.sh)" --locked check licenses bans sources

# Documentation examples first: the last lines shown are the summary of the test runner.
run-tests: cargo redis postgres peers browser prometheus deploy-tools
	cargo test --doc --workspace --locked --quiet
	@if command -v cargo-nextest >/dev/null 2>&1; then set -x; cargo nextest run --workspace --locked --profile ci $(ARGS); \
	else set -x; cargo test --workspace --locked --lib --bins --tests $(ARGS) -- --test-threads=1; fi

packages: cargo ## Debian packages of engine, simulator and load tester, in target/packages
	scripts/packages.sh

packages-check: packages redis ## Install them here, run what is in them, remove and purge them (root)
	scripts/check-packages.sh

static: cargo ## Programs that need no library of the machine, in target/static
	scripts/build-static.sh target/static campanile smpp-sim loadtest

sbom: cargo ## What each program is made of, as CycloneDX, in target/sbom
	scripts/sbom.py target/sbom

cargo:
	@command -v cargo >/dev/null 2>&1 || { echo "Rust is needed (cargo was not found): install it with rustup, then try again" >&2; exit 1; }

redis:
	@scripts/install-redis.sh

postgres:
	@scripts/install-postgres.sh

valkey:
	@scripts/install-valkey.sh

peers:
	@scripts/install-peers.sh

browser:
	@scripts/install-browser.sh

deploy-tools:
	@scripts/install-deploy-tools.sh

prometheus:
	@scripts/install-prometheus.sh
