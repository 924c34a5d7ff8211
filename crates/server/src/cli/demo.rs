//! `pointsman demo`: a simulated day with its outages, seen through the engine.

mod live;
mod plain;
mod show;
mod summary;

use std::io::IsTerminal;

use super::Exit;

/// `demo`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  pointsman demo                     a day in about a minute; q quits, space pauses, f runs ahead
  pointsman demo --speed 600         slower: ten minutes of the day per second
  pointsman demo --seed 7            another day
  pointsman demo | tee day.txt       without a terminal: plain lines, as fast as it goes")]
pub struct Args {
    /// Seconds of the day that pass per second, on a terminal
    #[arg(long, default_value_t = 1_500, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    speed: u32,
    /// Another seed gives another day
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Quiet days to learn from before it
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(0..=28))]
    learn_days: u32,
    /// Plain lines on a terminal too
    #[arg(long)]
    plain: bool,
}

/// Plays the day.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    let terminal = std::io::stdout().is_terminal() && std::io::stdin().is_terminal();
    if terminal && !args.plain {
        live::run(args.seed, args.learn_days, args.speed)?;
    } else {
        plain::run(args.seed, args.learn_days)?;
    }
    Ok(Exit::Ok)
}
