.PHONY: help setup demo up down status test test-all lint browser screenshots lock clean
PYTEST = .venv/bin/python -m pytest
# Three processes on two cores, because a third of their time they wait for other processes and for the disk; the browser in one of its own,
# because its event loop runs while it is open. In the order of the folders: the long ones come first, so that no process is left with one at the end.
SIDE_BY_SIDE = -n 3 --dist loadfile --no-loadscope-reorder --ignore tests/browser
CUSTOMERS ?= 2000

help:            ## show this
	@grep -E '^[a-z-]+: .*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14
setup:           ## make the environment in .venv
	@tools/setup
demo: setup      ## invent an operator, bring it in, bill it, prove it; ends with the desk open (CUSTOMERS=2000, ARGS=--fresh)
	@.venv/bin/hoeksteen demo --customers $(CUSTOMERS) $(ARGS)
up: setup        ## start the databases, the keeper and the desk of the default data directory
	@.venv/bin/hoeksteen up
down:            ## stop them; a demonstration's are stopped with HOEKSTEEN_DATA=DIR, as `make demo` prints
	@.venv/bin/hoeksteen down
status:          ## say what runs; HOEKSTEEN_DATA=DIR for another directory, such as a demonstration's
	@.venv/bin/hoeksteen status
test: setup      ## linters, types, house rules and every suite but the slow ones
	@tools/system-packages chromium softhsm2
	@failed=0; $(MAKE) --no-print-directory --output-sync=target -k -j 2 -o setup lint browser & beside=$$!; \
	$(PYTEST) -m "not slow" --durations=5 $(SIDE_BY_SIDE) $(ARGS) || failed=1; wait $$beside || failed=1; exit $$failed
test-all: setup  ## every suite, the slow ones too
	@tools/system-packages chromium softhsm2 golang-go golang-golang-x-mod-dev openjdk-17-jre-headless mariadb-server-core mariadb-client-core
	@.setup/bin/uv pip install -q --python .venv/bin/python --require-hashes -r requirements/spark.txt
	@$(MAKE) --no-print-directory lint
	HOEKSTEEN_THOROUGHNESS=5 $(PYTEST) --durations=10 --cov --cov-report= $(SIDE_BY_SIDE) $(ARGS)
	$(PYTEST) --durations=10 --cov --cov-append --cov-report=term:skip-covered tests/browser
lint: setup      ## ruff, mypy and the import contracts
	@.venv/bin/ruff check src tests
	@.venv/bin/ruff format --check src tests
	@.venv/bin/mypy
	@.venv/bin/lint-imports
browser: setup   ## the suite in a real browser; it waits much, so `make test` runs it beside the others
	$(PYTEST) -m "not slow" --durations=5 tests/browser
screenshots: setup ## draw the pictures of the README anew, from the demonstration
	@tools/screenshots
lock: setup      ## renew requirements/lock.txt after a change of pyproject.toml
	@.setup/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header --extra dev pyproject.toml -o requirements/lock.txt
	@.setup/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header requirements/setup.in -o requirements/setup.txt
	@.setup/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header requirements/spark.in -o requirements/spark.txt
	@.setup/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header --no-deps requirements/samples.in -o requirements/samples.txt
clean:           ## remove the environment and what the tools made
	rm -rf .venv .setup .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache src/hoeksteen/interfaces/static/vendor
