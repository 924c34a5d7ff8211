//! `pointsman demo`: a simulated day with its outages, operated by the engine.

mod live;
mod panels;
mod plain;
mod show;
mod summary;

use std::io::IsTerminal;

use super::Exit;

/// `demo`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  pointsman demo                     a day; quiet hours pass quickly, trouble slowly
  pointsman demo --speed 10          slower yet while something happens
  pointsman demo --seed 7            another day
  pointsman demo | tee day.txt       without a terminal: plain lines, as fast as it goes

Keys:
  1-9 break that gateway   o break any   b a bank fails   r repair everything
  a approve, x reject the plan that waits   k kill switch on and off
  space pauses   f runs ahead   q quits")]
pub struct Args {
    /// Seconds of the day that pass per second while something happens, on a terminal; twenty times as many while nothing does
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    speed: u32,
    /// Another seed gives another day
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Quiet days to learn from before it
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(0..=28))]
    learn_days: u32,
    /// Length of the day
    #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u32).range(1..=24))]
    hours: u32,
    /// Plain lines on a terminal too
    #[arg(long)]
    plain: bool,
}

/// Plays the day.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    let mut show = show::Show::new(args.seed, args.learn_days, args.hours)?;
    let terminal = std::io::stdout().is_terminal() && std::io::stdin().is_terminal();
    if terminal && !args.plain {
        live::run(&mut show, args.speed)?;
    } else {
        plain::run(&mut show, args.learn_days)?;
    }
    Ok(Exit::Ok)
}
