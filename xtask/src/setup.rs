//! What the tests need beyond Rust, a C compiler and make: looked for, and installed when we may.
//!
//! Root on a throw-away machine wants it installed; a person wants to be told the one line to run.

mod kafka;
pub mod node;
mod oidc;
mod pypi;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::outcome::Outcome;
use crate::process::{cargo, command, succeeds, works};

/// The version the configuration in `deny.toml` is written for.
const CARGO_DENY_VERSION: &str = "0.20.2";

/// A tool that a part of the suite can't do without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    /// `cargo fmt`.
    Rustfmt,
    /// `cargo clippy`.
    Clippy,
    /// `cargo deny`.
    CargoDeny,
    /// The server programs of PostgreSQL, which tests start themselves.
    PostgreSql,
    /// RabbitMQ, likewise.
    RabbitMq,
    /// Maven and a Java, which get and run Kafka.
    Maven,
    /// The jars of Apache Kafka, likewise.
    Kafka,
    /// Prometheus' own `promtool`, which reads metrics and alert rules.
    Promtool,
    /// Node.js with npm, which get and run an issuer of tokens.
    Node,
    /// An OpenID Connect issuer, which tests start themselves.
    Issuer,
    /// Python with its virtual environments, which get and run the three below.
    Python,
    /// Amazon Cognito's tokens, which tests start themselves.
    Moto,
    /// Asks the server everything that its description allows.
    Schemathesis,
    /// A rival of the routing benchmark.
    VowpalWabbit,
    /// The browser that the control room is tested in.
    Chromium,
    /// A clock that jumps, for the chaos tests.
    Faketime,
}

impl Tool {
    const ALL: [Self; 16] = [
        Self::Rustfmt,
        Self::Clippy,
        Self::CargoDeny,
        Self::PostgreSql,
        Self::RabbitMq,
        Self::Maven,
        Self::Kafka,
        Self::Promtool,
        Self::Node,
        Self::Issuer,
        Self::Python,
        Self::Moto,
        Self::Schemathesis,
        Self::VowpalWabbit,
        Self::Chromium,
        Self::Faketime,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Rustfmt => "rustfmt",
            Self::Clippy => "clippy",
            Self::CargoDeny => "cargo-deny",
            Self::PostgreSql => "postgresql",
            Self::RabbitMq => "rabbitmq-server",
            Self::Maven => "maven",
            Self::Kafka => "kafka",
            // The package; it holds promtool.
            Self::Promtool => "prometheus",
            Self::Node => "npm",
            Self::Issuer => "oauth2-mock-server",
            Self::Python => "python3-venv",
            Self::Moto => "moto",
            Self::Schemathesis => "schemathesis",
            Self::VowpalWabbit => "vowpalwabbit",
            Self::Chromium => "chromium",
            Self::Faketime => "libfaketime",
        }
    }

    /// The one line that gets it.
    pub fn install_line(self) -> String {
        match self {
            Self::Rustfmt => "rustup component add rustfmt".into(),
            Self::Clippy => "rustup component add clippy".into(),
            Self::CargoDeny => {
                format!("cargo install --locked cargo-deny --version {CARGO_DENY_VERSION}")
            }
            Self::PostgreSql
            | Self::RabbitMq
            | Self::Promtool
            | Self::Node
            | Self::Python
            | Self::Chromium
            | Self::Faketime => {
                format!("apt-get install --yes --no-install-recommends {}", self.name())
            }
            Self::Maven => {
                "apt-get install --yes --no-install-recommends maven default-jre-headless".into()
            }
            Self::Kafka => kafka::install_line(),
            Self::Issuer => oidc::install_line(),
            Self::Moto => pypi::MOTO.install_line(),
            Self::Schemathesis => pypi::SCHEMATHESIS.install_line(),
            Self::VowpalWabbit => pypi::VOWPAL_WABBIT.install_line(),
        }
    }

    /// Whether it runs.
    pub fn is_there(self, root: &Path) -> bool {
        match self {
            Self::Rustfmt => works(cargo(root, &["fmt", "--version"])),
            Self::Clippy => works(cargo(root, &["clippy", "--version"])),
            Self::CargoDeny => cargo_deny(root).is_some(),
            Self::PostgreSql => has_postgresql(),
            Self::RabbitMq => Path::new("/usr/lib/rabbitmq/bin/rabbitmq-server").exists(),
            Self::Maven => ["mvn", "java"].into_iter().all(|program| {
                let mut version = command(root, program);
                version.arg("-version");
                works(version)
            }),
            Self::Kafka => kafka::is_there(),
            Self::Promtool => {
                let mut version = command(root, "promtool");
                version.arg("--version");
                works(version)
            }
            Self::Node => ["node", "npm"].into_iter().all(|program| {
                let mut version = command(root, program);
                version.arg("--version");
                works(version)
            }),
            Self::Python => {
                let mut modules = command(root, "python3");
                modules.args(["-c", "import venv, ensurepip"]);
                works(modules)
            }
            Self::Issuer => oidc::is_there(),
            Self::Moto => pypi::MOTO.is_there(),
            Self::Schemathesis => pypi::SCHEMATHESIS.is_there(),
            Self::VowpalWabbit => pypi::VOWPAL_WABBIT.is_there(),
            Self::Chromium => chromium(root).is_some(),
            Self::Faketime => has_faketime(),
        }
    }

    fn install(self, root: &Path) -> bool {
        match self {
            Self::Rustfmt | Self::Clippy => {
                let mut rustup = command(root, "rustup");
                rustup.args(["component", "add", self.name()]);
                succeeds(rustup)
            }
            Self::CargoDeny => install_cargo_deny(root),
            Self::PostgreSql
            | Self::RabbitMq
            | Self::Promtool
            | Self::Node
            | Self::Python
            | Self::Chromium
            | Self::Faketime => install_packages(root, &[self.name()]),
            Self::Maven => install_packages(root, &[self.name(), "default-jre-headless"]),
            Self::Kafka => kafka::install(root),
            Self::Issuer => oidc::install(root),
            Self::Moto => pypi::MOTO.install(root),
            Self::Schemathesis => pypi::SCHEMATHESIS.install(root),
            Self::VowpalWabbit => pypi::VOWPAL_WABBIT.install(root),
        }
    }

    /// What gets it, where it goes into the user's cache and not into the system.
    const fn needs(self) -> Option<Self> {
        match self {
            Self::Kafka => Some(Self::Maven),
            Self::Issuer => Some(Self::Node),
            Self::Moto | Self::Schemathesis | Self::VowpalWabbit => Some(Self::Python),
            _ => None,
        }
    }
}

