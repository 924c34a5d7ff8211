//! `pointsman replay`: recorded inputs once more; every effect must be the same, bit for bit.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use engine::{Engine, journal, snapshot};

use super::Exit;
use crate::read::visible;

/// A line longer than this is no entry.
const LINE_MAX: u64 = 256 << 20;
/// Differences told one by one.
const TOLD_MAX: usize = 10;

/// `replay`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  pointsman sim hard_outage --seed 3 --journal run
  pointsman replay run/journal.ndjson      exits 1 if any decision differs")]
pub struct Args {
    /// A journal, as `sim --journal` writes it
    journal: PathBuf,
    /// Print one JSON object
    #[arg(long, value_enum, default_value_t)]
    format: super::Format,
}

#[derive(serde::Serialize)]
struct Told {
    steps: u64,
    differences: u64,
    first: Vec<Differs>,
}

#[derive(serde::Serialize)]
struct Differs {
    step: u64,
    recorded: String,
    replayed: String,
}

/// Replays a journal.
pub fn run(args: &Args) -> Result<Exit> {
    let name = visible(&args.journal.to_string_lossy());
    let file = File::open(&args.journal).with_context(|| format!("{name} can't be opened"))?;
    let mut lines = BufReader::new(file);
    let mut line = String::new();
    if !next(&mut lines, &mut line, &name, 1)? {
        bail!("{name} is empty; want a journal as `pointsman sim --journal` writes it");
    }
    let header: journal::Header = serde_json::from_str(&line).with_context(|| {
        format!("{name}, line 1: want a journal's header such as {{\"journal\":1,...}}")
    })?;
    let mut engine = start(&args.journal, &header)?;
    let mut told = Told { steps: 0, differences: 0, first: Vec::new() };
    let mut number = 1;
    loop {
        number += 1;
        if !next(&mut lines, &mut line, &name, number)? {
            break;
        }
        if line.trim().is_empty() {
            continue;
        }
        let entry: journal::Entry = serde_json::from_str(&line).with_context(|| {
            format!("{name}, line {number}: want one entry per line as the engine writes them")
        })?;
        told.steps += 1;
        if let Some(found) = journal::step(&mut engine, &entry) {
            told.differences += 1;
            if told.first.len() < TOLD_MAX {
                let journal::Difference { step, recorded, replayed } = found;
                told.first.push(Differs { step, recorded, replayed });
            }
        }
    }
    match args.format {
        super::Format::Json => println!("{}", serde_json::to_string(&told)?),
        super::Format::Text => {
            for Differs { step, recorded, replayed } in &told.first {
                println!("step {step}: recorded {}, now {replayed}", visible(recorded));
            }
            println!("{} steps replayed, {} differ", told.steps, told.differences);
        }
    }
    Ok(if told.differences == 0 { Exit::Ok } else { Exit::Differs })
}

/// The engine before the first step.
fn start(journal: &Path, header: &journal::Header) -> Result<Engine> {
    if header.journal != journal::FORMAT {
        bail!("the journal has format {}, this version reads {}", header.journal, journal::FORMAT);
    }
    match (&header.config, &header.snapshot) {
        (Some(config), None) => Ok(Engine::new(config.clone())),
        (None, Some(name)) => {
            if Path::new(name).components().count() != 1 {
                bail!("line 1: snapshot is the name of a file beside the journal, not a path");
            }
            let path = journal.with_file_name(name);
            let shown = visible(&path.to_string_lossy());
            let bytes = std::fs::read(&path).with_context(|| {
                format!("{shown} can't be read; the journal goes on from that snapshot")
            })?;
            snapshot::load(&bytes).with_context(|| shown.clone())
        }
        _ => bail!("line 1: want either the configuration of a new engine or a snapshot's name"),
    }
}

/// Reads a line into `line`; false at the end.
fn next(lines: &mut impl BufRead, line: &mut String, name: &str, number: u64) -> Result<bool> {
    line.clear();
    let read = lines
        .take(LINE_MAX)
        .read_line(line)
        .with_context(|| format!("{name}, line {number} can't be read"))?;
    if read as u64 == LINE_MAX {
        bail!("{name}, line {number} is longer than {} MiB", LINE_MAX >> 20);
    }
    Ok(read > 0)
}
