//! Programs of tests from PyPI, each in a virtual environment of its own in the cache.

use std::path::{Path, PathBuf};

use super::cache_dir;
use crate::process::{command, succeeds};

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Package {
    name: &'static str,
    version: &'static str,
    /// Parts of it that have to be asked for.
    extras: &'static str,
    /// What tests start.
    program: &'static str,
}

/// Amazon Cognito's tokens; `crates/server/tests/serve/oidc/cognito.rs` starts this version.
pub const MOTO: Package = Package {
    name: "moto",
    version: "5.2.5",
    extras: "[server,cognitoidp]",
    program: "moto_server",
};

/// Asks everything that `docs/openapi.json` describes; `crates/server/tests/serve/described.rs` starts this version.
pub const SCHEMATHESIS: Package =
    Package { name: "schemathesis", version: "4.32.5", extras: "", program: "st" };

impl Package {
    fn dir(self) -> Option<PathBuf> {
        cache_dir().map(|dir| dir.join(format!("{}-{}", self.name, self.version)))
    }

    /// Whether it is there.
    pub fn is_there(self) -> bool {
        self.dir().is_some_and(|dir| dir.join("bin").join(self.program).exists())
    }

    /// The one line that gets it.
    pub fn install_line(self) -> String {
        format!("cargo xtask setup (fetches {}-{} from PyPI)", self.name, self.version)
    }

    /// Fetches it.
    pub fn install(self, root: &Path) -> bool {
        let Some(dir) = self.dir() else {
            println!(
                "neither POINTSMAN_CACHE, XDG_CACHE_HOME nor HOME is set: no place to install to"
            );
            return false;
        };
        let mut venv = command(root, "python3");
        venv.args(["-m", "venv"]).arg(&dir);
        let mut pip = command(root, dir.join("bin/pip"));
        let wanted = format!("{}{}=={}", self.name, self.extras, self.version);
        pip.args(["install", "--quiet", "--disable-pip-version-check", &wanted]);
        succeeds(venv) && succeeds(pip)
    }
}
