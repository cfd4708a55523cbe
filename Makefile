# The commands of this project. `make help` lists them.
#
#   make setup PYTHON=/path/to/python3.11    another Python 3.11
#   make test ARGS="-k depth"                more arguments for pytest

VENV := .venv
RUN := $(VENV)/bin/python
ARGS ?=
OTHER_BLENDERS := 4.2 5.0

.PHONY: help setup demo test test-blenders bench lint format lock clean

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' Makefile

setup: $(VENV)/complete ## make .venv as requirements.lock says; instant when it is there

$(VENV)/complete: requirements.lock
	@tools/setup.sh $(VENV)

demo: setup ## render a small dataset of built-in models and draw a sheet of it
	@$(RUN) render.py -d test_dataset
	@$(RUN) -m synrender.report.contact_sheet -d test_dataset

test: setup ## run the tests
	@$(RUN) -m pytest -q $(ARGS)

test-blenders: $(OTHER_BLENDERS:%=test-blender-%) ## test the other Blenders, and compare all (-j2: at once)
	@$(RUN) tools/compare_blenders.py $(OTHER_BLENDERS)

test-blender-%: setup .venv-%/complete
	@SYNRENDER_TEST_BLENDERS=$* $(RUN) -m pytest -q tests/blender -k bpy$* $(ARGS)

.PRECIOUS: .venv-%/complete
.venv-%/complete: tools/blender-%.lock | $(VENV)/complete
	@tools/setup_blender.sh $*

bench: setup ## measure speed and error beside a plain Blender loop; 40 minutes, the first time half an hour more
	@$(RUN) benchmarks/render.py --compare $(ARGS)

lint: setup ## check style, types and import boundaries
	@$(RUN) -m ruff check
	@$(RUN) -m ruff format --check
	@$(RUN) -m ty check --quiet

format: setup ## repair what lint can repair
	@$(RUN) -m ruff check --fix
	@$(RUN) -m ruff format

lock: setup ## renew requirements.lock after a change of pyproject.toml (ARGS=--upgrade: newest versions)
	@$(RUN) -m uv pip compile pyproject.toml --all-extras --python-version 3.11 --python-platform linux \
		--generate-hashes --no-emit-index-url --custom-compile-command "make lock" \
		--quiet --output-file requirements.lock $(ARGS)
	@for v in $(OTHER_BLENDERS); do $(RUN) -m uv pip compile tools/blender-$$v.in \
		--python-version 3.11 --python-platform linux --generate-hashes --no-emit-index-url \
		--custom-compile-command "make lock" --quiet --output-file tools/blender-$$v.lock $(ARGS); done

clean: ## remove .venv and caches; rendered datasets stay
	@rm -rf $(VENV) .venv-* .pytest_cache .ruff_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
