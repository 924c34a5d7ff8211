//! `pointsman demo`.

use super::Exit;

/// `demo`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  pointsman demo")]
pub struct Args {}

/// Plays.
pub fn run(_args: &Args) -> anyhow::Result<Exit> {
    Ok(Exit::Ok)
}
