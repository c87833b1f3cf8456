# Two commands do everything: `make demo` and `make test`. Both work on a fresh machine with Python 3.11+.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test soak check setup peers

demo: setup
	$(BIN)/pacsflow demo

test: setup peers
	$(BIN)/python -m pytest -m "not soak" -n 2 --dist loadfile

soak: setup peers
	$(BIN)/python -m pytest -m soak --timeout 0

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

setup: .venv/ready

.venv/ready: requirements.lock pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	touch $@

# The real peers of the tests: Debian packages, installed where that is allowed.
peers:
	@sh tests/peers/install.sh
