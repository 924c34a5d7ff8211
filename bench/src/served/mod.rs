//! `pointsman serve` as a process of its own, for benchmarks that ask it from outside.
//!
//! The process is this program once more, told by a variable of the environment to be `pointsman`: the same library, the same allocator and
//! profile as the binary, and never one of an older build.

mod process;

use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};

use anyhow::{Context, bail, ensure};
use serde_json::Value;

pub use process::{Usage, family_cpu_s};

/// Says what a child process is.
const AS: &str = "POINTSMAN_BENCH_AS";

/// What a child process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// The product.
    Pointsman,
    /// The product's server around a handler that decides nothing.
    Floor,
}

impl Program {
    fn word(self) -> &'static str {
        match self {
            Self::Pointsman => "pointsman",
            Self::Floor => "floor",
        }
    }
}

/// Runs as what this process was started as; none: as the benchmarks.
pub fn run_as_child() -> Option<ExitCode> {
    let word = std::env::var(AS).ok()?;
    if word == Program::Pointsman.word() {
        return Some(server::cli::main());
    }
    Some(match crate::route::floor::serve() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    })
}

fn command(program: Program, folder: &Path) -> anyhow::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.env(AS, program.word()).env_remove("RUST_LOG").current_dir(folder);
    Ok(command)
}

/// Runs a command of the product to its end; what it printed.
pub fn pointsman<I: AsRef<OsStr>>(folder: &Path, arguments: &[I]) -> anyhow::Result<String> {
    let mut command = command(Program::Pointsman, folder)?;
    let output = command.args(arguments).stderr(Stdio::inherit()).output()?;
    ensure!(output.status.success(), "a command of the product ended with {}", output.status);
    Ok(String::from_utf8(output.stdout)?)
}

/// A key with a role or scopes, in the store of this folder.
pub fn key(folder: &Path, grant: [&str; 2]) -> anyhow::Result<String> {
    let said = pointsman(folder, &["keys", "create", grant[0], grant[1], "--format", "json"])?;
    let made: Value = serde_json::from_str(&said).context("what `keys create` printed")?;
    Ok(made["key"].as_str().context("no key")?.to_owned())
}

/// A server that runs; it ends with this value.
pub struct Served {
    child: Child,
    /// `http://127.0.0.1:PORT`
    pub url: String,
    key: String,
    agent: ureq::Agent,
}

impl Served {
    /// Starts it where its configuration and its store lie, to be asked with this key.
    pub fn start(program: Program, folder: &Path, key: &str) -> anyhow::Result<Self> {
        Self::start_with(program, folder, key, &[])
    }

    /// The same with variables of the environment.
    pub fn start_with(
        program: Program,
        folder: &Path,
        key: &str,
        set: &[(&str, &Path)],
    ) -> anyhow::Result<Self> {
        let mut child = command(program, folder)?
            .envs(set.iter().copied())
            .args(["serve", "--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .spawn()
            .context("a benchmark starts itself again")?;
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().context("it was piped")?);
        stdout.read_line(&mut line)?;
        let Some(url) = line.trim().strip_prefix("listening on ") else {
            let _ = child.kill();
            bail!("the server doesn't listen: {}", child.wait()?);
        };
        let agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        Ok(Self { child, url: url.to_owned(), key: key.to_owned(), agent })
    }

    /// What it has used so far.
    pub fn usage(&self) -> anyhow::Result<Usage> {
        Usage::of(self.child.id())
    }

    /// An answer as JSON; any other status than 2xx is an error.
    pub fn get(&self, path: &str) -> anyhow::Result<Value> {
        Ok(serde_json::from_str(&self.text(path)?)?)
    }

    /// A counter or a gauge without labels.
    pub fn metric(&self, name: &str) -> anyhow::Result<f64> {
        let text = self.text("/metrics")?;
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        Ok(line.with_context(|| format!("no metric {name}"))?.trim().parse()?)
    }

    fn text(&self, path: &str) -> anyhow::Result<String> {
        let bearer = format!("Bearer {}", self.key);
        let url = format!("{}{path}", self.url);
        let mut answer = self.agent.get(url).header("authorization", bearer).call()?;
        let text = answer.body_mut().read_to_string()?;
        ensure!(answer.status().is_success(), "GET {path}: {} {text}", answer.status());
        Ok(text)
    }

    /// Posts a body; any other status than 2xx is an error.
    pub fn post(&self, path: &str, kind: &str, body: &str) -> anyhow::Result<Value> {
        let bearer = format!("Bearer {}", self.key);
        let url = format!("{}{path}", self.url);
        let request = self.agent.post(url).header("authorization", bearer);
        let mut answer = request.header("content-type", kind).send(body)?;
        let text = answer.body_mut().read_to_string()?;
        ensure!(answer.status().is_success(), "POST {path}: {} {text}", answer.status());
        Ok(serde_json::from_str(&text)?)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
