//! The project's own chores: `cargo xtask setup | test | lint | page | e2e | screenshots | tidy`.
//!
//! They are written in Rust so that they run wherever the project builds, and are tested like the
//! rest. The `Makefile` and `.ci/run` only call them.

mod architecture;
mod libtest;
mod metadata;
mod outcome;
mod page;
mod playwright;
mod process;
mod setup;
mod suite;
mod tidy;

use std::path::PathBuf;
use std::process::ExitCode;

use outcome::Outcome;

const USAGE: &str = "\
usage: cargo xtask TASK
  setup        install what the tests need (as root), or say how
  test         everything CI checks
  lint         format and clippy only
  page         build the control room, where Node.js is
  e2e          the control room in a browser, before the binary
  screenshots  pictures of every page
  tidy         rules of this repository only";

fn main() -> ExitCode {
    let task = std::env::args().skip(1).collect::<Vec<_>>();
    let root = repository_root();
    let run: fn(&std::path::Path) -> Outcome = match task.first().map(String::as_str) {
        Some("setup") if task.len() == 1 => setup::run,
        Some("test") if task.len() == 1 => suite::test,
        Some("lint") if task.len() == 1 => suite::lint,
        Some("page") if task.len() == 1 => page::build,
        Some("e2e") if task.len() == 1 => page::e2e,
        Some("screenshots") if task.len() == 1 => page::screenshots,
        Some("tidy") if task.len() == 1 => tidy::run,
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    let outcome = run(&root);
    let strict = std::env::var("CI").is_ok_and(|ci| ci == "true");
    for line in outcome.told() {
        println!("{line}");
    }
    println!("{outcome}");
    if outcome.is_good(strict) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The directory that holds the workspace's `Cargo.toml`, wherever the task was called from.
fn repository_root() -> PathBuf {
    let manifest_dir = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    manifest_dir.parent().map_or_else(|| PathBuf::from("."), PathBuf::from)
}
