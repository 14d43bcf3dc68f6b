# Sayso's commands. `make run` and `make test` need nothing but python3 (3.11 or newer), bash and git.
.DEFAULT_GOAL := help
BIN := .venv/bin
# Empty means: compile what is imported once, and keep it. Starting takes a third of the time.
export PYTHONDONTWRITEBYTECODE :=

run: setup ## start the demo: prints the addresses of the recruiter's page and of the phones
	$(BIN)/python -m deploy demo

test: style types rooms tests ## everything: style, types, rooms, tests with coverage

style: setup ## ruff: format and lint, changing nothing
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: setup ## mypy --strict over the rooms and the tests
	$(BIN)/mypy --strict

rooms: setup ## import-linter: who may import whom
	$(BIN)/lint-imports --no-logo

# Decisions are pure, so every branch of theirs can be reached, and must be. The other rooms are reported.
# A run with ARGS is somebody's choice of tests; it is not judged by coverage.
tests: setup programs broker asyncapi carrier-api ## pytest with branch coverage; ARGS="tests/domain -k stop" chooses tests
ifdef ARGS
	$(BIN)/python -m pytest $(ARGS)
else
	$(BIN)/python -m pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder --cov --cov-report=
	$(BIN)/coverage report --omit 'domain/*'
	$(BIN)/coverage report --include 'domain/*' --fail-under 100
endif

cluster: setup broker ## the distributed form on this machine: broker, PostgreSQL, every process twice
	$(BIN)/python -m deploy cluster

bench: setup ## the benchmarks; ARGS passes arguments on
	$(BIN)/python -m tests.benchmarks $(ARGS)

bench-kafka: setup broker ## Sayso on Kafka beside others that do the same; ARGS passes arguments on
	@deploy/setup/bench.sh
	$(BIN)/python -m tests.benchmarks.kafka $(ARGS)

drills: setup broker ## failures injected again and again; ARGS="--row 1 --minutes 10" chooses, --help tells
	@deploy/setup/programs.sh drills
	$(BIN)/python -m tests.drills $(ARGS)

fmt: setup ## format, and mend what ruff can mend by itself
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: setup ## write what is written from the code: schemas, AsyncAPI, the brokers' rights
	$(BIN)/python -m deploy.docs

# Universal: one lock for every Python from 3.11 on. Certificates are the system's, as pip's are.
COMPILE := $(BIN)/uv pip compile --universal --python-version 3.11 --system-certs --generate-hashes \
    --no-emit-index-url --no-header --quiet
lock: setup ## write the locks from pyproject.toml; ARGS=--upgrade takes newer versions
	$(COMPILE) pyproject.toml --group dev $(ARGS) --output-file requirements.lock
	$(COMPILE) --group pyproject.toml:bench $(ARGS) --output-file requirements-bench.lock

setup: ## .venv with what the lock pins; nothing to do, nothing done
	@deploy/setup/venv.sh

programs: ## Debian packages that the tests need: of browsers, and of failure drills
	@deploy/setup/programs.sh browser
	@deploy/setup/programs.sh drills

asyncapi: ## the official AsyncAPI parser, which judges docs/asyncapi.json
	@deploy/setup/asyncapi.sh

carrier-api: ## Twilio's description of its API, which the simulator is held to
	@deploy/setup/carrier_api.sh

broker: ## Java, and the jars of an Apache Kafka broker
	@deploy/setup/kafka.sh

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run cluster test style types rooms tests bench bench-kafka drills fmt docs lock setup programs asyncapi carrier-api broker help
