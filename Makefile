# Two commands do everything: `make demo` and `make test`. Both work on a fresh machine with Python 3.11+.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test soak check coverage setup peers site

demo: .venv/usable
	$(BIN)/pacsflow demo

test: setup peers
	$(BIN)/python tools/suite.py -m "not soak" -n 4 --dist loadfile --no-loadscope-reorder

soak: setup peers
	$(BIN)/python -m pytest -m soak --timeout 0
	$(BIN)/python -m pytest -m "not soak" --timeout 0 --hypothesis-profile anew tests/unit

# What the unit tests execute: a percentage, and the lines that never ran.
coverage: setup
	$(BIN)/python tools/suite.py -q tests/unit -m "not soak" -n 4 --dist loadfile --cov --cov-report term --cov-report html:.coverage-html

# The documentation as a site, in .site; a link that leads nowhere ends it.
site: setup
	$(BIN)/python tools/site.py

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tools/measures.py

setup: .venv/ready

INSTALL := $(BIN)/python -m pip install --disable-pip-version-check
# What is fetched is shown as it comes. $(1): the lock.
define install
test -x $(BIN)/python || $(PYTHON) -m venv .venv
@echo "installing $$(grep -c '^[a-zA-Z0-9].*==' $(1)) packages of $(1) into .venv: minutes, the first time"
$(INSTALL) --require-hashes -r $(1)
$(INSTALL) --quiet --no-deps --editable .
endef

# What a run needs.
.venv/usable: requirements-run.lock pyproject.toml
	$(call install,requirements-run.lock)
	touch $@

# What developers need.
.venv/ready: requirements.lock pyproject.toml
	$(call install,requirements.lock)
	touch $@ .venv/usable

# The real peers of the tests: Debian packages, installed where that is allowed.
peers:
	@sh tests/peers/install.sh
