# Targets for people and CI; the scripts are in deploy/local/.
# Without permission to install something, a target prints the command that you need to run.
SHELL := /bin/bash
.DEFAULT_GOAL := help

export PYTHON
export CHATOPS_REGISTRY_PORT ?= 5000
BIN := .venv/bin
AUDIT := .local/audit
BASE := python:3.11-slim-bookworm
STARTED := $(shell date +%s)
ON_CLUSTER = $(if $(filter on,$(CLUSTER)),PYTHONPATH=deploy/local $(BIN)/python -m tests.cluster.local run)
COMPILE := $(BIN)/uv pip compile --quiet --generate-hashes --no-strip-extras --no-emit-index-url --no-emit-find-links \
           --no-header --python-version 3.11

.PHONY: help setup setup-test demo test test-attack crash-test simulate test-cluster flaky pictures bench lint fuzz audit sbom pin-base lock down clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 22

setup: ## install Python packages, Docker Engine, local registry and offline base images, each only if missing
	@deploy/local/venv.sh
	@$(BIN)/python deploy/local/setup.py

setup-test: ## the same, and what only tests need: a browser with fonts, PostgreSQL and etcd
	@deploy/local/venv.sh
	@$(BIN)/python deploy/local/setup.py --browser

demo: setup ## set up, then start an offline Gitee with the bot beside it; ARGS="--demo-pr" plays a whole pull request
	@$(BIN)/chatops playground --registry http://127.0.0.1:$(CHATOPS_REGISTRY_PORT) $(ARGS)

test: setup-test ## set up, then run all checks and tests; with ARGS only the tests that pytest selects by them; CLUSTER=off skips Kubernetes
	@STARTED=$(STARTED) deploy/local/suite.sh $(ARGS)

test-attack: setup-test ## try every attack on the bot, except those that need a cluster, and count how many held; ARGS go to pytest
	$(BIN)/python -m pytest -n "$${TEST_WORKERS:-2}" --dist loadgroup -m attack $(ARGS)

test-cluster: setup-test ## run the tests that need Kubernetes, on a local node or on the cluster of KUBECONFIG; ARGS go to pytest
	@PYTHONPATH=deploy/local $(BIN)/python -m tests.cluster.local test $(ARGS)

flaky: setup-test ## run the tests of ARGS repeatedly, under load and in random order, and report differing results; TIMES=… LOAD=… SEED=… CLUSTER=on
	@$(ON_CLUSTER) $(BIN)/python -m tests.suite.flaky $(or $(ARGS),$(if $(ON_CLUSTER),tests/cluster))

pictures: setup-test ## play the demo and take the pictures of docs/images; a font with emoji makes them look right
	$(BIN)/python -m tests.demo.pictures docs/images http://127.0.0.1:$(CHATOPS_REGISTRY_PORT)

bench: setup-test ## measure the webhook intake against a handler that only verifies signatures; COUNT=… deliveries
	$(BIN)/python -m benchmarks.intake

crash-test: setup-test ## disturb bots, PostgreSQL and Gitee a thousand times each, and check that nothing is lost or done twice; FAULTS=… SEED=…
	FAULTS=$(or $(FAULTS),1000) $(BIN)/python -m pytest -q -s tests/crash/test_nemesis.py

simulate: setup ## play histories of several replicas in virtual time, with faults that a seed decides; SEEDS=10000 JOBS=1, or one again with SEED=… or SCRIPT=…
	@$(BIN)/python -m tests.simulation --seeds $(or $(SEEDS),10000) --jobs $(or $(JOBS),1) $(if $(FIRST),--first $(FIRST)) $(if $(SEED),--seed $(SEED)) $(if $(SCRIPT),--script $(SCRIPT))

lint: setup ## check style, types and layers, without tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fuzz: setup ## fuzz everything that reads hostile bytes for SECONDS=60 in all; TARGET=… only one; inputs that break something stay in tests/fuzz/corpus
	@$(BIN)/python -m tests.fuzz $(or $(SECONDS),60) $(TARGET)

audit: $(AUDIT)/.installed ## before a release: ask for known vulnerabilities in the locked packages; needs the internet
	@$(AUDIT)/bin/pip-audit --strict --require-hashes --disable-pip $(foreach lock,$(wildcard requirements*.lock),-r $(lock)) || \
	{ echo 'NOT AUDITED, or something was found: see above. A database that does not answer is a failure too.'; exit 1; }

sbom: $(AUDIT)/.installed ## write dist/sbom.cdx.json, the CycloneDX bill of materials of the locked packages; IMAGE=… adds the Debian packages of that image
	@mkdir -p dist
	@$(AUDIT)/bin/cyclonedx-py requirements --output-reproducible --of JSON -o dist/sbom.cdx.json requirements.lock
	@set -o pipefail; $(if $(IMAGE),docker run --rm --network none --entrypoint dpkg-query $(IMAGE) --show --showformat '$${Package} $${Version} $${Architecture}\n',printf '') | $(BIN)/python -m tools.bill_of_materials dist/sbom.cdx.json
	@$(if $(IMAGE),true,echo 'Python packages only: IMAGE=gitee-chatops adds what that image has from Debian')

pin-base: ## write the newest digest of the base image into the Dockerfile; needs the internet
	docker pull --quiet $(BASE)
	sed -i "s|^ARG BASE_IMAGE=.*|ARG BASE_IMAGE=$(BASE)@$$(docker image inspect --format '{{index .RepoDigests 0}}' $(BASE) | cut -d@ -f2)|" Dockerfile
	grep '^ARG BASE_IMAGE=.*@sha256:' Dockerfile

$(AUDIT)/.installed: requirements-audit.lock | setup
	@$(BIN)/python -m venv --clear $(AUDIT)
	@$(AUDIT)/bin/python -m pip install --quiet --require-hashes -r requirements-audit.lock && touch $@

lock: setup ## update the lock files from pyproject.toml; UP=--upgrade takes newer versions
	$(COMPILE) $(UP) pyproject.toml -o requirements.lock
	$(COMPILE) $(UP) pyproject.toml --group dev -o requirements-dev.lock
	$(COMPILE) $(UP) --group pyproject.toml:build -o requirements-build.lock
	$(COMPILE) $(UP) --group pyproject.toml:fuzz -o requirements-fuzz.lock
	$(COMPILE) $(UP) --group pyproject.toml:audit -o requirements-audit.lock

down: ## stop the engine and the registry that setup started
	@[ ! -x $(BIN)/python ] || $(BIN)/python deploy/local/setup.py --down

clean: down ## the same, and remove .venv, .local and the caches of the tools
	rm -rf .venv .local dist .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find bot commands deploy tests playground tools benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
