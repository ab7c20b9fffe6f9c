# Each target does all of its own set-up. PYTHON names the interpreter to build with; 3.11 or later.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PLUGINS := $(wildcard plugins/*)
HYPOTHESIS_PROFILE ?= quick
export HYPOTHESIS_PROFILE

.PHONY: setup demo test lint prove clean

setup: $(VENV)/.ready

$(VENV)/.ready: pyproject.toml constraints.txt $(wildcard plugins/*/pyproject.toml)
	@echo "Setting up $(VENV) ..."
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is older than 3.11; run: make PYTHON=python3.11 ..."; exit 1; }
	@started=$$(date +%s); \
	$(PYTHON) -m venv $(VENV) && \
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test]' $(addprefix -e ,$(PLUGINS)) && \
	touch $@ && echo "Set up in $$(( $$(date +%s) - started )) s."

demo: setup
	@$(BIN)/ehscheduler demo

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The tests of one file stay together, so that what is costly to set up is set up once. One more than the two cores
# that are promised, for some tests wait for a deadline or a server.
test: lint
	$(BIN)/python -m pytest -q -n 3 --dist loadfile --no-loadscope-reorder

prove: setup
	HYPOTHESIS_PROFILE=ci $(BIN)/python -m pytest -q -n 2 tests/core/test_stateful.py
	$(BIN)/python -m pytest -q -n 2 -m campaign tests/proofs
	$(BIN)/python -m pytest -q -n 0 -m campaign tests/campaign

clean:
	rm -rf $(VENV) build dist *.egg-info
