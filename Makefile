# Thin on purpose: each target is one cargo command, and what it does lives in Rust (see xtask/).
.DEFAULT_GOAL := help
.PHONY: help demo test bench lint setup

help: ## what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-7s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

demo: ## everything on, with a simulated network: http://localhost:7070, and a view in the terminal
	cargo run --release -p server -- demo

test: ## everything CI checks; sets up what it needs first
	cargo xtask test

lint: ## format and clippy only
	cargo xtask lint

bench: ## every benchmark, beside what it is measured against
	cargo run --release -p bench -- all

setup: ## install what the tests need (as root), or say how
	cargo xtask setup
