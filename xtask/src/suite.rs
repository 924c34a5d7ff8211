//! The suite: what `make test` and CI check, one part after another.
//!
//! A part that fails doesn't stop the next: one run tells everything that is wrong. Output
//! streams as it comes, and what failed is named once more at the end, where a log is read first.

use std::path::Path;

use crate::libtest::Libtest;
use crate::outcome::{Named, Outcome};
use crate::page;
use crate::process::{cargo, succeeds, succeeds_line_by_line};
use crate::setup::{self, Tool};
use crate::tidy;

type Part = (&'static str, fn(&Path) -> Outcome);

const TEST: &[Part] = &[
    ("format", format),
    ("tidy", tidy::run),
    ("page", page::check),
    ("clippy", clippy),
    ("tests", tests),
    ("e2e", page::e2e_as_built),
    ("docs", docs),
    ("deny", deny),
];
const LINT: &[Part] = &[("format", format), ("clippy", clippy)];

/// Everything.
pub fn test(root: &Path) -> Outcome {
    // What is missing is said again, and counted, by the part that misses it.
    let _ = setup::run(root);
    all(root, TEST)
}

/// What an editor would complain about.
pub fn lint(root: &Path) -> Outcome {
    all(root, LINT)
}

fn all(root: &Path, parts: &[Part]) -> Outcome {
    let mut sum = Outcome::default();
    let mut failed = Vec::new();
    for (name, run) in parts {
        println!("\n== {name}");
        let outcome = run(root);
        println!("== {name}: {outcome}");
        if outcome.failed > 0 {
            failed.push(*name);
        }
        sum += outcome;
    }
    println!();
    if !failed.is_empty() {
        println!("FAILED: {}", failed.join(", "));
    }
    sum
}

fn format(root: &Path) -> Outcome {
    with(root, "format", Tool::Rustfmt, || {
        Outcome::of(succeeds(cargo(root, &["fmt", "--all", "--check"])))
    })
}

fn clippy(root: &Path) -> Outcome {
    with(root, "clippy", Tool::Clippy, || {
        let arguments = [
            "clippy",
            "--workspace",
            "--all-targets",
            "--locked",
            "--keep-going",
            "--",
            "-D",
            "warnings",
        ];
        Outcome::of(succeeds(cargo(root, &arguments)))
    })
}

fn tests(root: &Path) -> Outcome {
    let mut libtest = Libtest::default();
    let mut lacking = 0;
    let arguments = ["test", "--workspace", "--locked", "--no-fail-fast"];
    let well = succeeds_line_by_line(cargo(root, &arguments), |line| {
        libtest.hear(line);
        // A test that lacks a service says so past its capture, and passes.
        lacking += u64::from(line.starts_with("SKIP "));
    });
    let mut counts = libtest.outcome;
    if counts.skipped > 0 {
        let command = "cargo test --workspace -- --ignored";
        println!("SKIP tests: {} are switched off; to get it: {command}", counts.skipped);
    }
    counts.skipped += lacking;
    // Neither a crate that doesn't compile nor a test binary that is killed prints a summary.
    if (!well && counts.failed == 0) || counts.passed + counts.failed == 0 {
        let what = "cargo test ... FAILED: a crate doesn't compile, or its tests were killed";
        counts += Outcome { named: vec![Named::of(what)], ..Outcome::of(false) };
    }
    counts
}

fn docs(root: &Path) -> Outcome {
    let mut doc = cargo(root, &["doc", "--workspace", "--no-deps", "--locked", "--keep-going"]);
    doc.env("RUSTDOCFLAGS", "-D warnings");
    Outcome::of(succeeds(doc))
}

/// Advisories are left out: they need the network, and change without the project's doing.
fn deny(root: &Path) -> Outcome {
    with(root, "deny", Tool::CargoDeny, || {
        let held = setup::cargo_deny(root).is_some_and(|mut deny| {
            deny.args(["--locked", "check", "bans", "licenses", "sources"]);
            succeeds(deny)
        });
        Outcome::of(held)
    })
}

fn with(root: &Path, part: &str, tool: Tool, run: impl FnOnce() -> Outcome) -> Outcome {
    if tool.is_there(root) {
        run()
    } else {
        Outcome::skip(part, "its tool is not installed", &tool.install_line())
    }
}
