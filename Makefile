# Run `make help` for the targets that people use.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)

LOCK   := --universal --no-emit-index-url --no-header --no-annotate --generate-hashes pyproject.toml

.DEFAULT_GOAL := help
.PHONY: help install check format test unit lock clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-14s %s\n", $$1, $$2}'

$(VENV)/.installed: pyproject.toml requirements/dev.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	@echo "installing the pinned packages (once, a few minutes)"
	$(BIN)/python -m pip install --quiet --requirement requirements/dev.txt
	$(BIN)/python -m pip install --quiet --no-deps --editable .
	@touch $@

install: $(VENV)/.installed ## Create .venv with everything that development needs

format: install ## Format the code
	$(BIN)/ruff format . && $(BIN)/ruff check --fix-only .

check: install ## Format, lint, types, import contracts, generated files
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy operator localcluster tests
	$(BIN)/lint-imports
	$(BIN)/python -m rollmodel crds --check crds

unit: install ## Unit and reconcile tests only (seconds)
	$(BIN)/python -m pytest tests/unit tests/reconcile

test: install ## All tests: unit, reconcile, and cluster tests on a real control plane
	$(BIN)/python -m pytest

lock: install ## Pin the packages of each image and of development anew
	$(BIN)/uv pip compile --quiet --upgrade --extra dev $(LOCK) -o requirements/dev.txt
	$(BIN)/uv pip compile --quiet --constraint requirements/dev.txt $(LOCK) -o requirements/operator.txt
	$(BIN)/uv pip compile --quiet --constraint requirements/dev.txt --extra serving $(LOCK) -o requirements/server.txt

clean: ## Remove the virtual environment and caches
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
