//! wrk, the load generator: <https://github.com/wg/wrk>.

use std::process::{Command, Stdio};

use anyhow::{Context, ensure};
use serde::Deserialize;

use super::scene::Scene;

const SCRIPT: &str = include_str!("ask.lua");
/// The last line that the script prints begins so.
const MARK: &str = "told ";

/// What it counted.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Told {
    /// Answers.
    pub answers: u64,
    /// Of them other than 2xx and 3xx.
    refused: u64,
    /// Connections that broke off or waited too long.
    broken: u64,
    seconds: f64,
    /// Median latency as wrk sees it.
    pub p50_us: f64,
    /// 99 % of the answers came within this.
    pub p99_us: f64,
}

impl Told {
    /// Answers per second.
    pub fn per_s(&self) -> f64 {
        self.answers as f64 / self.seconds
    }
}

/// Says how to get it, where it isn't.
pub fn is_there() -> anyhow::Result<()> {
    let mut version = Command::new("wrk");
    version.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
    version.status().context("wrk is missing; to get it: apt-get install wrk")?;
    Ok(())
}

/// Asks for so long; an answer other than 200 is an error.
pub fn run(scene: &Scene, url: &str, seconds: u64) -> anyhow::Result<Told> {
    let script = scene.folder().join("ask.lua");
    std::fs::write(&script, SCRIPT)?;
    let output = Command::new("wrk")
        .args(["-t1", "-c64", &format!("-d{seconds}s"), "-s"])
        .arg(&script)
        .arg(format!("{url}/v1/route"))
        .env("POINTSMAN_TOKEN", scene.route_key())
        .stderr(Stdio::inherit())
        .output()?;
    ensure!(output.status.success(), "wrk ended with {}", output.status);
    let said = String::from_utf8_lossy(&output.stdout);
    let told = said.lines().find_map(|line| line.strip_prefix(MARK)).context("wrk told nothing")?;
    let told: Told = serde_json::from_str(told).context("what wrk told")?;
    ensure!(told.answers > 0 && told.refused == 0 && told.broken == 0, "{told:?}\n{said}");
    Ok(told)
}
