//! `pointsman policy`: a policy in a simulated network, two policies on a log, one in a running server.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Subcommand;

use super::recorded::Recorded;
use super::rollout::{self, PromoteArgs, RollbackArgs, StatusArgs};
use super::{Exit, Format, evaluate, scenario};
use crate::evaluate::{Simulated, simulate};
use crate::read::visible;
use crate::report::{number, percent};

/// `policy`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  pointsman policy simulate --policy learnt.toml --scenario partial --seed 3
  pointsman policy simulate --policy explore.toml --events log.ndjson
  pointsman policy compare learnt.toml fixed.toml log.ndjson
  pointsman policy promote learnt.toml --yes
  pointsman policy status
  pointsman policy rollback --reason 'the bank asked for it'")]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Play a policy in the simulated network, beside payments that nobody routes
    Simulate(SimulateArgs),
    /// Judge two policies on the same log, and their difference
    Compare(Box<CompareArgs>),
    /// Roll a policy out in the running server: A/A first, then a share that grows only on evidence
    Promote(Box<PromoteArgs>),
    /// Take the policy that is rolled out back at once
    Rollback(RollbackArgs),
    /// Say how far a roll-out is and what it has shown
    Status(StatusArgs),
}

#[derive(Debug, clap::Args)]
struct SimulateArgs {
    /// The policy: a file with [routing] and [[gateways]] as in pointsman.toml
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
    /// The name of a scenario that comes with `pointsman sim`, or a file
    #[arg(long, default_value = "partial")]
    scenario: String,
    /// Another seed draws another network
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Write the attempts, each with its propensity, into this file: a log for `pointsman evaluate`
    #[arg(long, value_name = "FILE")]
    events: Option<PathBuf>,
    /// For whom
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Debug, clap::Args)]
struct CompareArgs {
    /// The policy that may be better
    a: PathBuf,
    /// The policy it is compared with
    b: PathBuf,
    #[command(flatten)]
    recorded: Recorded,
    /// For whom
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Plays or compares.
pub fn run(args: &Args) -> Result<Exit> {
    match &args.what {
        What::Simulate(args) => simulated(args),
        What::Compare(args) => evaluate::judged(&args.recorded, &[&args.a, &args.b], args.format),
        What::Promote(args) => rollout::promote(args),
        What::Rollback(args) => rollout::roll_back(args),
        What::Status(args) => rollout::status(args),
    }
}

fn simulated(args: &SimulateArgs) -> Result<Exit> {
    let Some(candidates) = evaluate::candidates(&[&args.policy]) else { return Ok(Exit::Input) };
    let scenario = scenario::find(&args.scenario)?;
    let stage = scenario
        .stage(args.seed)
        .map_err(|problem| anyhow::anyhow!("{}", visible(&problem.in_file(&args.scenario))))?;
    let shown = args.events.as_ref().map(|path| visible(&path.to_string_lossy()));
    let unwritten = || format!("{} can't be written", shown.clone().unwrap_or_default());
    let mut events = args
        .events
        .as_ref()
        .map(File::create)
        .transpose()
        .with_context(unwritten)?
        .map(BufWriter::new);
    eprintln!("learning from a quiet history");
    let simulated = simulate(&stage, args.seed, &candidates[0], &mut |attempts| {
        let Some(out) = &mut events else { return Ok(()) };
        for attempt in attempts {
            serde_json::to_writer(&mut *out, attempt)?;
            out.write_all(b"\n")?;
        }
        Ok(())
    })
    .with_context(unwritten)?;
    if let Some(mut out) = events {
        out.flush().with_context(unwritten)?;
    }
    match args.format {
        Format::Json => println!("{}", serde_json::to_string(&simulated)?),
        Format::Text => print(&scenario.name, &simulated),
    }
    Ok(Exit::Ok)
}

fn print(scenario: &str, simulated: &Simulated) {
    let Simulated { payments, moved, untouched, policy } = simulated;
    println!(
        "{}: {} payments, {} attempts sent elsewhere",
        visible(scenario),
        number(*payments),
        number(*moved)
    );
    println!("  {:<26}{:>10}{:>10}{:>10}", "", "untouched", "policy", "uplift");
    let rows = [
        ("payments paid", untouched.payments_paid, policy.payments_paid),
        (
            "first attempts approved",
            untouched.first_attempts_approved,
            policy.first_attempts_approved,
        ),
    ];
    for (name, before, after) in rows {
        println!(
            "  {name:<26}{:>10}{:>10}{:>+10.2}",
            percent(before),
            percent(after),
            100.0 * (after - before)
        );
    }
    println!(
        "  uplift in points, over the same payments and random numbers; expected values, so that luck is out of it"
    );
}
