//! `pointsman check`.

use super::Exit;

/// `check`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  pointsman check")]
pub struct Args {}

/// Checks.
pub fn run(_args: &Args) -> anyhow::Result<Exit> {
    Ok(Exit::Ok)
}
