//! `pointsman sim`: a scenario against the engine, offline, as fast as the machine goes.

use std::fs;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use engine::{Engine, Input, journal, snapshot};
use payments::Timestamp;
use sim::{Clairvoyant, Stage, play, play_clairvoyant, play_untouched};

use super::scenario::{find, parse};
use super::{Exit, Format};
use crate::piloted::{Piloted, gateways, learnt};
use crate::read::visible;

/// `sim`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  pointsman sim --list                      the scenarios that come with it
  pointsman sim hard_outage --seed 3        the cycle log, and what was recovered
  pointsman sim mine.scenario --journal run writes run/start.snapshot and run/journal.ndjson
  pointsman replay run/journal.ndjson       exits 1 if any decision differs")]
pub struct Args {
    /// The name of one that comes with it, or a file (docs/reference/scenarios.md)
    #[arg(required_unless_present = "list")]
    scenario: Option<String>,
    /// Another seed draws another network
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Write what the engine was told, and where it began, into this folder
    #[arg(long)]
    journal: Option<PathBuf>,
    /// Write what the operator remembers at the end, beliefs and lessons, into this file, e.g. memory.json
    #[arg(long)]
    memory: Option<PathBuf>,
    /// List the scenarios that come with it
    #[arg(long)]
    list: bool,
    /// For whom
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(serde::Serialize)]
struct Told {
    scenario: String,
    seed: u64,
    untouched_paid: f64,
    paid: f64,
    gained: f64,
    clairvoyant_gained: f64,
    incidents: usize,
    interventions: usize,
    cycles: Vec<Cycle>,
}

#[derive(serde::Serialize)]
struct Cycle {
    at: String,
    text: String,
}

/// Plays a scenario.
pub fn run(args: &Args) -> Result<Exit> {
    if args.list {
        for (name, text) in sim::library() {
            let scenario = parse(name, text)?;
            println!("{name:<28}{}", scenario.name);
        }
        return Ok(Exit::Ok);
    }
    let Some(name) = &args.scenario else { bail!("name a scenario; `--list` shows them") };
    let scenario = find(name)?;
    let stage = scenario
        .stage(args.seed)
        .map_err(|problem| anyhow::anyhow!("{}", visible(&problem.in_file(name))))?;
    eprintln!("learning from a quiet history");
    let mut engine = learnt(&stage, args.seed);
    engine.handle(&Input::Gateways(gateways(&stage)));
    let (world, setup) = (&stage.world, &stage.setup);
    let mut piloted = Piloted::new(engine, stage.from);
    if let Some(folder) = &args.journal {
        piloted.record(start_journal(folder, &piloted.engine)?);
    }
    let played = play(world, setup, &mut piloted, &mut |_| {});
    piloted.finish().context("the journal can't be written")?;
    if let Some(path) = &args.memory {
        let text = serde_json::to_string_pretty(&piloted.engine.pilot().memory())?;
        fs::write(path, text + "\n")
            .with_context(|| format!("{} can't be written", visible(&path.to_string_lossy())))?;
    }
    let untouched = play_untouched(world, setup, &mut |_| {});
    let best = play_clairvoyant(world, setup, &mut Clairvoyant::default(), &mut |_| {});
    let clock = |at: Timestamp| format!("{:.0} s", at.millis_since(stage.from) as f64 / 1e3);
    let told = Told {
        scenario: scenario.name.clone(),
        seed: args.seed,
        untouched_paid: untouched.paid_expected,
        paid: played.paid_expected,
        gained: played.paid_expected - untouched.paid_expected,
        clairvoyant_gained: best.paid_expected - untouched.paid_expected,
        incidents: piloted.incidents.len(),
        interventions: piloted.interventions.len(),
        cycles: piloted
            .cycles
            .iter()
            .map(|(at, text)| Cycle { at: clock(*at), text: text.clone() })
            .collect(),
    };
    match args.format {
        Format::Json => println!("{}", serde_json::to_string(&told)?),
        Format::Text => print(&told, &piloted, &stage),
    }
    Ok(Exit::Ok)
}

fn print(told: &Told, piloted: &Piloted, stage: &Stage) {
    for Cycle { at, text } in &told.cycles {
        println!("{at}");
        text.lines().for_each(|line| println!("{}", visible(line)));
        println!();
    }
    piloted.log(stage).iter().for_each(|line| println!("{}", visible(line)));
    println!(
        "\n{}: {:.0} payments paid, {:+.0} by the operator, {:+.0} by one who knows the truth",
        visible(&told.scenario),
        told.paid,
        told.gained,
        told.clairvoyant_gained
    );
}

/// Writes where the engine stands and opens the journal behind it.
fn start_journal(folder: &Path, engine: &Engine) -> Result<BufWriter<fs::File>> {
    const SNAPSHOT: &str = "start.snapshot";
    let shown = visible(&folder.to_string_lossy());
    fs::create_dir_all(folder).with_context(|| format!("{shown} can't be made"))?;
    fs::write(folder.join(SNAPSHOT), snapshot::save(engine)?)
        .with_context(|| format!("{shown}/{SNAPSHOT} can't be written"))?;
    let file = fs::File::create(folder.join("journal.ndjson"))
        .with_context(|| format!("{shown}/journal.ndjson can't be written"))?;
    let mut journal = BufWriter::new(file);
    serde_json::to_writer(&mut journal, &journal::Header::saved(SNAPSHOT))?;
    journal.write_all(b"\n")?;
    Ok(journal)
}
