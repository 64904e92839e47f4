# What to type; how it is done stands in deploy/local/.
# Where something may not be installed, each of these says exactly what to run instead.
SHELL := /bin/bash
.DEFAULT_GOAL := help

export PYTHON
export CHATOPS_REGISTRY_PORT ?= 5000
BIN := .venv/bin
STARTED := $(shell date +%s)
ON_CLUSTER = $(if $(filter on,$(CLUSTER)),PYTHONPATH=deploy/local $(BIN)/python -m tests.cluster.local run)
COMPILE := $(BIN)/uv pip compile --quiet --generate-hashes --no-strip-extras --no-emit-index-url --no-emit-find-links \
           --no-header --python-version 3.11

.PHONY: help setup setup-test demo test crash-test test-cluster flaky bench lint lock down clean

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 16

setup: ## Python packages, Docker Engine, local registry and offline base images, each only if missing
	@deploy/local/venv.sh
	@$(BIN)/python deploy/local/setup.py

setup-test: ## the same, and a browser with fonts
	@deploy/local/venv.sh
	@$(BIN)/python deploy/local/setup.py --browser

demo: setup ## set up, then start the bot beside an offline Gitee; ARGS="--demo-pr" plays the whole story
	@$(BIN)/chatops playground --registry http://127.0.0.1:$(CHATOPS_REGISTRY_PORT) $(ARGS)

test: setup-test ## set up, then all checks and tests; with ARGS only the tests that pytest chooses by them; CLUSTER=off leaves Kubernetes out
	@STARTED=$(STARTED) deploy/local/suite.sh $(ARGS)

test-cluster: setup-test ## a real Kubernetes, or the one of KUBECONFIG, and the tests that need it; ARGS go to pytest
	@PYTHONPATH=deploy/local $(BIN)/python -m tests.cluster.local test $(ARGS)

flaky: setup-test ## run the tests of ARGS repeatedly, under load, in random order, and report what differs; TIMES=… LOAD=… SEED=… CLUSTER=on
	@$(ON_CLUSTER) $(BIN)/python -m tests.suite.flaky $(or $(ARGS),$(if $(ON_CLUSTER),tests/cluster))

bench: setup-test ## measure the intake beside a handler that only verifies signatures; COUNT=… deliveries
	$(BIN)/python -m benchmarks.intake

crash-test: setup-test ## kill bots a thousand times while people work, and tell what came of it; KILLS=… SEED=…
	KILLS=$(or $(KILLS),1000) $(BIN)/python -m pytest -q -s tests/crash/test_kills.py

lint: setup ## style, types and layers, without tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

lock: setup ## write the lock files anew from pyproject.toml; UP=--upgrade takes newer versions
	$(COMPILE) $(UP) pyproject.toml -o requirements.lock
	$(COMPILE) $(UP) pyproject.toml --group dev -o requirements-dev.lock
	$(COMPILE) $(UP) --group pyproject.toml:build -o requirements-build.lock

down: ## stop the engine and the registry that set-up started
	@[ ! -x $(BIN)/python ] || $(BIN)/python deploy/local/setup.py --down

clean: down ## also remove .venv, .local and what the tools cached
	rm -rf .venv .local dist .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find bot commands deploy tests -name __pycache__ -type d -prune -exec rm -rf {} +
