# Every target sets up what it needs. `make help` lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

.PHONY: help
help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 22

$(VENV)/.run: pyproject.toml requirements.txt
	$(PYTHON) -m venv $(VENV)
	PIP_CONSTRAINT=requirements.txt $(PIP) install --editable .
	touch $@

$(VENV)/.dev: $(VENV)/.run
	$(PIP) install --requirement requirements.txt
	touch $@

.PHONY: conformance
conformance: $(VENV)/.run ## judge the embedded reference
	$(BIN)/datawal-conformance run

.PHONY: conformance-crate
conformance-crate: $(VENV)/.run ## build the adapter of the published crate with cargo and judge it
	cargo build --release --locked --quiet --manifest-path conformance/adapters/rust/Cargo.toml
	$(BIN)/datawal-conformance run --timeout 5 \
	  --deviations conformance/adapters/rust/deviations.toml \
	  -- conformance/adapters/rust/target/release/datawal-adapter

.PHONY: test
test: lint vectors-check pytest ## everything that must hold

.PHONY: lint
lint: $(VENV)/.dev ## style, types and dependency arrows
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

.PHONY: pytest
pytest: $(VENV)/.dev ## the test suite, and the reference judged by the pytest plugin
	$(BIN)/python -m pytest -n auto
	$(BIN)/python -m pytest -qq -p no:xdist --datawal-adapter "$(BIN)/python conformance/adapters/python/adapter.py" vectors

.PHONY: vectors
vectors: $(VENV)/.run ## write vectors/ anew
	$(BIN)/python -m datawal_conformance.families write vectors

.PHONY: vectors-check
vectors-check: $(VENV)/.run ## fail when vectors/ is not what the families make
	$(BIN)/python -m datawal_conformance.families check vectors

SPHINX = SOURCE_DATE_EPOCH=0 $(BIN)/python -m sphinx -q -E -n -W --keep-going

.PHONY: docs
docs: $(VENV)/.dev ## build the site into build/site
	$(SPHINX) -d build/doctrees -b html docs build/site

.PHONY: docs-check
docs-check: $(VENV)/.dev ## the site builds twice the same, and its results are those of today's vectors
	rm -rf build/site build/site-again
	$(SPHINX) -d build/doctrees -b html docs build/site
	$(SPHINX) -d build/doctrees-again -b html docs build/site-again
	diff -rq build/site build/site-again
	$(BIN)/python docs/results/make_data.py --check

.PHONY: docs-results
docs-results: $(VENV)/.run ## judge both implementations and condense the reports for the site (needs cargo)
	mkdir -p build
	cargo build --release --locked --quiet --manifest-path conformance/adapters/rust/Cargo.toml
	$(BIN)/datawal-conformance run --report json:build/reference.json
	$(BIN)/datawal-conformance run --timeout 5 --report json:build/crate.json \
	  -- conformance/adapters/rust/target/release/datawal-adapter || [ $$? -eq 1 ]
	$(BIN)/python docs/results/make_data.py reference=build/reference.json crate=build/crate.json

.PHONY: vectors-archive
vectors-archive: $(VENV)/.run ## pack the vectors, reproducibly, into build/
	$(BIN)/python -m datawal_conformance.archive vectors build/datawal-vectors.tar.gz

.PHONY: bench-speed
bench-speed: $(VENV)/.run ## cases a second beside toml-test (needs go)
	$(BIN)/python conformance/benchmarks/speed.py

.PHONY: bench-memory
bench-memory: $(VENV)/.run ## open and scan logs of 1 GiB in less than 64 MiB
	$(BIN)/python reference/benchmarks/memory.py

.PHONY: clean
clean: ## remove what the targets made
	rm -rf $(VENV) build dist conformance/adapters/rust/target
