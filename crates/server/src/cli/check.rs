//! `pointsman check`: what was read, what is wrong, what nothing reads yet.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::{Exit, FILE, complain};
use crate::config::{self, Use, keys};
use crate::read::visible;

/// `check`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  pointsman check                                    ./pointsman.toml, if it is there
  pointsman check --config /etc/pointsman.toml
  POINTSMAN_ALERTS__FALSE_PAGES_PER_WEEK=0.5 pointsman check

Exit code 1 if anything is wrong.")]
pub struct Args {
    /// The configuration
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Checks the configuration and says so.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    let file = args.config.clone().or_else(|| Path::new(FILE).exists().then(|| FILE.into()));
    let environment: Vec<(String, String)> = std::env::vars().collect();
    let mut out = anstream::AutoStream::auto(std::io::stdout());
    let name = file
        .as_deref()
        .map_or_else(|| "no file: defaults".to_string(), |path| visible(&path.to_string_lossy()));
    let (good, dim) = (anstyle::AnsiColor::Green.on_default(), anstyle::Style::new().dimmed());
    match config::load(file.as_deref(), &environment) {
        Err(wrong) => {
            for wrong in &wrong {
                complain(&format!("{name}: {wrong}"));
            }
            let things = if wrong.len() == 1 {
                "1 thing is".into()
            } else {
                format!("{} things are", wrong.len())
            };
            writeln!(out, "{things} wrong")?;
            Ok(Exit::Differs)
        }
        Ok(loaded) => {
            writeln!(
                out,
                "{good}ok{good:#}  configuration: {name}, {} keys set",
                loaded.set.len()
            )?;
            let engine = loaded.settings.engine();
            writeln!(
                out,
                "{good}ok{good:#}  detection: {} false pages a week over {}",
                engine.analysis.false_pages_per_week,
                visible(&engine.analysis.dimensions.join(", "))
            )?;
            writeln!(
                out,
                "{good}ok{good:#}  clock: {} ms of lateness, steps up to {} h",
                engine.clock.lateness_ms,
                engine.clock.step_max_ms / 3_600_000
            )?;
            let idle: Vec<&str> = loaded
                .set
                .iter()
                .map(|(name, _)| name.as_str())
                .filter(|name| keys().iter().any(|k| k.matches(name) && k.used == Use::Later))
                .collect();
            if !idle.is_empty() {
                writeln!(out, "{dim}--  right in form, read by nothing in this version:{dim:#}")?;
                for line in textwrap::wrap(&idle.join(", "), 76) {
                    writeln!(out, "    {}", visible(&line))?;
                }
            }
            Ok(Exit::Ok)
        }
    }
}
