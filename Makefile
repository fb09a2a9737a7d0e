# make demo | setup | test | test-thorough | bench | lock | clean | synth-aws | deploy-aws | destroy-aws
.PHONY: help demo setup dev test test-thorough bench lock clean cdk synth-aws deploy-aws destroy-aws
.DEFAULT_GOAL := help

VENV ?= .venv
export VENV
# Idle OpenMP threads must not spin: on a shared machine that costs more than the work itself.
export OMP_WAIT_POLICY ?= PASSIVE

help:
	@echo "make demo    set up, then make a playlist from a simulated history"
	@echo "make setup   make $(VENV), so that $(VENV)/bin/segue works"
	@echo "make test    set up, then run every check"
	@echo "make test-thorough  the same proofs with more numbers (minutes)"
	@echo "make bench   set up, then measure (minutes; not part of the tests)"
	@echo "make lock    write the lock files anew"
	@echo "make synth-aws OUT=dir    write the CloudFormation templates; needs no account"
	@echo "make deploy-aws           put Segue up on AWS (docs/aws.md); ARGS='-c parts=…'"
	@echo "make destroy-aws          take it down; the bucket, the table and the stream stay"
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

test-thorough: dev
	$(VENV)/bin/pytest -n auto --dist loadgroup -m thorough

bench: dev
	$(VENV)/bin/python -m bench

lock: setup
	@tools/lock.sh

# The CDK's command is a program of Node.js; npx brings the version that reads these templates.
CDK ?= npx --yes aws-cdk@2.1148.1
OUT ?= build/aws
ARGS ?=

cdk:
	@tools/setup.sh cdk

synth-aws: cdk
	@mkdir -p "$(OUT)"
	@out=$$(cd "$(OUT)" && pwd) && here=$$(pwd) && cd deploy/aws && \
	    PATH="$$here/$(VENV)-cdk/bin:$$PATH" SEGUE_SYNTH_OUT="$$out" python app.py $(ARGS) && \
	    echo "templates are in $$out"

deploy-aws destroy-aws: synth-aws
	@PATH="$$(pwd)/$(VENV)-cdk/bin:$$PATH" $(CDK) $(@:-aws=) --app "$(OUT)" --all

clean:
	rm -rf $(VENV) $(VENV)-fakesnow $(VENV)-cdk $(VENV)-kustomize build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find src tests bench -name __pycache__ -prune -exec rm -rf {} +
