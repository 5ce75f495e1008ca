# Two commands matter: `make run` runs it, `make test` tests it. Both work on a machine that has only
# python3 (3.11 or newer) and make: the first one installs everything else under .venv.
.DEFAULT_GOAL := help
# Which Python to build on, as in: make run PYTHON=python3.12
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PYTHONUTF8 = 1
# uv is used if there is one that works, else it is installed into a folder of its own.
UV := $(shell uv --version >/dev/null 2>&1 && command -v uv || echo .uv-bootstrap/bin/uv)
# A machine that is told where packages come from is often told so for pip alone; uv asks elsewhere.
INDEX_OF_PIP = index=$$($(PYTHON) -m pip config get global.index-url 2>/dev/null || true); \
	index=$${PIP_INDEX_URL:-$$index}; \
	if [ -n "$$index" ] && [ -z "$$UV_DEFAULT_INDEX$$UV_INDEX_URL" ]; then export UV_DEFAULT_INDEX="$$index"; fi

.PHONY: help run test lint types check bench crash docs lock install clean python

help: ## Show these commands
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

run: $(VENV)/.installed ## Install if needed, then run Rapport with its demo
	@$(BIN)/rapport up --demo

test: $(VENV)/.installed ## Run every test (browser tests need Chromium)
	$(BIN)/pytest -n $${TEST_PROCESSES:-2} --dist loadgroup --no-loadscope-reorder $(TEST_ARGS)

lint: $(VENV)/.installed ## Style, and the direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: $(VENV)/.installed ## Strict types
	$(BIN)/mypy

check: lint types test ## Lint, types and tests

bench: $(VENV)/.installed ## Measure, and write docs/performance.md
	$(BIN)/python -m bench

crash: $(VENV)/.installed ## 200 rounds of kill -9, written to docs/reliability.md
	$(BIN)/python -m tests.crash --rounds 200 --write docs/reliability.md

docs: $(VENV)/.installed ## Write the reference anew and build the documentation into site/
	$(BIN)/python -m docs.generate
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -W error -m mkdocs build --strict

lock: | python $(UV) ## Choose versions anew and write requirements.lock
	@$(INDEX_OF_PIP); set -x; $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-emit-find-links --group dev --output-file requirements.lock pyproject.toml

install: $(VENV)/.installed ## Only install

$(VENV)/.installed: requirements.lock pyproject.toml | python $(UV)
	@echo "Installing into $(VENV); a minute or two the first time."
	@test -x $(BIN)/python || { rm -rf $(VENV) && $(UV) venv --quiet --no-python-downloads --python "$(PYTHON)" $(VENV); }
	@$(INDEX_OF_PIP); \
	$(UV) pip sync --quiet --python $(BIN)/python --require-hashes requirements.lock && \
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --editable .
	@touch $@

# A wrong Python is named before anything is downloaded for it.
python:
	@command -v "$(PYTHON)" >/dev/null || \
		{ echo "Rapport needs Python 3.11 or newer, and there is no $(PYTHON) here. Install it, or name another: make run PYTHON=/path/to/python3.12"; exit 1; }
	@"$(PYTHON)" -c 'import sys; v = sys.version_info; sys.exit(v < (3, 11) and "Rapport needs Python 3.11 or newer, and $(PYTHON) is %d.%d. Install a newer one beside it and name it: make run PYTHON=python3.12" % v[:2])'

# Without Debian's python3-venv a virtual environment has no pip, but the system's pip may still do.
.uv-bootstrap/bin/uv: | python
	@echo "Installing uv into .uv-bootstrap."
	@rm -rf .uv-bootstrap
	@{ "$(PYTHON)" -m venv .uv-bootstrap >/dev/null 2>&1 && \
		.uv-bootstrap/bin/python -m pip install --quiet --disable-pip-version-check uv; } || \
	{ rm -rf .uv-bootstrap && \
		"$(PYTHON)" -m pip install --quiet --disable-pip-version-check --target .uv-bootstrap uv; } || \
	{ rm -rf .uv-bootstrap; \
		echo "uv, which installs Rapport's packages, could not be installed. If the lines above speak of the"; \
		echo "network, see to that first. Otherwise give Python its venv and pip (Debian and Ubuntu:"; \
		echo "apt-get install python3-venv), or install uv itself, and run this again."; exit 1; }

clean: ## Remove what was installed and built (not data/)
	rm -rf $(VENV) .uv-bootstrap site .mypy_cache .ruff_cache .import_linter_cache .hypothesis
