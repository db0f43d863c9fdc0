# Everything runs in a virtual environment of its own, made at the first use and when pyproject.toml changes.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
WORLDS ?= 100
SEED   ?= 1
RUNS   ?= 100
ENGINE ?= connect
# Made-up hosts of every family to grade instead; 100 take a quarter of an hour.
FAMILIES ?= 0
# One of them, and a file that keeps its graded hosts: what it has is not graded again, and `cat` merges files.
FAMILY ?=
FILE   ?=
# sim, netns; of families also abstract, which is their usual.
WORLD  ?=
SECONDS ?= 600
# Processes that run tests, a file at a time: they mostly wait for the networks that they build.
JOBS   ?= 3
# What is run with the lowest versions: what reads, writes and prints, and so meets the packages.
LOWEST ?= tests/cli/test_commands.py tests/cli/test_output.py tests/explain tests/lab/test_check.py tests/lab/test_documents.py \
	tests/machine tests/model tests/redact tests/report tests/services tests/wire
# no: of a part of the tests, which need not cover the pure modules.
COVER  ?= yes

export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help demo test docs timing check lowest lock bench score table fuzz faults clean

help: ## show this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1|\2/p' Makefile | while IFS='|' read -r name about; do \
		printf '%-12s %s\n' "$$name" "$$about"; done

demo: $(VENV)/program ## build a small network, probe it, explain what was found
	@$(BIN)/bindprobe demo

test: $(VENV)/dev ## run every test that this machine can run (JOBS=3 files at once)
	@$(BIN)/python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder \
		$(if $(filter no,$(COVER)),,--cov --cov-report=)
	@test "$(COVER)" = no || $(BIN)/python -m coverage report --include="$$($(BIN)/python tests/house/pure.py)" \
		--show-missing --skip-covered --fail-under=100 > $(VENV)/coverage.txt || { \
		cat $(VENV)/coverage.txt; echo 'The pure modules must be covered in full.'; exit 1; }

timing: $(VENV)/dev ## run the tests of real seconds, on a machine with nothing else to do
	@$(BIN)/python -m pytest -m wall_time

check: $(VENV)/dev ## style, types, direction of imports, sizes
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q tests/house/test_sizes.py

docs: $(VENV)/dev ## make anew what the pages show: commands and what they print, the reference, the pictures
	@PYTHONPATH=tests/docs $(BIN)/python tests/docs/pages.py

lowest: $(VENV)/lowest/done ## run tests that need no network with the lowest versions of all that the program needs
	@$(VENV)/lowest/bin/python -m pytest -q -p no:cacheprovider -n $(JOBS) $(LOWEST) \
		-m 'not docker and not netns and not nmap and not nobody and not tshark and not wall_time'

lock: ## write requirements.lock, the newest versions with their hashes, which the images are made of
	@$(PYTHON) -m venv --clear $(VENV)-lock
	@$(VENV)-lock/bin/python -m pip install --quiet pip-tools
	@$(VENV)-lock/bin/pip-compile --quiet --upgrade --generate-hashes --strip-extras --no-header --no-emit-options \
		--output-file requirements.lock pyproject.toml
	@rm -r $(VENV)-lock

bench: $(VENV)/dev ## speed and memory against nmap, in namespaces of its own; kept in .venv/bench.json
	@PYTHONPATH=tests $(BIN)/python tests/bench/speed.py $(VENV)/bench.json

score: $(VENV)/dev ## verdicts on random worlds against the truth, beside nmap (WORLDS=100 SEED=1 ENGINE=connect FAMILIES=0 WORLD=netns)
	@$(if $(FILE),SCORE_FILE=$(FILE)) PYTHONPATH=tests $(BIN)/python -m score --worlds $(WORLDS) --seed $(SEED) --engine $(ENGINE) --families $(FAMILIES) \
		$(if $(WORLD),--world $(WORLD)) $(if $(FAMILY),--family '$(FAMILY)')

table: $(VENV)/dev ## all scenarios in every world with both engines, compared: 20 minutes, as root
	@PYTHONPATH=tests $(BIN)/python -m worlds_table

faults: $(VENV)/dev ## networks to which something happens while they are scanned, in memory (RUNS=100 SEED=1)
	@PYTHONPATH=tests $(BIN)/python tests/faults/grade_faults.py --runs $(RUNS) --seed $(SEED)

fuzz: $(VENV)/dev ## broken packets and inputs for the codec and every parser, half of the time each (SECONDS=600 SEED=1)
	@$(BIN)/python tests/fuzz/codec.py --seconds $$(($(SECONDS) / 2)) --seed $(SEED)
	@$(BIN)/python tests/fuzz/parsers.py --seconds $$(($(SECONDS) / 2)) --seed $(SEED)

clean: ## remove what the other commands made
	rm -rf $(VENV) .coverage .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist build
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/lowest/done: pyproject.toml $(VENV)/pip tests/house/lowest.py
	@$(PYTHON) -m venv --clear $(VENV)/lowest
	@$(VENV)/lowest/bin/python -m pip install --quiet --upgrade 'pip>=25.1'
	@$(VENV)/lowest/bin/python tests/house/lowest.py | xargs $(VENV)/lowest/bin/python -m pip install --quiet \
		hypothesis jsonschema pytest pytest-cov pytest-timeout pytest-xdist
	@touch $@

$(VENV)/pip: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo 'bindprobe needs Python 3.11 or newer; choose one with: make PYTHON=python3.12 ...' >&2; exit 1; }
	@echo 'Setting up $(VENV) (once) ...' >&2
	@$(PYTHON) -m venv --clear $(VENV) || { \
		echo 'The venv module of $(PYTHON) does not work; on Debian: apt-get install python3-venv' >&2; exit 1; }
	@$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	@touch $@

$(VENV)/program: $(VENV)/pip
	@$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(VENV)/dev: $(VENV)/program
	@$(BIN)/python -m pip install --quiet --group dev
	@touch $@
