# make demo   from a fresh clone to a trained model, its verified export and its page, nothing else needed
# make check  lint, type check and the everyday tests
# make report the pages and pictures of all results in one file, build/report.html
# make test   lint, type check and every test but those on a cluster
# make test-slurm   those: they start a cluster of one node, and need root and Debian's SLURM
# make clean  remove what the workflow made; `make distclean` removes what was downloaded, .venv and weights, too

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CORES ?= all
READY := $(VENV)/.ready
# the variable: without advice about a release of mkdocs that is not used here
MKDOCS := NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs

# hadolint's and BuildKit's rules, without asking a registry; no health check, as the image runs a command and ends
TALLY := --no-config --slow-checks off --ignore 'tally/*' --ignore hadolint/DL3057 --fail-level info

.PHONY: demo report test test-slurm check lint format dryrun docs rulegraph site clean distclean setup

demo: $(READY)
	$(BIN)/snakemake --cores $(CORES) results/demo/efficientnet_lite0_vtn/model.xml \
		results/demo/efficientnet_lite0_vtn/report/index.html

# Snakemake's report of the pages, pictures and tables that are there and configured; it makes none of them.
report: $(READY)
	@mkdir -p build
	@$(BIN)/python -m kinema.experiment.reported > build/reported.txt
	$(BIN)/snakemake --report build/report.html -- $$(cat build/reported.txt)

# Whole files go to workers in this order, after the longest ones (tests/conftest.py).
WORKERS ?= 2
PYTEST := $(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder
TESTS := tests/workflow tests/golden tests/gpu tests/browser tests/unit

test: lint
	$(PYTEST) $(TESTS)

# In an environment of its own, of the same packages and Snakemake's executor beside them.
SLURM_VENV := .venv-slurm
SLURM_READY := $(SLURM_VENV)/.ready
SLURM_PINS := $(shell grep -E '^(snakemake-executor-plugin-slurm|throttler)' constraints.txt)

test-slurm: $(SLURM_READY)
	$(SLURM_VENV)/bin/python -m pytest tests/slurm

$(SLURM_READY): $(READY)
	$(BIN)/python -m venv --without-pip $(SLURM_VENV)
	site() { "$$1/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))'; }; \
		site $(VENV) > "$$(site $(SLURM_VENV))/shared.pth"; \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --upgrade \
		--target "$$(site $(SLURM_VENV))" $(SLURM_PINS)
	@touch $@

check: lint
	$(PYTEST) -m "not slow and not workflow and not browser" $(TESTS)

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/mypy
	$(BIN)/snakemake --lint
	$(BIN)/tally lint $(TALLY) Dockerfile containers/Dockerfile
	$(MKDOCS) build --strict

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/snakefmt Snakefile workflow

dryrun: $(READY)
	$(BIN)/snakemake --cores $(CORES) --dry-run

docs: $(READY)
	$(BIN)/kinema config-reference --write config/README.md
	$(BIN)/python -m kinema.records.reference docs/records.md

# Of a project in which nothing is made yet; needs dot of Graphviz.
rulegraph: $(READY)
	@command -v dot > /dev/null || { echo "dot not found: install Graphviz, https://graphviz.org"; exit 1; }
	folder=$$(mktemp -d) && $(BIN)/snakemake --directory $$folder --rulegraph > $$folder/rules.dot \
		&& dot -Grankdir=LR -Tsvg -o docs/images/rulegraph.svg $$folder/rules.dot && rm -r $$folder

site: $(READY)
	$(MKDOCS) build --strict
	@echo "build/site/index.html"

setup: $(READY)

# Installed anew when the requirements change. Only wheels of PyPI, no sudo, no system ffmpeg. Python compiles a module
# when it is first imported: most of the 23,000 never are.
$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python %d.%d found, 3.11 or newer needed: make PYTHON=/path/to/python3.12 ..." % sys.version_info[:2])'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --constraint constraints.txt \
		--editable '.[dev]'
	@touch $@

clean:
	rm -rf data/demo prepared results work logs build .snakemake benchmarks/out .pytest_cache .mypy_cache .ruff_cache

distclean: clean
	rm -rf $(VENV) $(SLURM_VENV) weights *.egg-info
