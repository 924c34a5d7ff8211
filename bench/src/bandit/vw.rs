//! Vowpal Wabbit itself, through its Python package in the virtual environment that `cargo xtask setup` makes.

use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};

use super::world::World;

/// As `xtask/src/setup/pypi.rs` fetches it.
const PACKAGE: &str = "vowpalwabbit-9.11.9";
const SCRIPT: &str = include_str!("vw.py");

/// Where its Python is; `POINTSMAN_CACHE`, `XDG_CACHE_HOME` and `HOME` say so as they say for the setup.
fn python() -> anyhow::Result<PathBuf> {
    let cache = std::env::var_os("POINTSMAN_CACHE").map(PathBuf::from).or_else(|| {
        let xdg = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
        let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
        xdg.or(home).map(|cache| cache.join("pointsman"))
    });
    let python = cache.context("no HOME")?.join(PACKAGE).join("bin/python");
    ensure!(
        python.exists(),
        "{} isn't there: `cargo xtask setup` fetches Vowpal Wabbit from PyPI",
        python.display()
    );
    Ok(python)
}

/// What it chose in a world.
pub fn play(arguments: &str, world: &World) -> anyhow::Result<Vec<u16>> {
    let mut child = Command::new(python()?)
        .args(["-c", SCRIPT])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("Python doesn't start")?;
    let stdin = child.stdin.take().context("no pipe")?;
    let stdout = child.stdout.take().context("no pipe")?;
    let mut to = BufWriter::new(stdin);
    writeln!(to, "{}", serde_json::json!({"arguments": arguments, "worlds": 1}))?;
    writeln!(to, "{}", serde_json::json!({"payments": world.payments.len()}))?;
    for payment in &world.payments {
        let features = (0..).zip(&payment.values).map(|(d, value)| format!("d{d}_{value}"));
        let context = features.collect::<Vec<_>>().join(" ");
        let gateways = payment.eligible.iter().map(|g| {
            let kept = payment.kept[usize::from(*g)];
            format!("{g}:{}:{kept:.6}", u8::from(payment.succeeds(*g)))
        });
        let gateways = gateways.collect::<Vec<_>>().join(",");
        writeln!(to, "{}\t{}\t{context}\t{gateways}", payment.at_ms, payment.delay_ms)?;
    }
    drop(to);
    let mut line = String::new();
    BufReader::new(stdout).read_line(&mut line)?;
    ensure!(child.wait()?.success(), "Vowpal Wabbit ended with an error");
    let chosen: Vec<u16> = line.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
    ensure!(chosen.len() == world.payments.len(), "Vowpal Wabbit left payments without a choice");
    Ok(chosen)
}
