//! Side-by-side benchmarks: `cargo run --release -p bench -- NAME [--json] [--seeds A..B]`.
//!
//! With `--json` the only output on stdout is `{"bench", "figures": {name: number}, "pass"}`.
//! Exit code 0 if every bar is reached, 1 if not, 2 for usage, 3 where data is missing (it says
//! where to get it).

mod allocations;
mod backtest;
mod bandit;
mod budget;
mod choose;
mod detect;
mod engine;
mod events;
mod ingest;
mod kept;
mod load;
mod localise;
mod ope;
mod overload;
mod report;
mod retries;
mod route;
mod scenarios;
mod served;
mod steer;

use std::ops::Range;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use report::{Options, Report};

#[derive(Parser)]
#[command(name = "bench", about = "Side-by-side benchmarks of the project")]
struct Arguments {
    /// Which benchmark; `all` runs each in turn
    name: String,
    /// Print one JSON object instead of tables
    #[arg(long)]
    json: bool,
    /// Seeds A..B, B excluded
    #[arg(long, value_parser = parse_seeds)]
    seeds: Option<Range<u64>>,
    /// Another file or folder of the same form
    #[arg(long)]
    data: Option<PathBuf>,
    /// A folder of *.scenario files instead of the library (`scenarios`)
    #[arg(long)]
    dir: Option<PathBuf>,
    /// Only scenarios (`scenarios`) or rivals (`bandit`, `bandit-tune`) whose name holds this
    #[arg(long)]
    only: Option<String>,
    /// Append every plan, how sure it was and whether it helped, to this CSV file (`scenarios`); `calibrate` reads it
    #[arg(long)]
    plans: Option<PathBuf>,
    /// Keep each part that is done in this file, and go on from it (`budget`, `scenarios`)
    #[arg(long)]
    keep: Option<PathBuf>,
    /// Measure for so long instead (`overload`, `route`)
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: Option<u64>,
    /// Rows stored before anything is measured (`ingest`)
    #[arg(long)]
    rows: Option<u64>,
}

fn parse_seeds(text: &str) -> Result<Range<u64>, String> {
    let (a, b) = text.split_once("..").ok_or("want A..B, for example 0..20")?;
    let a = a.parse().map_err(|_| format!("`{a}` is no whole number"))?;
    let b = b.parse().map_err(|_| format!("`{b}` is no whole number"))?;
    if a < b { Ok(a..b) } else { Err(format!("{a}..{b} holds no seed")) }
}

type Run = fn(&Options) -> anyhow::Result<Report>;

/// Every benchmark by name.
const BENCHES: &[(&str, Run)] = &[
    ("backtest", backtest::run),
    ("bandit", bandit::run),
    ("bandit-tune", bandit::tune),
    ("budget", budget::run),
    ("calibrate", scenarios::calibrate),
    ("choose", choose::run),
    ("detect", detect::run),
    ("engine", engine::run),
    ("events", events::run),
    ("ingest", ingest::run),
    ("localise", localise::run),
    ("ope", ope::run),
    ("overload", overload::run),
    ("retries", retries::run),
    ("route", route::run),
    ("scenarios", scenarios::run),
    ("steer", steer::run),
];

fn main() -> ExitCode {
    if let Some(code) = served::run_as_child() {
        return code;
    }
    let arguments = Arguments::parse();
    let options = Options {
        seeds: arguments.seeds,
        data: arguments.data,
        dir: arguments.dir,
        only: arguments.only,
        plans: arguments.plans,
        keep: arguments.keep,
        seconds: arguments.seconds,
        rows: arguments.rows,
    };
    let chosen: Vec<_> = BENCHES
        .iter()
        .filter(|(name, _)| {
            let is_asked_for = ["calibrate", "bandit-tune"].contains(name);
            arguments.name == *name || arguments.name == "all" && !is_asked_for
        })
        .collect();
    if chosen.is_empty() {
        let names: Vec<_> = BENCHES.iter().map(|(name, _)| *name).collect();
        eprintln!("no benchmark `{}`; there are: all, {}", arguments.name, names.join(", "));
        return ExitCode::from(2);
    }
    let mut all_pass = true;
    for (name, run) in chosen {
        match run(&options) {
            Ok(report) => {
                all_pass &= report.pass;
                if arguments.json {
                    println!(
                        "{}",
                        serde_json::json!({"bench": name, "figures": report.figures, "pass": report.pass})
                    );
                } else {
                    println!("{}", report.text);
                    for (figure, value) in &report.figures {
                        println!("{figure} = {value}");
                    }
                    println!("{name}: {}", if report.pass { "pass" } else { "below its bar" });
                }
            }
            Err(error) => {
                eprintln!("SKIP {name}: {error:#}");
                return ExitCode::from(3);
            }
        }
    }
    if all_pass { ExitCode::SUCCESS } else { ExitCode::from(1) }
}
