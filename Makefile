# The commands of this project. `make help` lists them.
#
#   make setup PYTHON=/path/to/python3.11    another Python 3.11
#   make test ARGS="-k depth"                more arguments for pytest

VENV := .venv
RUN := $(VENV)/bin/python
ARGS ?=

.PHONY: help setup demo test lint format lock clean

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' Makefile

setup: $(VENV)/complete ## make .venv as requirements.lock says; instant when it is there

$(VENV)/complete: requirements.lock
	@tools/setup.sh $(VENV)

demo: setup ## render a small dataset of built-in models and draw a sheet of it
	@$(RUN) render.py -d test_dataset
	@$(RUN) -m synrender.contact_sheet -d test_dataset

test: setup ## run the tests
	@$(RUN) -m pytest -q $(ARGS)

lint: setup ## check style and import boundaries
	@$(RUN) -m ruff check
	@$(RUN) -m ruff format --check

format: setup ## repair what lint can repair
	@$(RUN) -m ruff check --fix
	@$(RUN) -m ruff format

lock: setup ## renew requirements.lock after a change of pyproject.toml (ARGS=--upgrade: newest versions)
	@$(RUN) -m uv pip compile pyproject.toml --all-extras --python-version 3.11 --python-platform linux \
		--generate-hashes --no-emit-index-url --custom-compile-command "make lock" \
		--quiet --output-file requirements.lock $(ARGS)

clean: ## remove .venv and caches; rendered datasets stay
	@rm -rf $(VENV) .pytest_cache .ruff_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
