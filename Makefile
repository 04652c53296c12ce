# ppp-sim800. `make help` lists what there is.

AIR ?= ideal
MODEM ?= R13.08
PYTHON ?= python3
TESTS ?= tests

VENV := build/venv/bin
export PYTHON
export PYTHONPATH := $(CURDIR)/simulator

.DEFAULT_GOAL := help
.PHONY: help demo test lint format bench vm repl setup-demo setup-test clean distclean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: vm ## Power up the simulated T-Call and do HTTPS over PPP (AIR=ideal|gprs MODEM=R13.08|R14.18)
	@$(VENV)/python -m demo --air $(AIR) --modem $(MODEM)

test: setup-test vm lint ## Run everything that needs no hardware (TESTS=path, ARGS=pytest's)
	@$(VENV)/pytest -q -n auto $(TESTS) $(ARGS)

lint: setup-test ## Check style, spelling and shell scripts
	@$(VENV)/ruff check -q . && $(VENV)/ruff format -q --check .
	@git ls-files -z | xargs -0 $(VENV)/codespell
	@$(VENV)/shellcheck ci/*.sh .ci/run

format: setup-test ## Put the Python files into their form
	@$(VENV)/ruff check -q --fix . ; $(VENV)/ruff format -q .

bench: vm ## Measure how much of the serial line a TCP transfer gets
	@$(VENV)/python bench/line.py

vm: setup-demo ## Build MicroPython for Linux with the frozen package
	@$(PYTHON) simulator/vm/sources.py
	@test -x build/vm/micropython || echo "building MicroPython for Linux, one to two minutes the first time"
	@mkdir -p build
	@$(MAKE) --no-print-directory -j$(shell nproc) -C simulator/vm >build/vm.log 2>&1 || { \
	    tail -20 build/vm.log >&2; echo "MicroPython for Linux did not build, see build/vm.log" >&2; exit 1; }

repl: vm ## Open the REPL of a simulated T-Call
	@$(VENV)/python -m world --repl

setup-demo:
	@ci/setup.sh demo

setup-test:
	@ci/setup.sh test

clean: ## Remove what was built, keep what was fetched
	rm -rf build/vm build/demo build/bench

distclean: ## Remove everything that make has made
	rm -rf build dist
