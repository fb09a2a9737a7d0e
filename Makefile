# make demo | setup | test | bench | lock | clean
.PHONY: help demo setup dev test bench lock clean
.DEFAULT_GOAL := help

VENV ?= .venv
export VENV
# Idle OpenMP threads must not spin: on a shared machine that costs more than the work itself.
export OMP_WAIT_POLICY ?= PASSIVE

help:
	@echo "make demo    set up, then make a playlist from a simulated history"
	@echo "make setup   make $(VENV), so that $(VENV)/bin/segue works"
	@echo "make test    set up, then run every check"
	@echo "make bench   set up, then measure (minutes; not part of the tests)"
	@echo "make lock    write the lock files anew"
	@echo "make clean   remove $(VENV) and caches, never your data"

setup:
	@tools/setup.sh runtime

dev:
	@tools/setup.sh dev

demo: setup
	@$(VENV)/bin/segue demo

test: dev
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports
	$(VENV)/bin/pytest -n auto --dist loadgroup

bench: dev
	$(VENV)/bin/python -m bench

lock: setup
	@tools/lock.sh

clean:
	rm -rf $(VENV) $(VENV)-fakesnow build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find src tests bench -name __pycache__ -prune -exec rm -rf {} +
