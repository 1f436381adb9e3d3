# make run     build, fetch DuckDB, and serve the example flows on http://127.0.0.1:8080
# make test    everything: private servers are started in a temporary folder and stopped again
# make check   what to run before a push: formatting, lints, generated files, quick tests
# make bench   measure this machine

CARGO ?= cargo
PORT ?= 8080
DATA ?= data
PROFILE ?= release-fast
FLOWMILL = target/$(PROFILE)/flowmill

export CARGO_TERM_COLOR ?= auto

.PHONY: run build duckdb test check check-format check-lints quick-test generate format bench

run: build duckdb
	$(FLOWMILL) server standalone --port $(PORT) --data-dir $(DATA) --flows examples

build:
	$(CARGO) build --profile $(PROFILE) --bin flowmill

# The DuckDB tasks find the library beside the folder of the binary.
duckdb:
	duckdb/fetch.sh

test:
	tests/run.sh

check: check-format check-lints quick-test

check-format:
	$(CARGO) fmt --all --check

check-lints:
	$(CARGO) clippy --workspace --all-targets -- -D warnings

# Always the whole workspace: with fewer crates cargo would choose other features, and build everything a second time.
quick-test: duckdb
	$(CARGO) test --workspace --lib --bins
	$(CARGO) test --workspace --test product -- workspace:: generated::

generate:
	$(CARGO) run -p flowmill-cli -- docs

format:
	$(CARGO) fmt --all

bench:
	$(CARGO) build --profile release --bin flowmill
	target/release/flowmill bench --json target/bench.json
