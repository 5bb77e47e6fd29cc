# rustup installs cargo in ~/.cargo/bin, which may not be on the PATH of the shell that calls make.
export PATH := $(PATH):$(HOME)/.cargo/bin
TARGET_DIR := $(or $(CARGO_TARGET_DIR),target)

.DEFAULT_GOAL := help
.PHONY: help setup up test test-long reference faults bench profile simulate mutations lint schemathesis

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Install Redis, PostgreSQL and a C linker if they are missing (Debian; other systems: print what to install)
	@scripts/setup.sh

up: setup ## Build and run the whole portal with local Redis and PostgreSQL; options: make up ARGS="..."
	cargo build --release --locked -p portal --bin portal
	@exec $(TARGET_DIR)/release/portal up $(ARGS)

test: setup ## Run all tests
	cargo test --workspace --locked

test-long: setup ## Run all tests, long-running tests at full length
	AUCTION_LONG=1 cargo test --workspace --locked

reference: setup ## Write the generated pages of docs/reference
	UPDATE_REFERENCE=1 cargo test --workspace --locked -- reference_page permissions_page

faults: setup ## Inject 1,000 faults under load, in 1.5 hours; options: make faults ARGS="--faults 100 --seed 5"
	cargo build --release --locked -p portal -p auction-loadtest --bin portal --bin auction-loadtest
	$(TARGET_DIR)/release/auction-loadtest faults --json $(TARGET_DIR)/faults.json $(ARGS)

SEEDS ?= 0..1000000
simulate: ## Run a million seeded schedules of the write protocol, in 45 minutes; fewer: make simulate SEEDS=0..10000
	cargo run --release --locked -p auction-simulation --bin simulate -- --seeds $(SEEDS)

mutations: setup ## Disable the protocol steps one by one, and print which tests detect it; some: make mutations ARGS="claim"
	cargo run --locked -p auction-simulation --bin mutations -- $(ARGS)

bench: setup ## Measure the table of docs/reference/benchmarks.md, in at most ten minutes; some rows: make bench ARGS="--rows 2a,6,8"
	cargo build --release --locked -p portal -p auction-loadtest --bin portal --bin auction-loadtest
	$(TARGET_DIR)/release/auction-loadtest bench --json $(TARGET_DIR)/bench.json $(ARGS)

profile: ## Record flame graphs of all components under load; options: make profile ARGS="writer ingress --seconds 20"
	@scripts/setup.sh profile
	CARGO_PROFILE_RELEASE_DEBUG=line-tables-only cargo build --release --locked -p portal -p auction-loadtest --bin portal --bin auction-loadtest
	$(TARGET_DIR)/release/auction-loadtest profile --directory $(TARGET_DIR)/profile $(ARGS)

schemathesis: setup ## Test a portal against its OpenAPI document (needs Python 3; installs schemathesis under target/)
	cargo build --locked -p portal
	@scripts/schemathesis.sh

lint: setup ## Check formatting, and run clippy and rustdoc
	rustfmt --check $$(git ls-files '*.rs')
	cargo clippy --workspace --all-targets --locked -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --document-private-items --locked
