//! `pointsman import`: history teaches the baseline of a new store.

use std::path::PathBuf;

use anyhow::{Context, Result};
use serde::Serialize;

use super::progress::Progress;
use super::recorded::Recorded;
use super::{Exit, Format, complain, configured};
use crate::import::{Taught, teach};
use crate::read::{Loaded, Problem};
use crate::serve::clock::wall;

/// `import`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  pointsman import payments.csv
  pointsman import hourly.csv.gz --map time=hr,attempts=t,successes=ok,gateway=pg,issuer=bank
  pointsman import attempts.parquet --tz Asia/Kolkata --format json

Reads what `backtest` reads (see its help for --map) and teaches a new store (store.url) what is normal:
levels, daily and weekly course, how much the numbers scatter. Nothing is raised, stored as an
attempt, or acted on; incidents found in the file are kept out of what is learnt. `pointsman serve`
then starts where the history ended, however long ago that was.

Exit code 0 if any row was read, 3 if none or if the store has a history of its own.")]
pub struct Args {
    #[command(flatten)]
    recorded: Recorded,
    /// For whom
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// The configuration, for store.url, analysis.* and alerts.*
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// What was done, for programs.
#[derive(Serialize)]
struct Done<'a> {
    rows: u64,
    skipped: u64,
    attempts: u64,
    from: Option<String>,
    until: Option<String>,
    slices: usize,
    watched: usize,
    store: &'a str,
    notes: &'a [String],
}

/// Reads, teaches, hands over.
pub fn run(args: &Args) -> Result<Exit> {
    let (wish, zone) = match args.recorded.wish() {
        Ok(asked) => asked,
        Err(wrong) => return said(&wrong, Exit::Usage),
    };
    let Some(settings) = configured(args.config.as_deref()) else { return Ok(Exit::Usage) };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    // Before anything is read: a store that can't be taught is said at once.
    let url = settings.store_url();
    let (store, _alone) = runtime.block_on(async {
        let opened = store::open_alone(url).await?;
        crate::serve::teach::ensure_new(&opened.0).await?;
        anyhow::Ok(opened)
    })?;
    let mut file = match args.recorded.read(wish, zone) {
        Ok(file) => file,
        Err(problem) => return said(&problem.to_string(), Exit::Input),
    };
    complain_of(&file);
    if file.rows == 0 {
        return said(&format!("{}: no row could be read", file.name), Exit::Input);
    }
    let config = settings.serving();
    let unwatched: Vec<&str> = file
        .dimensions
        .iter()
        .map(String::as_str)
        .filter(|d| !config.analysis.dimensions.iter().any(|known| known == d))
        .collect();
    if !unwatched.is_empty() {
        file.notes.push(format!(
            "not among analysis.dimensions, and so not told apart: {}",
            unwatched.join(", ")
        ));
    }
    let learning = Progress::new("learning");
    let rows = file.rows;
    let taught = teach(&mut file, config, &mut |done| learning.rows(done, rows))
        .context("reading the temporary files of the sort")?;
    drop(learning);
    let shown = store::shown(url);
    say(args.format, &file, &taught, &shown)?;
    let at = taught.span.map_or_else(wall, |(_, last)| last.plus_millis(file.tick_ms));
    runtime.block_on(taught.teacher.hand_over(&store, at, &[]))?;
    Ok(Exit::Ok)
}

/// What was wrong with the file, each kind once.
fn complain_of(file: &Loaded) {
    for problem in file.skipped.first.iter().chain(&file.incomplete) {
        complain(&Problem::to_string(problem));
    }
}

fn say(format: Format, file: &Loaded, taught: &Taught, store: &str) -> Result<()> {
    let (from, until) =
        taught.span.map(|(from, until)| (from.to_string(), until.to_string())).unzip();
    let (slices, watched) = (taught.coverage.slices, taught.coverage.watched);
    if format == Format::Json {
        let done = Done {
            rows: file.rows,
            skipped: file.skipped.total,
            attempts: taught.attempts,
            from,
            until,
            slices,
            watched,
            store,
            notes: &file.notes,
        };
        println!("{}", serde_json::to_string(&done)?);
        return Ok(());
    }
    println!(
        "{}: {} rows, {} attempts from {} to {}; {} rows left out",
        file.name,
        file.rows,
        taught.attempts,
        from.as_deref().unwrap_or("-"),
        until.as_deref().unwrap_or("-"),
        file.skipped.total
    );
    for note in &file.notes {
        println!("note: {note}");
    }
    println!("learnt: {slices} slices with traffic, {watched} of them watched; kept in {store}");
    println!("next: pointsman serve");
    Ok(())
}

fn said(message: &str, exit: Exit) -> Result<Exit> {
    complain(message);
    Ok(exit)
}
