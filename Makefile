# Thin on purpose: what a target does lives in Rust (see xtask/), or in web/package.json for the page.
.DEFAULT_GOAL := help
.PHONY: help page demo test e2e screenshots bench chaos lint setup

help: ## what can be made
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## /{printf "  make %-11s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

page: ## the control room, by Node >= 20, which is fetched where there is none; the next build of the binary takes it in
	cargo xtask page

demo: ## everything on, with a simulated network: http://localhost:7070, and a view in the terminal
	-cargo xtask page
	cargo run --release -p server -- demo

test: ## everything CI checks; sets up what it needs first
	cargo xtask test

e2e: ## only the control room in Chromium, before the binary with its simulated network
	cargo xtask e2e

screenshots: ## every page of the control room, light and dark, narrow and wide, into target/screenshots
	cargo xtask screenshots

chaos: ## ROUNDS=200 mishaps under load: kill -9, power loss, full disk, clock jumps, broker and database stopped
	ROUNDS=$${ROUNDS:-200} cargo test --release --package server --test serve -- chaos --nocapture

lint: ## format and clippy only
	cargo xtask lint

bench: ## every benchmark, beside what it is measured against
	cargo run --release -p bench -- all

setup: ## install what the tests need (as root), or say how
	cargo xtask setup
