# What a developer does daily; `make` alone lists it.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

# Stages call `python`: let it be the environment's.
export PATH := $(CURDIR)/$(BIN):$(PATH)

.DEFAULT_GOAL := help
.PHONY: help env repro report references smoke test test-aarch64 tests e2e kills browser postgresql device soak lint types format docs wheel clean experiments bench-fit bench-harness bench-latency bench-pick bench-room bench-search environments bench-load

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

env: $(STAMP)  ## make .venv and install everything into it

$(STAMP): pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet -e '.[pipeline,dev]'
	touch $@

repro: env  ## run the stages that are out of date: search, train, export, measure
	$(BIN)/dvc repro

report: env  ## write results/report.html, one page about the run, and run no other stage
	$(BIN)/python -m pipeline report

references: env  ## train and measure hand-designed networks beside the family
	$(BIN)/python -m pipeline references

smoke: env  ## run the whole pipeline in minutes, in a copy under build/smoke
	$(BIN)/python -m pipeline smoke

test: env lint types tests e2e  ## lint, types, tests, the whole pipeline once: what CI runs

tests: env  ## the tests, without the run of the whole pipeline
	$(BIN)/pytest -m 'not e2e and not kills and not aarch64 and not postgresql and not device and not environments'

e2e: env  ## the whole pipeline with the smoke preset on real data, and what must hold after it
	$(BIN)/pytest -m e2e

kills: env  ## kill the whole pipeline ten times: it must end as if nothing had happened
	$(BIN)/pytest -m kills

browser: env  ## look at the report in Chromium: HTML, accessibility, phones (needs node)
	cd tests/browser && npm ci --silent
	$(BIN)/pytest -m browser

soak: env  ## boards and a hub, killed 1,000 times over a bad network: a quarter of an hour
	$(BIN)/python -m tests.soak

device: env  ## the whole pipeline for a board, which is an agent on this machine: ten minutes
	$(BIN)/pytest -m device

postgresql: env  ## the hub on PostgreSQL, where a server is installed: a minute
	$(BIN)/pytest -m postgresql -rs tests/edge/hub

test-aarch64: env  ## the device side on an emulated Raspberry Pi 4 and 5 (apt gets the emulator)
	bash tests/aarch64/prepare.sh build/aarch64
	$(BIN)/pytest -m aarch64 -rs tests/aarch64

environments: env  ## the wheel with one runtime alone, in three small environments without torch
	$(BIN)/pytest -m environments -rs tests/environments

lint: env  ## ruff: rules and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: env  ## mypy, strict
	$(BIN)/mypy

format: env  ## let ruff fix and format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: env  ## write what is generated: parameters, benchmarks, results and drawings of README.md
	$(BIN)/python -m pipeline docs
	$(BIN)/python -m benchmarks.page

experiments: env  ## compare methods of search: hours; goes on where it was stopped
	$(BIN)/dvc repro experiments/dvc.yaml

bench-fit: env  ## what a calibration with 1,000 records costs; seconds
	$(BIN)/python -m benchmarks.fit

bench-harness: env  ## compare the harness with a bare loop and MLPerf LoadGen: five minutes
	$(BIN)/python -m pip install --quiet -e '.[bench]'
	$(BIN)/python -m benchmarks.harness --out benchmarks/results/harness.jsonl

bench-latency: env  ## how well latency is predicted here, per runtime: half an hour, nothing beside
	$(BIN)/python -m benchmarks.latency

bench-load: env  ## what loading a family and picking from it cost an application; a minute
	$(BIN)/python -m benchmarks.load_pick

bench-pick: env  ## whether serving keeps a budget, made-up boards and real load: nothing beside
	$(BIN)/python -m benchmarks.pick

bench-room: env  ## how much trained networks of equal latency differ: what a search can win
	$(BIN)/python -m benchmarks.room

bench-search: env  ## what a step of the search costs: one path, two, all candidates; two minutes
	$(BIN)/python -m benchmarks.search_steps

wheel: env  ## build the wheel of the device side into dist/
	$(BIN)/python -m build --wheel

clean:  ## remove what can be made again, but neither .venv nor data nor results
	rm -rf build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +
