# The commands of this project. `make help` lists them.
#
#   make setup PYTHON=/path/to/python3.13    the Python to use: 3.11 (the default) or 3.13
#   make test ARGS="-k depth"                more arguments for pytest

VENV := .venv
RUN := $(VENV)/bin/python
ARGS ?=
# Tests wait for other processes nearly half of their time: three for each two CPUs.
JOBS := $(shell n=$$(nproc 2>/dev/null || sysctl -n hw.ncpu); echo $$((n + (n + 1) / 2)))
PYTEST = $(RUN) -m pytest -q -n $(JOBS) --dist loadfile --no-loadscope-reorder
OTHER_BLENDERS := 4.2 5.0 5.2
# pyproject.toml says 3.10, the least that Blender has; numpy 2's types need 3.12.
TYPES = $(if $(wildcard $(VENV)/bin/python3.13),--python-version 3.13)
python_of = $(if $(filter 5.2,$1),3.13,3.11)

.PHONY: help setup demo test test-slow test-weekly test-mutations test-kill test-blenders test-torch \
	docs gallery test-docs bench lint \
	format lock clean

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' Makefile
	@echo
	@echo "Needs, measured: 750 MB of downloads, 2.6 GB of disk for .venv, 0.1 GB for the demo;"
	@echo "0.3 GB of memory for render.py, 1.1 GB for distributed_render.py on two cores."
	@echo "1,000 samples at 128 x 128 px: 30 MB as PNG (render_single), 250 MB as EXR (render_multi)."

setup: ## make .venv as the lock of its Python says; instant when it is there
	@PYTHON="$(PYTHON)" tools/setup.sh $(VENV)

demo: setup ## render a small dataset of built-in models, and draw a sheet and a report of it
	@$(RUN) render.py -d demo -p "sample.class_idxs = 10" \
		"sample.balanced = True" "batch.cache_obj_frames = 2"
	@$(RUN) report_dataset.py -d demo --sheet
	@$(RUN) report_dataset.py -d demo

test: setup ## run the tests that every change needs
	@$(PYTEST) -m "not slow" $(ARGS)

test-slow: setup ## run the rest: long kills, large matrices, what other processes do
	@$(PYTEST) -m "slow and not weekly" $(ARGS)

test-weekly: setup ## run what repeats other tests longer, or with another Blender
	@$(PYTEST) -m weekly $(ARGS)

test-mutations: setup ## read and render N damaged files, none of which may do harm (N=1000)
	@SYNRENDER_TEST_MUTANTS=$(or $(N),1000) $(RUN) -m pytest -q -s tests/hostile $(ARGS)

test-kill: setup ## kill N drivers, workers and preprocessings at random moments, and compare (N=100)
	@$(RUN) -m tests.hostile.kills $(or $(N),100)

test-blenders: $(OTHER_BLENDERS:%=test-blender-%) ## test the other Blenders, and compare all (-j2: at once)
	@$(RUN) tools/compare_blenders.py $(OTHER_BLENDERS)

test-blender-%: setup
	@PYTHON= tools/setup.sh .venv-$* tools/blender-$*.lock $(call python_of,$*)
	@SYNRENDER_TEST_BLENDERS=$* $(RUN) -m pytest -q -m "not slow" \
		tests/blender -k bpy$* $(ARGS)

test-torch: setup ## test the loader with PyTorch's own DataLoader (200 MB, or 6 GB from PyPI; Python 3.11)
	@PYTHON= PIP_RETRIES=1 tools/setup.sh .venv-torch tools/torch.lock 3.11 || \
		PYTHON= tools/setup.sh .venv-torch tools/torch-pypi.lock 3.11
	@PYTHONPATH=.venv-torch/lib/python3.11/site-packages \
		$(RUN) -m pytest -q tests/loading/test_torch.py $(ARGS)

docs: ## build the documentation into docs/_build, with warnings as errors (Python 3.11)
	@PYTHON= tools/setup.sh .venv-docs tools/docs.lock 3.11
	@.venv-docs/bin/python -m sphinx -q -W --keep-going -j auto -b html docs docs/_build
	@echo "docs/_build/index.html"

gallery: setup ## render the pictures of the documentation's gallery again, and write its page
	@$(RUN) tools/make_gallery.py $(ARGS)

test-docs: setup ## run the commands and examples of the documentation on small data sets
	@$(RUN) -m pytest -q tests/docs $(ARGS)

bench: setup ## measure speed and error beside a plain Blender loop; 40 minutes, the first time half an hour more
	@$(RUN) benchmarks/render.py --compare $(ARGS)

lint: setup ## check style, types and import boundaries
	@$(RUN) -m ruff check
	@$(RUN) -m ruff format --check
	@$(RUN) -m ty check --quiet $(TYPES)

format: setup ## repair what lint can repair
	@$(RUN) -m ruff check --fix
	@$(RUN) -m ruff format

COMPILE := uv pip compile --python-platform linux --generate-hashes --no-emit-index-url \
	--custom-compile-command "make lock" --quiet

lock: setup ## renew the locks after a change of pyproject.toml (ARGS=--upgrade: newest versions)
	@for v in 3.11 3.13; do $(RUN) -m $(COMPILE) pyproject.toml --all-extras \
		--python-version $$v --output-file requirements-$$v.lock $(ARGS) || exit; done
	@$(RUN) -m $(COMPILE) pyproject.toml --python-version 3.13 --constraint requirements-3.13.lock \
		$(addprefix --extra ,render audit export report storage) \
		--output-file tools/container.lock $(ARGS)
	@$(RUN) -m $(COMPILE) tools/docs.in --python-version 3.11 --output-file tools/docs.lock $(ARGS)
	@$(foreach v,$(OTHER_BLENDERS),$(RUN) -m $(COMPILE) tools/blender-$v.in \
		--python-version $(call python_of,$v) --output-file tools/blender-$v.lock $(ARGS) &&) true

clean: ## remove .venv and caches; rendered datasets stay
	@rm -rf $(VENV) .venv-* .pytest_cache .ruff_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
