# Kaoku (考库). `make demo` shows it, `make test` proves it.
PYTHON ?= python3
BIN := .venv/bin
.DEFAULT_GOAL := help
.PHONY: help setup setup-dev demo serve test fast check fmt bench chaos lock i18n db-new db-up pictures clean

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | awk -F'\t' '{printf "  make %-10s %s\n", $$1, $$2}'

setup: ## create .venv and install the locked packages
	@$(PYTHON) tools/bootstrap.py

setup-dev: ## the same plus everything the tests need (browser, font, PostgreSQL)
	@$(PYTHON) tools/bootstrap.py --dev

demo: setup ## install, load the demonstration, serve it, print addresses and sign-ins
	@$(BIN)/kaoku demo $(if $(PORT),--port $(PORT))

serve: setup ## serve the configured installation
	@$(BIN)/kaoku db upgrade && $(BIN)/kaoku serve

test: setup-dev ## every check and the whole suite on SQLite and PostgreSQL, in a real browser
	@$(BIN)/python tools/check.py all

fast: setup-dev ## checks and the tests that need no browser, on SQLite
	@$(BIN)/python tools/check.py fast

check: test ## the same as make test

fmt: setup-dev ## format and mend what can be mended
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

bench: setup-dev ## run the benchmarks and print their tables
	@for file in $$(grep -l __main__ benchmarks/*.py); do \
	  echo "== $$file"; $(BIN)/python -m benchmarks.$$(basename $$file .py) || exit 1; done

chaos: setup-dev ## the fault matrix in its long form, at most 40 minutes: make chaos [WISHES="--only F1,F22"]
	@$(BIN)/python -m tools.chaos $(WISHES)

lock: setup-dev ## resolve the dependencies again
	@$(BIN)/python tools/locks.py update

pictures: setup-dev ## take the pictures of the documentation again
	@$(BIN)/python tools/pictures.py $(NAMES)

i18n: setup-dev ## collect messages and compile the English catalogues
	@$(BIN)/python tools/i18n.py update

db-new: setup-dev ## write a new revision: make db-new NAME=add_something
	@$(BIN)/python tools/revision.py $(NAME)

db-up: setup ## bring the configured database to the newest schema
	@$(BIN)/kaoku db upgrade
