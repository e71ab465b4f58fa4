# Lägesbild: `make help` lists what there is to run.

.DEFAULT_GOAL := help
.PHONY: help setup dev demo test test-deep attack check check-python check-types check-imports \
        check-files check-supply bench bench-job lock clean

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
NPM := bash .ci/npm.sh $(VENV) --silent
LOCK := $(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 \
        --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock"

# Empty files that remember which lock file was installed, so that a second run does nothing.
RUNTIME := $(VENV)/.runtime-installed
DEV := $(VENV)/.dev-installed
FRONT_END := web/static/vendor/.copied

help: ## visar den här listan
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' Makefile | expand -t 18

setup: $(RUNTIME) $(FRONT_END) ## installerar Lägesbild i .venv/ och webbsidornas filer
dev: $(DEV) $(FRONT_END)

demo: setup ## gör en demonstration med påhittade data och visar kartan
	@bash .ci/demo.sh $(VENV)

test: dev ## kör testerna
	@bash .ci/services.sh
	$(BIN)/python -m pytest -rs -n 2 --dist loadfile -m "not deep" $(ARGS)

test-deep: dev ## kör de långa testerna
	@bash .ci/services.sh
	$(BIN)/python -m pytest -rs -m deep $(ARGS)

check: check-python check-types check-imports check-files check-supply ## granskar koden
	@echo "check: ruff, mypy, import-linter, shellcheck, hadolint, yamllint, compose and the supply chain are content"

check-python: $(DEV)
	$(BIN)/ruff check
	$(BIN)/ruff format --check

check-types: $(DEV)
	$(BIN)/mypy

check-imports: $(DEV)
	$(BIN)/lint-imports

check-files: $(DEV)
	$(BIN)/shellcheck --external-sources .ci/run .ci/*.sh
	$(BIN)/hadolint Dockerfile
	$(BIN)/yamllint --strict compose.yaml
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec compose.yaml

check-supply: $(DEV)
	$(BIN)/python .ci/floors.py
	$(BIN)/python .ci/sbom.py

attack: dev ## angriper utgåvan som handläggare, en miljon par av svar
	$(BIN)/python -m tests.attacks.run

bench: dev ## mäter analysen, servern och webbläsaren bredvid andra program
	@bash .ci/services.sh
	$(BIN)/python -m benchmarks $(ARGS)

bench-job: dev ## mäter vägen från fil till karta
	@bash .ci/services.sh
	$(BIN)/python -m benchmarks.main_job.run $(ARGS)

lock: $(DEV) ## låser om alla beroenden (ARGS=--upgrade för nyare utgåvor)
	$(LOCK) $(ARGS) pyproject.toml --all-extras --group build -o requirements/runtime.txt
	$(LOCK) $(ARGS) pyproject.toml --all-extras --group build --group dev \
	    -c requirements/runtime.txt -o requirements/dev.txt
	$(LOCK) $(ARGS) --group node -o requirements/node.txt
	$(NPM) install --package-lock-only

clean: ## tar bort allt som kan göras om; var/ med data blir kvar
	rm -rf $(VENV) node_modules web/static/vendor build dist *.egg-info
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(BIN)/python:
	@bash .ci/venv.sh $(VENV)

$(RUNTIME): requirements/runtime.txt pyproject.toml | $(BIN)/python
	@echo "Installerar Python-paketen i $(VENV) (någon minut första gången) …"
	@$(PIP) install --require-hashes -r requirements/runtime.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m pipelines.warm
	@touch $@

$(DEV): requirements/dev.txt $(RUNTIME)
	@echo "Installerar testverktygen …"
	@$(PIP) install --require-hashes -r requirements/dev.txt
	@touch $@

$(FRONT_END): package.json package-lock.json .npmrc web/vendor.mjs | $(RUNTIME)
	@echo "Hämtar webbsidornas filer …"
	@$(NPM) ci
	@$(NPM) run vendor
	@touch $@
