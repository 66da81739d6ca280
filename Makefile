# MsgCenter: the targets for developers and operators.

# Arguments for the program of a target: make test ARGS='-k gateway'
ARGS ?=
# Number of test processes. More than cores, because many tests wait most of their time.
JOBS ?= $(shell echo $$(($$(nproc 2>/dev/null || echo 2) + 2)))
# The PostgreSQL for `make test`; without one it starts its own. Only a DATABASE_URL on the command line counts: one in
# the environment is for another program.
TEST_DATABASE := $(if $(filter command,$(firstword $(origin DATABASE_URL))),$(DATABASE_URL))
# Test processes compile the code once and keep it, also where Python is told to write none beside the sources.
COMPILED := $(if $(PYTHONDONTWRITEBYTECODE),PYTHONDONTWRITEBYTECODE= PYTHONPYCACHEPREFIX='$(CURDIR)/.pytest_cache/compiled' )
TEST_ENVIRONMENT = $(COMPILED)$(if $(TEST_DATABASE),MSGCENTER_TEST_DATABASE_URL='$(TEST_DATABASE)' )
# The interpreter for .venv, a name, a path or a version request.
PYTHON ?= >=3.11
# Third-party packages are installed from wheels only, so no compiler is needed and no build code runs.
# Leave it empty on a platform without wheels for a package: make setup NO_BUILD=
NO_BUILD ?= --no-build
# The version installed into .uv/ if uv is not on PATH.
UV_VERSION := 0.13.9

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

BIN := .venv/bin
STAMP := .venv/.stamp
UV := $(or $(shell command -v uv 2>/dev/null),.uv/bin/uv)

