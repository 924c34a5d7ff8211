//! Issuers of tokens for tests, from npm and PyPI into the cache: one that does what tests tell it, and Amazon Cognito as `moto` plays it.

use std::path::{Path, PathBuf};

use super::{Tool, cache_dir};
use crate::process::{command, succeeds};

/// The versions that `crates/server/tests/serve/oidc` starts. The mock server's next version needs a newer Node.js than Debian has.
const ISSUER: &str = "oauth2-mock-server-8.2.3";
const MOTO: &str = "moto-5.2.5";

/// Where it goes.
pub fn place(tool: Tool) -> Option<PathBuf> {
    let name = if tool == Tool::Moto { MOTO } else { ISSUER };
    cache_dir().map(|dir| dir.join(name))
}

/// Whether it is there.
pub fn is_there(tool: Tool) -> bool {
    let part = match tool {
        Tool::Moto => "bin/moto_server",
        _ => "node_modules/oauth2-mock-server/package.json",
    };
    place(tool).is_some_and(|dir| dir.join(part).exists())
}

/// The one line that gets it.
pub fn install_line(tool: Tool) -> String {
    match tool {
        Tool::Moto => format!("cargo xtask setup (fetches {MOTO} from PyPI)"),
        _ => format!("cargo xtask setup (fetches {ISSUER} from npm)"),
    }
}

/// Fetches it.
pub fn install(tool: Tool, root: &Path) -> bool {
    let Some(dir) = place(tool) else {
        println!("neither POINTSMAN_CACHE, XDG_CACHE_HOME nor HOME is set: no place to install to");
        return false;
    };
    if let Err(error) = std::fs::create_dir_all(&dir) {
        println!("{} can't be made: {error}", dir.display());
        return false;
    }
    if tool == Tool::Moto {
        let mut venv = command(root, "python3");
        venv.args(["-m", "venv"]).arg(&dir);
        let mut pip = command(root, dir.join("bin/pip"));
        let wanted = format!("moto[server,cognitoidp]=={}", version(MOTO));
        pip.args(["install", "--quiet", "--disable-pip-version-check", &wanted]);
        return succeeds(venv) && succeeds(pip);
    }
    let mut npm = command(root, "npm");
    let wanted = format!("oauth2-mock-server@{}", version(ISSUER));
    npm.args(["install", "--no-audit", "--no-fund", "--ignore-scripts", "--silent", "--prefix"]);
    npm.arg(&dir).arg(wanted);
    succeeds(npm)
}

fn version(name: &str) -> &str {
    name.rsplit('-').next().unwrap_or_default()
}
