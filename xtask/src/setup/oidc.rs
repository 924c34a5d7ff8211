//! An issuer of tokens for tests that does what they tell it, from npm into the cache.

use std::path::{Path, PathBuf};

use super::cache_dir;
use crate::process::{command, succeeds};

/// The version that `crates/server/tests/serve/oidc` starts. The next one needs a newer Node.js than Debian has.
const ISSUER: &str = "oauth2-mock-server-8.2.3";
const VERSION: &str = "8.2.3";

/// Where it goes.
pub fn place() -> Option<PathBuf> {
    cache_dir().map(|dir| dir.join(ISSUER))
}

/// Whether it is there.
pub fn is_there() -> bool {
    place().is_some_and(|dir| dir.join("node_modules/oauth2-mock-server/package.json").exists())
}

/// The one line that gets it.
pub fn install_line() -> String {
    format!("cargo xtask setup (fetches {ISSUER} from npm)")
}

/// Fetches it.
pub fn install(root: &Path) -> bool {
    let Some(dir) = place() else {
        println!("neither POINTSMAN_CACHE, XDG_CACHE_HOME nor HOME is set: no place to install to");
        return false;
    };
    if let Err(error) = std::fs::create_dir_all(&dir) {
        println!("{} can't be made: {error}", dir.display());
        return false;
    }
    let mut npm = command(root, "npm");
    let wanted = format!("oauth2-mock-server@{VERSION}");
    npm.args(["install", "--no-audit", "--no-fund", "--ignore-scripts", "--silent", "--prefix"]);
    npm.arg(&dir).arg(wanted);
    succeeds(npm)
}
