# Bare `make` lists the targets.
.DEFAULT_GOAL := help
GO ?= go
export CGO_ENABLED ?= 0

.PHONY: help run quick build test race bench lint vet fuzz notebook train clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## the main job: measure the embedded models on the four packs, write the charts
	$(GO) run ./cmd/assay run

quick: ## the main job on fewer questions, in under 30 seconds
	$(GO) run ./cmd/assay run --quick

build: ## one static binary, ./assay
	$(GO) build -trimpath -ldflags '-s -w' -o assay ./cmd/assay

test: ## all tests
	$(GO) test ./...

race: ## the tests of what runs concurrently, under the race detector
	CGO_ENABLED=1 $(GO) test -race ./bench/... ./engine/local ./engine/enginetest ./results/store ./tasks/sandbox ./tasks/score

bench: ## the reference models in the manner of go test -bench, for benchstat
	$(GO) test -run '^$$' -bench . ./bench

vet: ## go vet for this machine and for arm64, and without assembly
	$(GO) vet ./...
	GOARCH=arm64 $(GO) vet ./...
	GOOS=darwin GOARCH=arm64 $(GO) vet ./...
	$(GO) vet -tags purego ./...

lint: ## golangci-lint, as in CI
	golangci-lint run

fuzz: ## every fuzz target for FUZZTIME (default 20s)
	.ci/fuzz $(or $(FUZZTIME),20s)

notebook: ## run the notebook over a fresh export, headless
	.ci/notebook

train: ## make the embedded reference models again (about an hour on two cores)
	$(GO) run ./cmd/assay train --size tiny --out engine/reference/tiny.gguf
	$(GO) run ./cmd/assay train --size small --out engine/reference/small.gguf

clean: ## remove what the targets above made
	rm -rf assay assay.db assay.db-shm assay.db-wal assay-out .work .bin .jupyter
