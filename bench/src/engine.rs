//! How many attempts a second one core takes, and how much memory it needs for it.
//!
//! **Traffic.** 10,000 attempts per second of event time over 20,000 leaf cells of the six default
//! dimensions, the cells' traffic by Zipf's law with exponent 1, in batches of a request's size; drawn afresh, every id new,
//! latency and code present. After an hour of warm-up, so that every detector runs (a slice
//! is judged once its own level is known, some 40 minutes after the start) five minutes are timed. They hold whatever falls into them:
//! ticks, panes, history, lessons, a fit of the baseline with a new choice of what is watched, and a gateway that fails, with the
//! pilot's experiment on it: its payments are routed as the pilot says, and their arms are reported.
//!
//! **Time** is that of `Engine::handle` alone, and it is the thread's CPU time: on a machine that others
//! share, the wall also measures them. Both are printed. The generator runs between the batches, outside.
//!
//! **Memory** is the largest resident set of a process that does nothing else (`VmHWM`), once for that
//! traffic and once for ten million distinct merchants, each in a process of its own.

mod acting;
mod distinct;
mod traffic;

use std::process::Command;

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};

use crate::report::{Options, Report};

const ATTEMPTS_PER_S_MIN: f64 = 1e6;
const RSS_MB_MAX: f64 = 512.0;
/// Says which half a child process plays.
const HALF: &str = "POINTSMAN_BENCH_ENGINE_HALF";

/// What one half measured.
#[derive(Serialize, Deserialize)]
struct Half {
    text: String,
    attempts_per_s: f64,
    rss_mb: f64,
}

pub fn run(options: &Options) -> anyhow::Result<Report> {
    let seed = options.seeds_or(0..1).start;
    match std::env::var(HALF).as_deref() {
        Ok("traffic") => answer(traffic::measure(seed)?),
        Ok("distinct") => answer(distinct::measure(seed)?),
        _ => {}
    }
    let traffic = child("traffic", seed)?;
    let distinct = child("distinct", seed)?;
    let rss_mb = traffic.rss_mb.max(distinct.rss_mb);
    Ok(Report {
        text: format!("{}\n{}", traffic.text, distinct.text),
        figures: [("attempts_per_s", traffic.attempts_per_s), ("rss_mb_max", rss_mb)].into(),
        pass: traffic.attempts_per_s >= ATTEMPTS_PER_S_MIN && rss_mb <= RSS_MB_MAX,
    })
}

fn answer(half: Half) -> ! {
    println!("{}", serde_json::json!(half));
    std::process::exit(0)
}

fn child(half: &str, seed: u64) -> anyhow::Result<Half> {
    let output = Command::new(std::env::current_exe()?)
        .args(["engine", "--seeds", &format!("{seed}..{}", seed + 1)])
        .env(HALF, half)
        .stderr(std::process::Stdio::inherit())
        .output()
        .context("a benchmark starts itself again")?;
    if !output.status.success() {
        bail!("the half `{half}` ended with {}", output.status);
    }
    serde_json::from_slice(&output.stdout).with_context(|| format!("what the half `{half}` said"))
}

/// Largest resident set of this process so far.
fn rss_mb_max() -> anyhow::Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status").context("Linux says VmHWM here")?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).context("no VmHWM")?;
    let kb: f64 = line.split_whitespace().nth(1).context("no figure")?.parse()?;
    Ok(kb / 1_024.0)
}
