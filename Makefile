# The commands a user types. `make help` lists them.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c

PYTHON ?= python3
DATA ?=
CONFIG ?= $(if $(DATA),small,demo)
RUN ?= $(basename $(notdir $(CONFIG)))
DATASET ?= demo
HTML ?=
OUT ?=
FIX ?=
DEVICE ?=
EPOCHS ?=
BATCH ?=
ACCUMULATE ?=
LR ?=
SIZE ?=
TILES ?=
TIME ?=
PATIENCE ?=
WEIGHTS ?=
TTA ?=
BUNDLE ?= runs/demo/demo.bundle
HOST ?= 127.0.0.1
PORT ?= 8000
TS_PORT ?= 8080
IN ?=
VARIANT ?= cpu
BASE ?=
PROFILE ?=
VERSION ?= $(shell sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
PYTHON_IMAGE ?= python:3.11-slim-bookworm
SOURCE ?= $(shell git config --get remote.origin.url)
IMAGE_PREFIX ?= $(or $(shell echo $(SOURCE) | sed -nE 's|.*github\.com[:/]([^/]+)/.*|ghcr.io/\L\1|p'),ghcr.io/umop)

option = $(if $($1),--$2 "$($1)")
# abspath takes a path with spaces for several.
absolute = $(if $(filter /%,$(firstword $1)),$1,$(CURDIR)/$1)
TRAIN_OPTIONS = $(strip $(foreach name,device epochs batch accumulate lr size tiles time patience weights,\
	$(call option,$(shell echo $(name) | tr a-z A-Z),$(name))))

IMAGE_NAME := (image: (&image )?|newName: |reference: |TRAIN = ")[^ ]+/umop-

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
LOCKED := --no-compile --no-deps --require-hashes --requirement
SERVE_VENV := .venv-serve
READY := $(VENV)/.ready
READY_TO_SERVE := $(SERVE_VENV)/.ready
READY_FOR_TORCHSERVE := $(VENV)/.ready-for-torchserve
READY_FOR_TESTS := $(VENV)/.ready-for-tests
COMPOSE := docker compose --file docker/compose.yaml $(if $(filter cuda,$(VARIANT)),--file docker/compose.gpu.yaml)
IN_DOCKER := $(filter docker,$(IN))
TO_TRAIN := $(if $(IN_DOCKER),folders,$(READY))
# One process more than cores: many tests wait for a server.
IN_PARALLEL = OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses $$(($$(nproc) + 1)) --maxprocesses 8 \
	--dist loadfile --no-loadscope-reorder
BENCH_PHOTO := data/crowns/photo.png
BENCH_BUNDLES := runs/demo/demo.bundle runs/demo-int8/demo-int8.bundle
UMOP := $(if $(IN_DOCKER),$(COMPOSE) run --rm train,$(BIN)/umop)
NAMED_DATA = $(if $(DATA),--data "$(if $(IN_DOCKER),data,$(DATA))")
# A line a folder: spaces separate them, but in the name of one that is there, and after ://.
SPLIT = if [ -e "$(DATA)" ]; then echo "$(DATA)"; else sed -E 's| +([^ ]*://)|\n\1|g' <<<"$(DATA)" | \
	sed -E '1{\|://|!s| +|\n|g}' | sed '/^ *$$/d'; fi
SEVERAL = $(if $(word 2,$(DATA)),$(shell $(SPLIT) | sed -n 2p))
GONE = $(if $(SEVERAL),$(shell $(SPLIT) | \
	while read -r each; do [[ $$each = *://* || -e $$each ]] || echo "$$each"; done))
ALL_THERE = $(if $(GONE),$(error DATA="$(DATA)": there is no $(firstword $(GONE)); \
	folders with spaces in their names are joined by umop only))
each_data = $(if $(DATA),$(ALL_THERE)$(shell $(SPLIT) | sed 's|.*|$1"&"|'))
ONE_IN_DOCKER = $(if $(SEVERAL),$(error IN=docker takes one folder of data that is there, not $(DATA)))
TRAINING_DATA = $(if $(IN_DOCKER),$(ONE_IN_DOCKER)$(NAMED_DATA),$(call each_data,--data ))

# Without bytecode every start compiles PyTorch and mmdet anew: five seconds of the processor.
unexport PYTHONDONTWRITEBYTECODE

# What docker/compose.yaml and docker/docker-bake.hcl read.
export BUNDLE_PATH = $(call absolute,$(BUNDLE))
export DATA_PATH = $(call absolute,$(or $(DATA),data))
export RUNS_PATH = $(CURDIR)/runs
export CACHE_PATH = $(or $(UMOP_CACHE),$(HOME)/.cache/umop)
export OWNER = $(shell id -u):$(shell id -g)
export IMAGE_PREFIX PORT PYTHON_IMAGE SOURCE VARIANT VERSION

.PHONY: folders images up down model-image manifests test-images test-cluster test-k8s test-kills help demo data doctor check train eval report export serve serve-only archive torchserve test test-fast lint bench docs site lock clean

help: ## Show this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z0-9-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' Makefile

demo: $(READY) ## Train on aerial photographs, evaluate, export, serve, detect: minutes on two cores
	$(BIN)/umop data demo
	$(BIN)/umop train demo
	$(BIN)/umop eval demo
	$(BIN)/umop export demo --sample data/crowns/photo.png
	$(BIN)/umop-serve try runs/demo/demo.bundle data/crowns/photo.png --out runs/demo
	@echo
	@echo "The image:       runs/demo/photo.detected.jpg"
	@echo "The run folder:  runs/demo (config, metrics, checkpoint, evaluation, bundle)"
	@echo "Serve it:        make serve"
	@echo "Your images:     make train DATA=/path/to/data"

data: $(TO_TRAIN) ## Fetch a data set: DATASET=coco (25 GB) or demo [IN=docker]
	DATA_ACCESS=rw $(UMOP) data $(DATASET)

doctor: $(READY) ## Say whether training works on this machine: versions, operators, GPU, disk
	$(BIN)/umop doctor

check: $(READY) ## Find what is wrong with a data set: DATA=/path, DATA="one other" [HTML=check.html] [FIX=/new/folder]
	$(BIN)/umop data check $(call each_data) $(if $(HTML),--html "$(HTML)") $(if $(FIX),--fix "$(FIX)")

train: $(TO_TRAIN) ## Train a model: DATA=/path, DATA="one other" [CONFIG=small] [EPOCHS= BATCH= SIZE= TILES=auto TIME=30m …] [IN=docker]; again to resume
	$(UMOP) train "$(CONFIG)" --run $(RUN) $(TRAINING_DATA) $(TRAIN_OPTIONS)

eval: $(TO_TRAIN) ## Print COCO's twelve numbers of a run: RUN=demo [DATA=/path] [TTA=1] [PRECISION=0.95] [IN=docker]
	$(UMOP) eval $(RUN) $(NAMED_DATA) $(if $(TTA),--tta) $(if $(PRECISION),--precision $(PRECISION))

report: $(READY) ## Write a page of a run, or of several side by side: RUN=demo, RUN="demo other" [OUT=page.html]
	$(BIN)/umop report $(RUN) $(if $(OUT),--out $(OUT))

export: $(TO_TRAIN) ## Write the bundle of a run and check it: RUN=demo [IN=docker]
	$(UMOP) export $(RUN)

serve: $(READY) ## Answer POST /detect: BUNDLE=runs/demo/demo.bundle [HOST=] [PORT=]
	$(BIN)/umop-serve --bundle "$(BUNDLE)" --host $(HOST) --port $(PORT)

serve-only: $(READY_TO_SERVE) ## The same without PyTorch, in an environment of 0.4 GB: BUNDLE=… [HOST=] [PORT=]
	$(SERVE_VENV)/bin/umop-serve --bundle "$(BUNDLE)" --host $(HOST) --port $(PORT)

archive: $(READY_FOR_TORCHSERVE) ## Pack a run's bundle as an archive for TorchServe: RUN=demo
	$(BIN)/umop archive $(RUN)

torchserve: $(READY_FOR_TORCHSERVE) ## Serve a run's bundle with TorchServe on loopback: RUN=demo [TS_PORT=8080]
	@archive=runs/$(RUN)/$(RUN).mar bundle=runs/$(RUN)/$(RUN).bundle; \
		[ $$archive -nt $$bundle/manifest.json ] && [ $$archive -nt $$bundle/model.sig ] || \
		$(BIN)/umop archive $(RUN)
	$(BIN)/umop-serve torchserve runs/$(RUN)/$(RUN).mar --port $(TS_PORT) --trust-program

images: ## Build the images for the CPU, or for GPUs with VARIANT=cuda: [IMAGE_PREFIX=…]
	REVISION=$$(git rev-parse HEAD) SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) \
		docker buildx bake --file docker/docker-bake.hcl $(VARIANT)

folders: # a folder that Docker has to make for a mount belongs to root
	@mkdir -p data runs "$(CACHE_PATH)"

model-image: ## Build an image of a bundle: BUNDLE=runs/demo/demo.bundle [BASE=…/umop-api:…, to copy it]
	options=$$($(PYTHON) docker/labels.py $(BUNDLE) $(IMAGE_PREFIX)/umop-model $(BASE)) && \
		xargs docker build --file docker/model.Dockerfile $(BUNDLE) <<<"$$options"

manifests: ## Put the name of your registry into k8s/: [IMAGE_PREFIX=registry.example.com/vision]
	grep -rlE '$(IMAGE_NAME)' k8s | xargs sed -i -E 's#$(IMAGE_NAME)#\1$(IMAGE_PREFIX)/umop-#'

up: ## Start the service and TorchServe in containers: BUNDLE=… [PORT=8000] [VARIANT=cuda] [PROFILE=monitoring]
	$(COMPOSE) $(if $(PROFILE),--profile $(PROFILE)) up --detach --wait
	@echo "http://127.0.0.1:$(PORT)"

down: ## Stop what `make up` started
	$(COMPOSE) --profile monitoring down

test-images: $(READY_FOR_TESTS) .venv-kfp/.ready images ## Build the images and test their containers; needs a Docker engine
	UMOP_TEST_IMAGES=1 $(BIN)/python -m pytest tests/docker --no-header

test-cluster: ## Walk docs/deployment.md on the cluster of kubectl, which has the images, and count lost requests: [KEEP=1]
	tests/k8s/cluster/walk.sh

test-k8s: $(READY_FOR_TESTS) .venv-checkov/.ready .venv-kfp/.ready ## Check the manifests for Kubernetes: schemas, code, alerts, security
	@command -v kubectl >/dev/null || echo "kubectl is not installed: its tests are skipped" >&2
	@command -v promtool >/dev/null || echo "promtool is not installed: its tests are skipped" >&2
	$(BIN)/python -m pytest tests/k8s --no-header

test: $(READY_FOR_TESTS) lint ## Check style and types, then run every test
	$(IN_PARALLEL) -m "not serial"
	$(BIN)/python -m pytest -m serial

test-fast: $(READY_FOR_TESTS) ## Run the tests that take seconds: some minutes in all
	$(IN_PARALLEL) -m "not serial and not slow"

test-kills: $(READY_FOR_TESTS) ## Kill training 20 times and stop it 20 times, and compare: several minutes
	UMOP_TEST_KILLS=20 OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests/umop/training/test_resume.py tests/umop/training/test_mirror.py -rP --timeout 3600

lint: $(READY_FOR_TESTS) ## Check style (ruff) and types (mypy)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(READY_FOR_TORCHSERVE) | $(BENCH_PHOTO) $(BENCH_BUNDLES) ## Print the CPU tables of docs/benchmarks.md: 9 minutes on two cores; trains the demo first if there is none
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/loss.py
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/decode.py $(BENCH_PHOTO) runs/demo/demo.bundle
	$(BIN)/python benchmarks/cpu_engines.py $(BENCH_PHOTO) $(BENCH_BUNDLES)
	OMP_WAIT_POLICY=PASSIVE $(BIN)/python benchmarks/training_step.py --rounds 1
	$(BIN)/python benchmarks/evaluation.py 500 5000
	$(BIN)/python benchmarks/growth.py 5000 20000
	$(BIN)/python benchmarks/torchserve_throughput.py runs/demo/demo.bundle $(BENCH_PHOTO) --seconds 4
	$(BIN)/python benchmarks/serving_peers.py runs/demo $(BENCH_PHOTO) --sizes 640x512 --rounds 1 --seconds 3
	$(BIN)/python benchmarks/serving_peers.py runs/demo $(BENCH_PHOTO) --sizes 1080p --clients 1 8 --rounds 1 --seconds 3
	$(BIN)/python benchmarks/serving_growth.py runs/demo/demo.bundle --requests 2000

docs: $(READY) ## Write the pages of docs/ that are made from the code: configuration and commands
	$(BIN)/python docs/generate/configuration.py
	$(BIN)/python docs/generate/commands.py

site: $(READY) .venv-site/.ready ## Build the site of docs/ in site/, without a dead link: [SERVE=1 to look at it]
	$(BIN)/python docs/generate/openapi.py
	NO_MKDOCS_2_WARNING=1 .venv-site/bin/mkdocs $(if $(SERVE),serve,build)

lock: $(READY_FOR_TESTS) ## Pin what pyproject.toml asks for, with hashes, in requirements/
	$(BIN)/python requirements/lock.py

clean: ## Delete the environment and the caches inside the clone; runs/ and data/ stay
	rm -rf $(VENV) $(SERVE_VENV) .venv-* site .pytest_cache .mypy_cache .ruff_cache *.egg-info

$(BENCH_PHOTO): | $(READY)
	$(BIN)/umop data demo

runs/demo/demo.bundle: | $(BENCH_PHOTO)
	$(BIN)/umop train demo
	$(BIN)/umop export demo

runs/demo-int8/demo-int8.bundle: | runs/demo/demo.bundle $(BENCH_PHOTO)
	mkdir -p $(@D)
	cp -R runs/demo/. $(@D)
	rm -rf $(@D)/demo.bundle
	$(BIN)/umop export demo-int8 --precision int8

$(READY): requirements/train.txt requirements/mmcv.txt requirements/mmcv_wheel.py pyproject.toml
	@echo "Making the environment in $(VENV) (5 GB, once)"
	@$(PYTHON) requirements/check_machine.py $(VENV)
	@$(PYTHON) -m venv $(VENV)
	$(PIP) install $(LOCKED) requirements/train.txt
	$(PIP) install --no-deps "$$($(BIN)/python requirements/mmcv_wheel.py)"
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(READY_TO_SERVE): requirements/serve.txt pyproject.toml
	@$(PYTHON) -m venv $(SERVE_VENV)
	$(SERVE_VENV)/bin/python -m pip --disable-pip-version-check install $(LOCKED) requirements/serve.txt
	$(SERVE_VENV)/bin/python -m pip --disable-pip-version-check install --no-deps --editable .
	@touch $@

$(READY_FOR_TORCHSERVE): requirements/torchserve.txt $(READY)
	$(PIP) install $(LOCKED) requirements/torchserve.txt
	@touch $@

.venv-%/.ready: requirements/%.txt  # what is not installed beside torch
	@$(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip --disable-pip-version-check install $(LOCKED) $<
	@touch $@

$(READY_FOR_TESTS): requirements/dev.txt $(READY) .venv-moto/.ready
	$(PIP) install $(LOCKED) requirements/dev.txt
	@touch $@
