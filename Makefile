# Overt. `make` alone says what there is.
#
# Every target does its own set-up and can be run again and again. There is one build profile, release, for all of them.

.DEFAULT_GOAL := help
.NOTPARALLEL:
.DELETE_ON_ERROR:

target := $(or $(CARGO_TARGET_DIR),target)
overt := $(target)/release/overt
demo := examples/walk-past
video := out/demo/walk-past.avi

.PHONY: help demo test bench soak setup setup-tests build plugins hostile formatting clean

help: ## Say what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-9s%s\n", $$1, $$2 }' Makefile

setup: ## Install and fetch what is missing (root is needed only for Debian packages)
	@scripts/setup

setup-tests: ## The same, with what only the tests need
	@scripts/setup tests

# The whole workspace's programs at once: a package by itself would have other features of the same crates, and so compile them again.
build: setup
	@cargo build --release --workspace --bins

plugins: build ## Compile the plugins and pack each into a file: .overt/plugins/*.wasm
	@scripts/build-plugins

hostile: build
	@scripts/build-plugins hostile

# The video changes with what makes it, and with nothing else.
$(video): $(demo)/photographs.toml $(demo)/Cargo.toml $(wildcard $(demo)/src/*.rs) | build
	@echo "making the video $@"
	@$(target)/release/walk-past --photographs .overt/photographs --out $@

demo: plugins $(video) ## Run the demonstration: a force authorises a deployment, faces walk past, and the person sought raises alerts
	@scripts/demo $(overt)

formatting: setup
	@cargo fmt --all --check

# Formatting first: it takes a second, and the rest takes minutes.
test: setup-tests formatting plugins hostile $(video) ## Run every test, formatting and lints included
	@cargo clippy --release --workspace --all-targets --quiet -- -D warnings
	@cargo test --release --workspace --quiet
	@echo "make test: formatting, lints and every test passed."

bench: plugins $(video) ## Measure, and write out/bench/summary.json
	@scripts/bench-python
	@$(target)/release/overt-bench --out out/bench/summary.json

soak: setup-tests plugins hostile ## Go round every hostile plugin a thousand times, and look whether the host grows; 1,100 swaps under load; a thousand kills of a process of each store
	@$(target)/release/soak
	@OVERT_SWAP_ROUNDS=10 cargo test --release --workspace --quiet --test swaps_under_load
	@OVERT_KILLS=1000 cargo test --release --workspace --quiet --test crash audit_log
	@OVERT_KILLS=1000 cargo test --release --workspace --quiet --test force_kills

clean: ## Remove what was built and made, but not what was fetched
	@rm -rf out .overt/plugins .overt/hostile
	@cargo clean