# Use the interpreter of the machine; never download one.
export UV_PYTHON_DOWNLOADS := never
# Avoids a warning if the cache and the checkout are on different file systems.
export UV_LINK_MODE ?= copy
# Trust the machine's certificates, for example those of a company, if it has a store.
ifneq ($(wildcard /etc/ssl/certs/*),)
export UV_SYSTEM_CERTS ?= 1
endif

# The folders to check. Only existing ones, so that a partial checkout works too.
PY_PATHS := $(wildcard src sdk/python/src bench tests scripts examples)
TYPED_PATHS := $(wildcard src/msgcenter sdk/python/src bench tests scripts examples)

.PHONY: help
help: ## show this list
	@if [ -t 1 ] && [ -z "$$NO_COLOR" ]; then c=$$(printf '\033[36m'); r=$$(printf '\033[0m'); fi; \
	echo "MsgCenter. Start with: make run"; echo; \
	awk -v c="$$c" -v r="$$r" -F ':[^#]*## ' \
	  '/^[a-z][a-z-]*:.*## / { printf "  %smake %-14s%s  %s\n", c, $$1, r, $$2 }' Makefile

.PHONY: setup
setup: $(STAMP) ## create .venv from requirements.lock
	@echo "Ready: .venv ($$($(BIN)/python --version))"

.PHONY: run
run: $(STAMP) ## start a complete demo on this machine (ARGS='...' goes to msgcenter demo)
	@exec $(BIN)/msgcenter demo $(ARGS)

.PHONY: test
test: $(STAMP) browser languages services ## run every test (ARGS='-k name' selects, DATABASE_URL=postgresql://... tests on that server)
	$(if $(ARGS),,@sh scripts/javascript.sh test)
	$(TEST_ENVIRONMENT)$(BIN)/python -m pytest -n $(JOBS) $(ARGS)

.PHONY: test-thorough
test-thorough: $(STAMP) browser languages services ## run every test with forty times the generated examples (hours)
	$(TEST_ENVIRONMENT)$(BIN)/python -m pytest -n $(JOBS) \
	  --timeout 7200 --hypothesis-profile thorough $(ARGS)

.PHONY: mutations
mutations: $(STAMP) ## make deliberate mistakes in a copy of the code: the tests must catch each (ARGS='csrf quota' selects)
	$(BIN)/python -m tests.mutations $(ARGS)

# The browser tests use Debian's Chromium without windows (or any that MSGCENTER_CHROMIUM names), which takes a fifth less
# CPU than the one with windows. Without a Chromium they are skipped.
.PHONY: browser
browser: ## install Chromium for the browser tests if it is missing
	@[ -n "$$MSGCENTER_CHROMIUM" ] || command -v chromium-headless-shell >/dev/null || { \
	  any=$$(command -v chromium chromium-browser google-chrome google-chrome-stable | head -n 1); \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    echo "Installing Chromium for the browser tests ..."; \
	    install() { apt-get install -y -qq --no-install-recommends "$$1"; }; \
	    { install chromium-headless-shell || { apt-get update -qq && install chromium-headless-shell; } \
	      || [ -n "$$any" ] || install chromium; } >/dev/null 2>&1 \
	      || echo "Chromium cannot be installed: the browser tests are skipped." >&2; \
	  elif [ -z "$$any" ]; then \
	    echo "Chromium is missing: the browser tests are skipped (apt-get install chromium-headless-shell)." >&2; fi; }

# The JavaScript's types, lint and unit tests need Node.js; without it they are skipped.
.PHONY: node
node: ## install Node.js and npm for the checks and tests of the JavaScript if missing
	@sh scripts/javascript.sh install

.PHONY: test-js
test-js: node ## run the unit tests of the JavaScript
	@sh scripts/javascript.sh test

# The tests run the portal's sample programs. Samples in a missing language are skipped.
.PHONY: languages
languages: node ## install curl, Java, Node.js and PHP for the tests of the samples if missing
	@missing=; \
	for pair in bash:bash curl:curl openssl:openssl php:php-cli javac:default-jdk-headless; do \
	  command -v "$${pair%%:*}" >/dev/null || missing="$$missing $${pair#*:}"; \
	done; \
	[ -z "$$missing" ] || if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    echo "Installing$$missing for the tests of the sample programs ..."; \
	    { apt-get install -y -qq --no-install-recommends $$missing || { apt-get update -qq \
	      && apt-get install -y -qq --no-install-recommends $$missing; }; } >/dev/null \
	      || echo "Not installed, samples in these languages are skipped:$$missing" >&2; \
	  else echo "Missing, samples in these languages are skipped:$$missing (apt-get install$$missing)." >&2; fi

# The servers for tests with real services; the script lists them. Tests that need a missing one are skipped.
.PHONY: services
services: ## install nginx, PostgreSQL 15, Redis and PgBouncer for the tests of real services if missing
	@sh scripts/services.sh

.PHONY: screenshots
screenshots: $(STAMP) browser ## take the README's screenshots again
	$(BIN)/python -m scripts.screenshots $(ARGS)

.PHONY: check
check: $(STAMP) node ## check format, lint, types, architecture and generated code; changes nothing
	$(BIN)/ruff format --check $(PY_PATHS)
	$(BIN)/ruff check $(PY_PATHS)
	$(BIN)/mypy $(TYPED_PATHS)
	$(BIN)/lint-imports --no-logo
	$(BIN)/python scripts/generate_sync_client.py --check
	@sh scripts/javascript.sh check

.PHONY: generate
generate: $(STAMP) ## write the SDK's sync client from its async client
	$(BIN)/python scripts/generate_sync_client.py

.PHONY: bundle
bundle: node ## build the scripts and styles that browsers get from their sources (src/msgcenter/*/static)
	@sh scripts/javascript.sh bundle

.PHONY: fmt
fmt: $(STAMP) ## format the code and fix what can be fixed mechanically
	$(BIN)/ruff check --fix-only $(PY_PATHS)
	$(BIN)/ruff format $(PY_PATHS)
	@sh scripts/javascript.sh format

.PHONY: lock
lock: | $(UV) ## refresh requirements.lock to the newest versions that pyproject.toml allows
	$(UV) pip compile pyproject.toml sdk/python/pyproject.toml --all-extras --group dev \
	  --no-emit-package msgcenter-client --universal --python-version 3.11 --upgrade \
	  --generate-hashes --no-annotate --no-emit-index-url --no-emit-find-links \
	  --custom-compile-command 'make lock' --quiet --output-file requirements.lock

.PHONY: bench
bench: $(STAMP) ## measure throughput and latency on this machine (ARGS='--help' shows the options)
	@exec $(BIN)/python -m bench $(ARGS)

.PHONY: bench-page
bench-page: $(STAMP) browser ## measure how fast pages open on slow networks (ARGS='--help' shows the options)
	@exec $(BIN)/python -m bench.page $(ARGS)

.PHONY: clean
clean: ## remove generated files; keeps your data
	rm -rf .venv .venv-peer .uv node_modules build dist sdk/python/dist .hypothesis .schemathesis \
	  .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find $(PY_PATHS) -name __pycache__ -type d -prune -exec rm -rf {} +

# The environment: the third-party packages, each checked against its hash, then the two
# packages of this repository in editable mode, built by the locked backend.
$(STAMP): requirements.lock pyproject.toml sdk/python/pyproject.toml | $(UV)
	@new_enough() { $(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }; \
	new_enough || { $(UV) venv --quiet --clear --no-project --python '$(PYTHON)' .venv && new_enough; } \
	  || { echo "MsgCenter needs Python 3.11 or newer. Install one (Debian, Ubuntu: apt-get install python3)," \
	            "or name yours: make setup PYTHON=/path/to/python3" >&2; exit 1; }
	@$(UV) pip sync --quiet --python $(BIN)/python --require-hashes $(NO_BUILD) requirements.lock
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation \
	  --editable . --editable sdk/python
	@touch $@

.uv/bin/uv:
	@command -v python3 >/dev/null \
	  || { echo "Python 3.11 or newer is missing (Debian, Ubuntu: apt-get install python3 python3-pip)." >&2; exit 1; }
	@python3 -m pip --version >/dev/null 2>&1 \
	  || { echo "Both uv and pip are missing (Debian, Ubuntu: apt-get install python3-pip)." >&2; exit 1; }
	@echo "uv is not on PATH; installing uv $(UV_VERSION) into .uv/ ..."
	@PIP_ROOT_USER_ACTION=ignore python3 -m pip install --quiet --disable-pip-version-check --no-warn-script-location \
	  --upgrade --target .uv uv==$(UV_VERSION)
