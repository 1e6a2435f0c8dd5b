# make run, make demo, make test: each sets up .venv by itself, and only when something changed.
.POSIX:
.PHONY: help setup run demo test acceptance chaos lint format bench bench-quick dashboards clean

BIN = .venv/bin
# More arguments for the command: make test ARGS="-k windows"
ARGS =
# Most tests wait for something; those of one file share a broker. One process: PARALLEL=
PARALLEL = -n 2 --dist loadfile
# Of make bench
OUTPUT = bench-results
# Of make chaos
SEED = 1
SECONDS = 120

help:
	@echo "make run     broker, events API on :8080 and stream worker with /metrics on :6066"
	@echo "make demo    the same with synthetic viewers and an incident to look at"
	@echo "make test    the tests            make test ARGS='tests/unit -k windows' for some"
	@echo "make acceptance  those that take minutes: faults, disasters, incidents and their alerts, benchmarks"
	@echo "make chaos   a cluster under faults; SEED=1 SECONDS=120 are the defaults"
	@echo "make lint    ruff, mypy, import-linter"
	@echo "make format  let ruff put the code into shape"
	@echo "make bench   all measurements, beside other frameworks; tables in OUTPUT=bench-results"
	@echo "make bench-quick  worker, textbook Faust and API in three minutes"
	@echo "make dashboards  write the Grafana dashboards anew from dashboards/grafana/generator"
	@echo "make setup   only make .venv and compile the core; make clean removes both and all caches"

setup:
	@PYTHON="$(PYTHON)" tools/setup

run: setup
	@exec $(BIN)/playvitals up $(ARGS)

demo: setup
	@exec $(BIN)/playvitals demo $(ARGS)

bench:
	@PYTHON="$(PYTHON)" tools/setup bench
	@exec .venv-bench/bin/playvitals bench all --output $(OUTPUT) $(ARGS)

bench-quick: setup
	@exec $(BIN)/playvitals bench quick $(ARGS)

test: setup
	@$(BIN)/pytest -m "not acceptance" $(PARALLEL) $(ARGS)

acceptance: setup
	@$(BIN)/pytest -m acceptance $(PARALLEL) $(ARGS)

chaos: setup
	@exec $(BIN)/python -m tests.chaos --seed $(SEED) --seconds $(SECONDS)

lint: setup
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: setup
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

dashboards: setup
	@$(BIN)/python -m dashboards.grafana.generator

clean:
	rm -rf .venv .venv-bench dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	rm -f *.so models/*.so tables/*.so playvitals_core*.digest .compiled-core