/// A working `cargo-deny`: the one on the path, else the one that `setup` put in the cache.
pub fn cargo_deny(root: &Path) -> Option<Command> {
    [Some(PathBuf::from("cargo-deny")), tools_dir().map(|dir| dir.join("bin/cargo-deny"))]
        .into_iter()
        .flatten()
        .find(|program| {
            let mut version = command(root, program);
            version.arg("--version");
            works(version)
        })
        .map(|program| command(root, program))
}

/// The browser's program, by the names that systems give it; the one that is set goes first.
pub fn chromium(root: &Path) -> Option<OsString> {
    let set = std::env::var_os("POINTSMAN_CHROMIUM").filter(|name| !name.is_empty());
    let known = ["/usr/bin/chromium", "chromium", "chromium-browser", "google-chrome"];
    set.into_iter().chain(known.map(OsString::from)).find(|program| {
        let mut version = command(root, program);
        version.arg("--version");
        works(version)
    })
}

/// The issuer that browsers sign in at.
pub fn issuer() -> Option<PathBuf> {
    oidc::place().filter(|_| oidc::is_there())
}

/// Debian keeps server programs off the path, one directory per version.
/// The folder is named after the machine's kind.
fn has_faketime() -> bool {
    let folders = std::fs::read_dir("/usr/lib").into_iter().flatten().flatten();
    let libraries = folders.map(|folder| folder.path().join("faketime/libfaketimeMT.so.1"));
    libraries.into_iter().any(|library| library.exists())
}

fn has_postgresql() -> bool {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut places: Vec<PathBuf> = versions.map(|version| version.path().join("bin")).collect();
    places.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    places.iter().any(|place| place.join("initdb").exists())
}

fn install_packages(root: &Path, names: &[&str]) -> bool {
    let apt = |arguments: &[&str]| {
        let mut apt = command(root, "apt-get");
        apt.args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
        succeeds(apt)
    };
    let install = [&["install", "--yes", "--no-install-recommends"], names].concat();
    apt(&["update"]) && apt(&install)
}

/// Its release profile optimises for minutes what runs for seconds here; the cache keeps it for
/// the next clone, and so does its own target directory keep what was built when a run is cut off.
fn install_cargo_deny(root: &Path) -> bool {
    let Some(tools) = tools_dir() else {
        println!("neither POINTSMAN_CACHE, XDG_CACHE_HOME nor HOME is set: no place to install to");
        return false;
    };
    let mut install =
        cargo(root, &["install", "--locked", "cargo-deny", "--version", CARGO_DENY_VERSION]);
    install
        .arg("--root")
        .arg(&tools)
        .env("CARGO_TARGET_DIR", tools.join("target"))
        .env("CARGO_PROFILE_RELEASE_LTO", "off")
        .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1")
        .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16")
        .env("CARGO_PROFILE_RELEASE_DEBUG", "0");
    let done = succeeds(install);
    if done {
        // The installed binary stays; half a gigabyte of its parts needn't.
        let _ = std::fs::remove_dir_all(tools.join("target"));
    }
    done
}

fn tools_dir() -> Option<PathBuf> {
    cache_dir().map(|dir| dir.join("tools"))
}

/// Outside the clone: `$POINTSMAN_CACHE`, by default in the user's cache directory.
fn cache_dir() -> Option<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("POINTSMAN_CACHE")
        .or_else(|| set("XDG_CACHE_HOME").map(|dir| dir.join("pointsman")))
        .or_else(|| set("HOME").map(|dir| dir.join(".cache/pointsman")))
}

/// Looks for every tool, and gets those that are missing or says how; prints each step.
pub fn run(root: &Path) -> Outcome {
    println!("setup: fetching what Cargo.lock names");
    let mut outcome = Outcome::of(succeeds(cargo(root, &["fetch", "--locked"])));
    let may_install = is_root(root);
    for tool in Tool::ALL {
        let name = tool.name();
        if tool.is_there(root) {
            println!("setup: {name} is there");
            outcome += Outcome::of(true);
        } else if may_install || tool.needs().is_some_and(|other| other.is_there(root)) {
            println!("setup: {name} is missing; getting it: {}", tool.install_line());
            let installed = tool.install(root) && tool.is_there(root);
            println!("setup: {name} {}", if installed { "is there now" } else { "not installed" });
            outcome += Outcome::of(installed);
        } else {
            println!("setup: {name} is missing; to get it: {}", tool.install_line());
            outcome += Outcome { skipped: 1, ..Outcome::default() };
        }
    }
    outcome
}

fn is_root(root: &Path) -> bool {
    let mut id = command(root, "id");
    id.arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tool_says_the_one_line_that_gets_it() {
        for tool in Tool::ALL {
            let line = tool.install_line();
            assert!(line.contains(tool.name()) && !line.contains('\n'), "{line}");
        }
    }
}
