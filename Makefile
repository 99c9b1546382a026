# `make help` lists the targets. What they need beyond Go is installed (as root on Debian), or built from modules, on first use,
# and kept in RAGSERVICE_CACHE (~/.cache/ragservice). Scripts do the work; each says what it does and how long it took.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
# A checkout that another user owns has no version to stamp; `go build` would fail on it.
export GOFLAGS := $(GOFLAGS) -buildvcs=false
# What the binaries say that they are: the chart's appVersion is the one place where it is written.
VERSION := $(shell sed -n 's/^appVersion: *//p' charts/ragservice-operator/Chart.yaml)
LDFLAGS := -s -w -X main.version=$(VERSION)

##@ Try it

.PHONY: quickstart
quickstart: ## run the server alone, load these docs, ask it a question
	@echo "building bin/ragserver (a few minutes the first time)"
	@CGO_ENABLED=0 go build -ldflags '$(LDFLAGS)' -o bin/ ./cmd/ragserver ./hack/quickstart
	@bin/quickstart

.PHONY: demo
demo: ## the whole product on a cluster (kind, or without Docker a real one node as root); DOCS=file.ndjson
	@hack/demo.sh

.PHONY: demo-down
demo-down: ## remove the demo and its cluster
	@hack/demo-down.sh

##@ Change it

.PHONY: build
build: ## build manager and ragserver into bin/
	@CGO_ENABLED=0 go build -ldflags '$(LDFLAGS)' -o bin/ ./cmd/...

.PHONY: generate
generate: ## write what is made from Go sources: deep copies, CRD, role, chart, docs/api.md
	@hack/generate.sh

.PHONY: verify
verify: ## generated files, formatting, linters, modules, chart, scripts; fails on a dirty tree
	@hack/verify.sh

.PHONY: deps
deps: ## prepare what tests need, for `go test` by hand
	@hack/deps/redis.sh
	@hack/deps/opensearch.sh prepare
	@hack/deps/controlplane.sh
	@hack/deps/prometheus.sh
	@hack/deps/alertmanager.sh
	@hack/deps/promtool.sh
	@hack/deps/collector.sh

.PHONY: test
test: ## all tests but those on a cluster, with real Redis, OpenSearch and API server; RACE=1 or 0
	@hack/test.sh

.PHONY: e2e
e2e: ## tests on a real cluster; KEEP=1 leaves it up
	@hack/e2e.sh

.PHONY: chaos
chaos: ## lose each part of a service in turn while callers ask, change nodes of OpenSearch, switch stores, on a real cluster; ROUNDS=3
	@ROUNDS=$${ROUNDS:-3} TIMEOUT=2h hack/e2e.sh -run '^(TestKills|TestSearchNodes|TestSwitch)$$'

.PHONY: bench
bench: ## how fast the server answers, beside a bare handler and its peers; MINUTES=10 for its memory under load too
	@hack/bench.sh

.PHONY: bench-quality
bench-quality: ## how good answers and rankings are; QUESTIONS=folder for questions of your own
	@hack/bench-quality.sh

.PHONY: clean
clean: ## remove what was built in the tree (the cache outside stays)
	@rm -rf bin

.PHONY: help
help: ## this list
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z0-9-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' Makefile
