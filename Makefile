# ppp-sim800. `make help` lists what there is.

AIR ?= ideal
MODEM ?= R13.08
PYTHON ?= python3
TESTS ?= tests
VARIANT ?= $(BOARD_VARIANT)

VENV := build/venv/bin
DEMO := build/venv-demo/bin
EMBEDDED := build/venv-embedded/bin
SPHINX := build/venv-docs/bin/sphinx-build -q -W --keep-going -d build/docs/doctrees
export PYTHON VM_SOURCE
export PYTHONPATH := $(CURDIR)/simulator

.DEFAULT_GOAL := help
.PHONY: help demo test fuzz sanitized lint format docs linkcheck bench faults model soak emulate emulate-measure vm patches-check repl firmware size flash check compare setup-vm setup-demo setup-bench setup-test setup-embedded setup-docs clean distclean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: setup-demo vm ## Power up the simulated T-Call and do HTTPS over PPP (AIR=ideal|gprs MODEM=R13.08|R14.18)
	@$(DEMO)/python -m demo --air $(AIR) --modem $(MODEM)

test: setup-test vm lint ## Run everything that needs no hardware (TESTS=path, ARGS=pytest's)
	@$(if $(filter tests/firmware%,$(TESTS)),$(EMBEDDED),$(VENV))/pytest -q -n $$(( $$(nproc) * 2 )) --reruns 1 $(TESTS) $(ARGS)

fuzz: ## Feed all that reads what comes from outside what nobody sends (FUZZ="million bytes, targets", listed in ci/fuzz.sh)
	@ci/setup.sh fuzz
	@ci/fuzz.sh $(FUZZ)

sanitized: setup-test ## Run the tests of what is C on a VM with sanitizers (SIM_ROUNDS=drops, ARGS=pytest's)
	@ci/sanitized.sh $(ARGS)

lint: setup-test ## Check style, spelling, shell scripts and workflows
	@$(VENV)/ruff check -q . && $(VENV)/ruff format -q --check .
	@git ls-files -z | xargs -0 $(VENV)/codespell
	@$(VENV)/shellcheck ci/*.sh .ci/run
	@$(VENV)/check-jsonschema -q --builtin-schema vendor.github-workflows .github/workflows/*.yml
	@$(VENV)/check-jsonschema -q --builtin-schema vendor.github-issue-forms .github/ISSUE_TEMPLATE/*.yml
	@$(VENV)/zizmor -q --offline --no-progress .github/workflows
	@PATH="$(CURDIR)/$(VENV):$$PATH" $(VENV)/actionlint

format: setup-test ## Put the Python files into their form
	@$(VENV)/ruff check -q --fix . ; $(VENV)/ruff format -q .

docs: setup-docs ## Make the documentation as a site, build/docs/html; warnings are errors
	@rm -rf build/docs/new
	@$(SPHINX) -b html docs build/docs/new
	@rm -rf build/docs/html && mv build/docs/new build/docs/html
	@echo "the site is in build/docs/html/index.html"

linkcheck: setup-docs ## Look whether the links to other sites still lead somewhere (needs the net)
	@$(SPHINX) -b linkcheck docs build/docs/links

emulate: setup-embedded ## Play the demo on the firmware image in QEMU's ESP32 (SIM_IMAGE=firmware.bin QEMU_XTENSA=program)
	@$(EMBEDDED)/python -m demo --chip emulated --air $(AIR) --modem $(MODEM) --out build/emulate

emulate-measure: setup-embedded ## Measure the image in QEMU's ESP32, beside upstream's (SIM_IMAGE_UNPATCHED=firmware.bin)
	@$(EMBEDDED)/python bench/emulated.py

bench: setup-bench vm ## Measure all there is, beside plain network.PPP, in four minutes (ARGS="--only upload --compare run.json")
	@PYTHONPATH=simulator:tests $(VENV)/python bench/all.py $(ARGS)

vm: setup-vm ## Build MicroPython for Linux with the frozen package (VM_SOURCE=submodule|debian)
	@$(PYTHON) simulator/vm/sources.py
	@test -x build/vm/micropython || echo "building MicroPython for Linux, one to two minutes the first time"
	@ci/progress.sh vm build/vm.log $(MAKE) --no-print-directory -j$(shell nproc) -C simulator/vm || { \
	    tail -20 build/vm.log >&2; echo "MicroPython for Linux did not build, see build/vm.log" >&2; exit 1; }

patches-check: ## See to which MicroPython and lwIP the patches apply, and which are obsolete (MICROPYTHON=git LWIP=git)
	@$(PYTHON) ci/patches_check.py $(if $(MICROPYTHON),--micropython '$(MICROPYTHON)') $(if $(LWIP),--lwip '$(LWIP)')

faults: setup-bench vm ## Play the fault table (tests/data/faults.toml), beside plain network.PPP (ARGS="--only words")
	@PYTHONPATH=simulator:tests $(VENV)/python bench/fault_table.py $(ARGS)

model: setup-test vm ## Play random sequences of calls against a model of who has the line (STEPS=100000 SEED=number)
	@PYTHONPATH=simulator:tests $(VENV)/python tests/model.py $(if $(STEPS),--steps $(STEPS)) $(if $(SEED),--seed $(SEED)) $(ARGS)

soak: setup-bench vm ## Play 72 simulated hours of random faults, in about half a real one (ARGS="--hours 3 --speed 20")
	@PYTHONPATH=simulator:tests $(VENV)/python bench/mix.py $(ARGS)

repl: $(if $(PORT),,setup-demo vm) ## Open the REPL of the board at PORT=..., without it that of a simulated T-Call
	@$(if $(PORT),$(PYTHON) firmware/on_board.py repl --port '$(PORT)',$(DEMO)/python -m world --repl)

firmware: ## Build the image for a T-Call (VARIANT=OTA UPDATE_KEYS="owner.pem next.pem" UPDATE_VERSION=number)
	@$(PYTHON) firmware/image.py --variant '$(VARIANT)'

size: ## Tell how much flash and RAM the built images take, against ci/limits.json
	@$(PYTHON) ci/size_report.py

flash: ## Erase the board at PORT=..., write the image and verify it (VARIANT=OTA IMAGE=file KEEP=1)
	@$(PYTHON) firmware/on_board.py flash --port '$(PORT)' --variant '$(VARIANT)' --image '$(IMAGE)' $(if $(KEEP),--keep)

check: ## Check all that only hardware can tell, on the board at PORT=... APN=... HOST=... (FLASH=1 writes the image first; ONLY=names)
	@$(PYTHON) firmware/on_board.py check --port '$(PORT)' --apn '$(APN)' --host '$(HOST)' --only '$(ONLY)' \
	    $(if $(filter 1,$(FLASH)),--flash --variant '$(VARIANT)' --image '$(IMAGE)' $(if $(KEEP),--keep))

compare: setup-bench ## List where the simulator differs from the board that REPORT=tcall-report.json is of
	@PYTHONPATH=simulator:firmware $(VENV)/python -m check.compare '$(REPORT)'

setup-vm:
	@ci/setup.sh vm

setup-demo:
	@ci/setup.sh demo

setup-bench:
	@ci/setup.sh bench

setup-test:
	@ci/setup.sh test
	@ci/setup.sh types
	@ci/setup.sh peers
	@$(if $(filter tests/firmware%,$(TESTS)),ci/setup.sh embedded)

setup-embedded:
	@ci/setup.sh embedded

setup-docs:
	@ci/setup.sh docs

clean: ## Remove what was built, keep what was fetched
	rm -rf build/vm build/vm-edges build/demo build/bench build/firmware build/docs

distclean: ## Remove everything that make has made
	rm -rf build dist
