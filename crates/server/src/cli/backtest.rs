//! `pointsman backtest`.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use anyhow::Context;
use clap::ValueEnum;

use super::progress::Progress;
use super::recorded::Recorded;
use super::{Exit, complain};
use crate::read;
use crate::report::{self, Report};
use crate::{backtest, config};

/// `backtest`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  pointsman backtest payments.csv
  pointsman backtest hourly.csv.gz --map time=hr,attempts=t,successes=ok,gateway=pg,issuer=bank
  pointsman backtest attempts.parquet --tz Asia/Kolkata --format html -o report.html
  pointsman backtest payments.csv --truth incidents.csv --format json | jq .summary.truth

Keys of --map: time, and the outcome as status, or as attempts and successes (that
many in one row); gateway, method, network, issuer, country, merchant_id; code,
latency_ms, attempt_id, payment_id; minor (minor units, e.g. cents) and currency;
any other key becomes a dimension of its own. Without --map columns are recognised
by the names that exporters use, and the report says how.

The file may be CSV, Parquet or NDJSON of attempt events, plain, gzip or zstd, in any
order of time; what it is, is seen from its content. - reads standard input.
Labels (--truth) are CSV: start,end,slice with slices like {gateway: PAYU, network: VISA}.

Exit code 0 if any row was read, 3 if none.")]
pub struct Args {
    #[command(flatten)]
    recorded: Recorded,
    /// What to write
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Your own labels (start,end,slice): also says precision, recall and delay
    #[arg(long, value_name = "FILE")]
    truth: Option<PathBuf>,
    /// Write to a file instead of standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Configuration (alerts.false_pages_per_week, analysis.*)
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For a terminal
    Text,
    /// For programs
    Json,
    /// One file with charts, for a browser or a printer
    Html,
}

/// Reads, analyses, reports.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    let (wish, zone) = match args.recorded.wish() {
        Ok(asked) => asked,
        Err(wrong) => return usage(&wrong),
    };
    let settings = match config::load_optional(args.config.as_deref()) {
        Ok(settings) => settings,
        Err(problems) => {
            for problem in &problems {
                complain(&problem.to_string());
            }
            return Ok(Exit::Usage);
        }
    };
    let labels =
        match args.truth.as_deref().map(|path| backtest::read_labels(path, &zone)).transpose() {
            Ok(labels) => labels,
            Err(problem) => return input(&problem.to_string()),
        };
    let mut file = match args.recorded.read(wish, zone.clone()) {
        Ok(file) => file,
        Err(problem) => return input(&problem.to_string()),
    };
    let exit = if file.rows > 0 { Exit::Ok } else { Exit::Input };
    let analysing = Progress::new("analysing");
    let rows = file.rows;
    let outcome =
        backtest::run(&mut file, settings.engine(), &mut |done| analysing.rows(done, rows))
            .context("reading the temporary files of the sort")?;
    drop(analysing);
    let score = labels.map(|labels| {
        backtest::score(&labels, &outcome.incidents, if file.counted { file.tick_ms } else { 0 })
    });
    let report = Report::new(&file, outcome, score, zone);
    write(args, &report)?;
    if exit == Exit::Input {
        complain(&format!("{}: no row could be read", file.name));
    }
    Ok(exit)
}

fn write(args: &Args, report: &Report) -> anyhow::Result<()> {
    match &args.output {
        Some(path) => {
            let name = read::visible(&path.to_string_lossy());
            let file = File::create(path).with_context(|| format!("{name} can't be written"))?;
            let mut out = BufWriter::new(file);
            match args.format {
                Format::Text => {
                    let mut text = Vec::new();
                    report::text(report, &mut text)?;
                    out.write_all(&anstream::adapter::strip_bytes(&text).into_vec())?;
                }
                Format::Json => report::json(report, &mut out)?,
                Format::Html => report::html(report, &mut out)?,
            }
            out.flush().with_context(|| format!("{name} can't be written"))?;
        }
        None => match args.format {
            Format::Text => {
                let mut out = anstream::AutoStream::auto(io::stdout());
                let mut text = Vec::new();
                report::text(report, &mut text)?;
                out.write_all(&text)?;
                out.flush()?;
            }
            Format::Json => report::json(report, &mut BufWriter::new(io::stdout().lock()))?,
            Format::Html => report::html(report, &mut BufWriter::new(io::stdout().lock()))?,
        },
    }
    Ok(())
}

fn usage(message: &str) -> anyhow::Result<Exit> {
    complain(message);
    Ok(Exit::Usage)
}

fn input(message: &str) -> anyhow::Result<Exit> {
    complain(message);
    Ok(Exit::Input)
}
