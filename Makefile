# Two commands matter: `make run` runs it, `make test` tests it. Both work on a machine that has only
# python3 (3.11 or newer) and make: the first one installs everything else under .venv.
.DEFAULT_GOAL := help
VENV := .venv
BIN := $(VENV)/bin
export PYTHONUTF8 = 1
# uv is used if it is there, else it is installed into a folder of its own.
UV := $(shell command -v uv 2>/dev/null || echo .uv-bootstrap/bin/uv)

.PHONY: help run test lint types check bench docs lock clean install crash

help: ## Show these commands
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

run: $(VENV)/.installed ## Install if needed, then run Rapport with its demo
	@$(BIN)/rapport up --demo

test: $(VENV)/.installed ## Run every test (browser tests need Chromium)
	$(BIN)/pytest -n $${TEST_PROCESSES:-2} --dist loadgroup

lint: $(VENV)/.installed ## Style, and the direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: $(VENV)/.installed ## Strict types
	$(BIN)/mypy

check: lint types test ## Everything CI checks

bench: $(VENV)/.installed ## Measure, and write docs/performance.md
	$(BIN)/python -m bench

crash: $(VENV)/.installed ## 200 rounds of kill -9, written to docs/reliability.md
	$(BIN)/python -m tests.crash --rounds 200 --write docs/reliability.md

docs: $(VENV)/.installed ## Build the documentation site into site/
	$(BIN)/python -m docs.generate
	$(BIN)/mkdocs build --strict

lock: $(UV) ## Choose versions anew and write requirements.lock
	$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--group dev --output-file requirements.lock pyproject.toml

install: $(VENV)/.installed ## Only install

$(VENV)/.installed: requirements.lock pyproject.toml | $(UV)
	@test -x $(BIN)/python || $(UV) venv --quiet $(VENV)
	$(UV) pip sync --quiet --python $(BIN)/python --require-hashes requirements.lock
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --editable .
	@touch $@

.uv-bootstrap/bin/uv:
	python3 -m venv .uv-bootstrap
	.uv-bootstrap/bin/pip install --quiet --disable-pip-version-check uv

clean: ## Remove what was installed and built (not data/)
	rm -rf $(VENV) .uv-bootstrap site .mypy_cache .ruff_cache
