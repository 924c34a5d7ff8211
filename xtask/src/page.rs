//! The control room in `web/`: built for the binary, checked, and looked at by a browser.

use std::path::{Path, PathBuf};

use crate::outcome::{Named, Outcome};
use crate::playwright;
use crate::process::{cargo, succeeds};
use crate::setup::{self, Tool, node};

/// The binary as the tests have it: the same features, so that nothing is built twice.
const BINARY: &[&str] = &["test", "--workspace", "--test", "serve", "--no-run", "--locked"];

/// Builds it, so that the next build of the binary takes it in. Without Node.js the binary works too, and its page says how to build it.
pub fn build(root: &Path) -> Outcome {
    with_node(root, "page", || Outcome::of(install(root) && script(root, "build")))
}

/// Types, style, tests and the build.
pub fn check(root: &Path) -> Outcome {
    with_node(root, "page", || {
        if !install(root) {
            return Outcome::of(false);
        }
        let mut sum = Outcome::default();
        for name in ["check", "test", "build"] {
            sum += Outcome::of(script(root, name));
        }
        sum
    })
}

/// The binary with its page and its simulated network, as a browser sees them.
pub fn e2e(root: &Path) -> Outcome {
    with_page(root, e2e_as_built)
}

/// The same of the page as [`check`] has built it: a page that is built again means a binary that is built again.
pub fn e2e_as_built(root: &Path) -> Outcome {
    before_the_binary(root, "e2e")
}

/// Pictures of every page, into `target/screenshots`.
pub fn screenshots(root: &Path) -> Outcome {
    with_page(root, |root| before_the_binary(root, "screenshots"))
}

fn with_page(root: &Path, then: impl FnOnce(&Path) -> Outcome) -> Outcome {
    let page = build(root);
    if page.passed > 0 { then(root) } else { page }
}

/// Runs a script of `web/` in a browser before the binary.
fn before_the_binary(root: &Path, name: &str) -> Outcome {
    with_node(root, name, || {
        let Some(chromium) = setup::chromium(root) else {
            let line = Tool::Chromium.install_line();
            return Outcome::skip(name, "there is no Chromium", &line);
        };
        let is_built = install(root) && succeeds(cargo(root, BINARY));
        let Some(target) = target_directory(root).filter(|_| is_built) else {
            return Outcome::of(false);
        };
        let Some(mut run) = node::npm(root, &root.join("web")) else {
            return Outcome::of(false);
        };
        match setup::issuer() {
            Some(place) => drop(run.env("POINTSMAN_ISSUER", place)),
            // Its tests count as skipped, each.
            None if name == "e2e" => {
                let line = Tool::Issuer.install_line();
                println!("SKIP e2e of people: there is no issuer to sign in at; to get it: {line}");
            }
            None => {}
        }
        let report = target.join(format!("{name}.json"));
        // That of an earlier run says nothing of this one.
        let _ = std::fs::remove_file(&report);
        run.args(["run", "--silent", name])
            .env("POINTSMAN_BIN", target.join("debug/pointsman"))
            .env("POINTSMAN_CHROMIUM", chromium)
            .env("POINTSMAN_REPORT", &report);
        let well = succeeds(run);
        let told = std::fs::read_to_string(&report).ok().and_then(|text| playwright::read(&text));
        match told {
            Some(outcome) if well == (outcome.failed == 0) => outcome,
            // It ended before or after its tests.
            _ => {
                let what = format!("{name} ... FAILED: Playwright didn't end as its report says");
                Outcome { named: vec![Named::of(what)], ..Outcome::of(false) }
            }
        }
    })
}

fn target_directory(root: &Path) -> Option<PathBuf> {
    let metadata = ["metadata", "--format-version", "1", "--no-deps", "--locked"];
    let output = cargo(root, &metadata).output().ok()?;
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).ok()?;
    json["target_directory"].as_str().map(PathBuf::from)
}

fn with_node(root: &Path, part: &str, run: impl FnOnce() -> Outcome) -> Outcome {
    if node::is_own(root) || node::fetch(root) {
        run()
    } else {
        Outcome::skip(part, "there is no Node.js 20 or newer", &node::install_line())
    }
}

/// What the lock file names, where it isn't there yet.
fn install(root: &Path) -> bool {
    let web = root.join("web");
    let changed = |path: &str| web.join(path).metadata().and_then(|data| data.modified()).ok();
    let (installed, locked) =
        (changed("node_modules/.package-lock.json"), changed("package-lock.json"));
    if installed.is_some() && installed >= locked {
        return true;
    }
    npm(root, &["ci", "--no-audit", "--no-fund"])
}

fn script(root: &Path, name: &str) -> bool {
    npm(root, &["run", "--silent", name])
}

fn npm(root: &Path, arguments: &[&str]) -> bool {
    let Some(mut npm) = node::npm(root, &root.join("web")) else { return false };
    npm.args(arguments);
    succeeds(npm)
}
