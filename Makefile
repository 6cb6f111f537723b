# One command makes the map. `make help` lists the rest.

.DEFAULT_GOAL := help
.PHONY: help map test check bench skill ci docs lock schema epochs clean

VENV ?= .venv
PYTHON ?= $(shell command -v python3.11 || command -v python3)
PY := $(VENV)/bin/python
# a stamp bears the checksum of its lock: what is installed is what is pinned, or it is installed again
lock_stamp = $(VENV)/.$(1)-$(shell cksum < $(1).lock | cut -d' ' -f1)
MAP_STAMP := $(call lock_stamp,requirements)
DEV_STAMP := $(call lock_stamp,requirements-dev)
UV_COMPILE = $(VENV)/bin/uv pip compile --quiet --universal --python-version 3.11 --no-emit-index-url --no-annotate --no-header pyproject.toml

help: ## list these targets
	@echo "make map REGION=balochistan [SYSTEM=porphyry_copper|all] [DATA=sample] [ARGS='--workers 4']"
	@echo
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1	\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 16

map: region-is-named $(MAP_STAMP) ## make the map of REGION, or what changed of it; outputs go to outputs/
	@$(PY) -m pipeline map $(REGION) $(if $(SYSTEM),--system $(SYSTEM)) $(if $(DATA),--data $(DATA)) $(ARGS)

.PHONY: region-is-named
region-is-named:
	@test -n "$(REGION)" || { echo "error: name a region, for example: make map REGION=balochistan (there are: $(basename $(notdir $(wildcard configs/regions/*.yaml))))" >&2; exit 2; }

test: $(DEV_STAMP) ## the tests, but for those of tests/world, tests/real_parts and tests/opened, which .ci/run runs
	@$(PY) -m pytest tests --ignore=tests/world --ignore=tests/real_parts --ignore=tests/opened -q -n 2 --dist loadfile

check: $(DEV_STAMP) ## style, types, import floors, schema drift, epochs
	@$(VENV)/bin/ruff check .
	@$(PY) -m mypy
	@$(VENV)/bin/lint-imports --no-logo
	@$(PY) -m pytest tests/house -q

bench: $(DEV_STAMP) ## weights of evidence beside a published figure, what each feature costs, the bytes a part of the ground costs, forests beside scikit-learn, applicability beside a tree over the samples, a run that changes nothing, the same map beside Pyspatialml and EIS Toolkit, memory and time against the size of a region, up to 400 million cells, what the doctor foretells beside what a job takes, then workers of a cluster that share nothing, die and come; more than an hour, 50 GB of disk, on a quiet machine
	@$(PY) -m benchmarks.woe
	@$(PY) -m benchmarks.features
	@$(PY) -m benchmarks.fetch
	@$(PY) -m benchmarks.scorer
	@$(PY) -m benchmarks.nearest
	@$(PY) -m benchmarks.rerun
	@$(PY) -m benchmarks.peers
	@$(PY) -m benchmarks.workers
	@$(PY) -m benchmarks.foretold
	@$(PY) -m benchmarks.scale 1 4 16 64 256 400 --anew
	@$(PY) -m pytest tests/world/test_cluster.py -v --no-header -rs

skill: $(DEV_STAMP) ## whether intervals hold and counts are right in worlds whose truth is known, what infill brings back, leaks, every model; hours
	@$(PY) -m benchmarks.coverage
	@$(PY) -m benchmarks.applicability
	@$(PY) -m benchmarks.reliability
	@$(PY) -m benchmarks.infill
	@$(PY) -m benchmarks.leaks
	@$(PY) -m benchmarks.skill

docs: $(DEV_STAMP) ## build the documentation into site/
	@$(PY) -m mkdocs build --quiet

ci: ## everything, as .ci/run does it; under an hour
	@.ci/run

lock: $(DEV_STAMP) ## pin the requirements anew from pyproject.toml
	@$(UV_COMPILE) --output-file requirements.lock
	@$(UV_COMPILE) --extra dev --constraint requirements.lock --output-file requirements-dev.lock

schema: $(DEV_STAMP) ## write configs/schema.json and docs/features.md anew
	@$(PY) -m pipeline.config.schema
	@$(PY) -m pipeline.screen.gallery

epochs: $(DEV_STAMP) ## record recipes whose EPOCH was raised, and new ones
	@$(PY) -m tests.house.epochs

clean: ## remove cache/, outputs/ and what tools left; the next map starts from nothing
	@rm -rf cache outputs .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find pipeline tests sample_data -name __pycache__ -type d -prune -exec rm -rf {} +

$(PY):
	@test -n "$(PYTHON)" && $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "error: Python 3.11 or later is needed, found '$$($(PYTHON) --version 2>&1)'; install one, or say where it is: make map PYTHON=/path/to/python3.11 ..." >&2; exit 2; }
	@echo "making $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv --clear $(VENV)

# what an editable install does, without a build tool to download: this checkout importable, and the command `prospect`
define LINK
import pathlib, sys, sysconfig
pathlib.Path(sysconfig.get_path("purelib"), "prospect.pth").write_text(str(pathlib.Path.cwd()) + "\n")
command = pathlib.Path(sys.argv[1])
command.write_text(f"#!{sys.executable}\nfrom pipeline.cli import main\n\nif __name__ == '__main__':  # a worker imports this file\n    main()\n")
command.chmod(0o755)
endef
export LINK

# $(1): the name of a lock
define install
	@$(PY) -m pip --version > /dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	@echo "installing what $(1).lock pins, once; this takes some minutes"
	@$(PY) -m pip install --quiet --disable-pip-version-check --requirement $(1).lock
	@$(PY) -c "$$LINK" $(VENV)/bin/prospect
	@touch $@
endef

$(MAP_STAMP): | $(PY)
	$(call install,requirements)

$(DEV_STAMP): | $(PY)
	$(call install,requirements-dev)
