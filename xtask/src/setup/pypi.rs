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
    /// What has to be there, below the environment: a program that is started, or a part of the package.
    part: &'static str,
}

/// Amazon Cognito's tokens; `crates/server/tests/serve/oidc/cognito.rs` starts this version.
pub const MOTO: Package = Package {
    name: "moto",
    version: "5.2.5",
    extras: "[server,cognitoidp]",
    part: "bin/moto_server",
};

/// Asks everything that `docs/openapi.json` describes; `crates/server/tests/serve/described.rs` starts this version.
pub const SCHEMATHESIS: Package =
    Package { name: "schemathesis", version: "4.32.5", extras: "", part: "bin/st" };

/// A rival of `bench bandit`; `bench/src/bandit/vw.rs` starts this version.
pub const VOWPAL_WABBIT: Package = Package {
    name: "vowpalwabbit",
    version: "9.11.9",
    extras: "",
    part: "lib/python*/site-packages/vowpalwabbit",
};

impl Package {
    fn dir(self) -> Option<PathBuf> {
        cache_dir().map(|dir| dir.join(format!("{}-{}", self.name, self.version)))
    }

    /// Whether it is there.
    pub fn is_there(self) -> bool {
        self.dir().is_some_and(|dir| match self.part.split_once("python*/") {
            // The folder has the interpreter's own version in its name.
            Some((before, after)) => std::fs::read_dir(dir.join(before)).is_ok_and(|mut inside| {
                inside.any(|entry| entry.is_ok_and(|entry| entry.path().join(after).exists()))
            }),
            None => dir.join(self.part).exists(),
        })
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
