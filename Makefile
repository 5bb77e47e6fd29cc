# rustup puts cargo in ~/.cargo/bin, which the shell that calls make may not have on its PATH.
export PATH := $(PATH):$(HOME)/.cargo/bin
TARGET_DIR := $(or $(CARGO_TARGET_DIR),target)

.DEFAULT_GOAL := help
.PHONY: help setup up test test-long faults bench profile simulate mutations lint schemathesis

help: ## List what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Install what is missing: Redis, PostgreSQL, a C linker (Debian; elsewhere it says what to install)
	@scripts/setup.sh

up: setup ## Build and run the whole portal with its own Redis and PostgreSQL; options: make up ARGS="..."
	cargo build --release --locked -p portal --bin portal
	@exec $(TARGET_DIR)/release/portal up $(ARGS)

test: setup ## Run all tests
	cargo test --workspace --locked

test-long: setup ## Run all tests, the long ones at their full length
	AUCTION_LONG=1 cargo test --workspace --locked

faults: setup ## Have 1,000 things go wrong under load, for an hour and a half; options: make faults ARGS="--faults 100 --seed 5"
	cargo build --release --locked -p portal -p auction-loadtest --bin portal --bin auction-loadtest
	$(TARGET_DIR)/release/auction-loadtest faults --json $(TARGET_DIR)/faults.json $(ARGS)

SEEDS ?= 0..1000000
simulate: ## Run a million schedules of the write protocol by seed, for three quarters of an hour; fewer: make simulate SEEDS=0..10000
	cargo run --release --locked -p auction-simulation --bin simulate -- --seeds $(SEEDS)

mutations: setup ## Switch the steps of the protocol off one by one, and print who notices; some: make mutations ARGS="claim"
	cargo run --locked -p auction-simulation --bin mutations -- $(ARGS)

bench: setup ## Measure the table of docs/performance.md, in ten minutes at most
	cargo build --release --locked -p portal -p auction-loadtest --bin portal --bin auction-loadtest
	$(TARGET_DIR)/release/auction-loadtest bench --json $(TARGET_DIR)/bench.json

profile: ## Record flame graphs of all roles under load; options: make profile ARGS="writer ingress --seconds 20"
	@scripts/setup.sh profile
	cargo build --release --locked -p portal -p auction-loadtest --bin portal --bin auction-loadtest
	$(TARGET_DIR)/release/auction-loadtest profile --directory $(TARGET_DIR)/profile $(ARGS)

schemathesis: setup ## Hold the description of the API against a portal (needs Python 3; installs schemathesis under target/)
	cargo build --locked -p portal
	@scripts/schemathesis.sh

lint: setup ## Check the formatting and run clippy
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
