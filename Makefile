# `make repro` and `make test` need nothing but Python, make and a package index.
PYTHON ?= python3
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
# The environment has all files, so no hub is contacted. Set HF_HUB_OFFLINE=0 to allow contact.
export HF_HUB_OFFLINE ?= 1

.PHONY: repro test bench faults lint environment peers

repro: environment
	@echo "Reproducing the pipeline (dvc repro, two stages at a time)"
	@python -m fundiff.pipeline.lock
	@start=$$(date +%s); python -m fundiff.pipeline.side_by_side && echo "Done in $$(( $$(date +%s) - start )) s. Open report/index.html"

test: environment
	@echo "Running the tests (pytest), two files at a time"
	@start=$$(date +%s); pytest -m '' -n 2 --dist loadfile --no-loadscope-reorder && echo "Tests done in $$(( $$(date +%s) - start )) s"

bench: environment peers
	@echo "Measuring FunDiff and its peers (python -m benchmarks.run)"
	@python -m benchmarks.run $(BENCH_ROWS)

faults: environment
	@echo "Causing faults (kills, a full disk, ...) in a copy of the project (python -m tests.faults_campaign)"
	@python -m tests.faults_campaign --rounds $(or $(ROUNDS),50)

lint: environment
	ruff format --check . && ruff check . && mypy

environment: $(BIN)/.made

peers: $(BIN)/.peers

$(BIN)/.made: pyproject.toml requirements.lock
	@echo "Making the environment in .venv (a few minutes, once)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "$(PYTHON) is missing or older than 3.11; install Python 3.11 or newer, or say which: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' || \
		{ echo "$(PYTHON) cannot make environments; install its venv module (Debian: python3-venv)" >&2; exit 1; }
	@start=$$(date +%s); test -d .venv || $(PYTHON) -m venv .venv; \
	$(BIN)/python -m pip install -q -c requirements.lock torch torchvision && \
	$(BIN)/python -m pip install -q -c requirements.lock -e .[test] && touch $@ && \
	echo "Environment made in $$(( $$(date +%s) - start )) s"

$(BIN)/.peers: $(BIN)/.made
	@echo "Adding the peers to .venv"
	@$(BIN)/python -m pip install -q -c requirements.lock -e .[bench] && touch $@
