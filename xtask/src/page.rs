//! The control room in `web/`: built for the binary, and checked.

use std::path::Path;

use crate::outcome::Outcome;
use crate::process::{command, succeeds};
use crate::setup::Tool;

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

fn with_node(root: &Path, part: &str, run: impl FnOnce() -> Outcome) -> Outcome {
    if Tool::Node.is_there(root) {
        run()
    } else {
        Outcome::skip(part, "Node.js with npm is not installed", &Tool::Node.install_line())
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
    let mut npm = command(&root.join("web"), "npm");
    npm.args(arguments);
    succeeds(npm)
}
