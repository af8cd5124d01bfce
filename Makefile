# `make run` and `make test` are all that a newcomer needs; both install what they use into .venv first.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.DEFAULT_GOAL := help
.PHONY: help run test check lint format types layers lock clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(VENV)/.installed-run ## Install what is needed and start the service on http://127.0.0.1:8000
	@exec $(BIN)/soundkin serve

test: $(VENV)/.installed-dev ## Install what is needed and run all tests, some files at once
	OMP_NUM_THREADS=1 $(BIN)/pytest --numprocesses logical --maxprocesses 4 --dist loadfile

check: lint types layers test ## Lint, types, layers, tests: what has to pass before a commit

lint: $(VENV)/.installed-dev ## Style and common mistakes
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(VENV)/.installed-dev ## Rewrite the code in the common style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(VENV)/.installed-dev ## Static types
	$(BIN)/mypy

layers: $(VENV)/.installed-dev ## Who may import whom
	$(BIN)/lint-imports

lock: $(VENV)/.installed-dev ## Write constraints.txt from what is installed
	@{ echo '# Versions that were tested together; `make lock` writes this file anew.'; \
	  $(BIN)/python -m pip list --format=freeze \
	  | grep -v -E '^(soundkin|pip|setuptools|nvidia-.*|cuda-.*|triton)=' | sed 's/+cpu$$//'; } > constraints.tmp
	@mv constraints.tmp constraints.txt

clean: ## Remove the virtual environment and caches; data stays
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis *.egg-info

# torch goes first: a resolver that is still free to choose may pick a newer build with gigabytes of CUDA libraries.
$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Soundkin needs Python 3.11 or newer")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed-run: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo 'Installing Soundkin into $(VENV) (a few minutes the first time) ...'
	$(PIP) torch
	$(PIP) --editable '.[cpu]'
	@touch $@

$(VENV)/.installed-dev: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo 'Installing Soundkin and its tools into $(VENV) (a few minutes the first time) ...'
	$(PIP) torch
	$(PIP) --editable '.[dev]'
	$(PIP) --no-deps tinysoundfont # its pyaudio is of no use here and builds on few machines
	@touch $@ $(VENV)/.installed-run
