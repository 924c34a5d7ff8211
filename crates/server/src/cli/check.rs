//! `pointsman check`: what was read and where it came from, what is wrong, what nothing reads yet.

mod parts;

use std::collections::BTreeMap;
use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context;
use serde::Serialize;

use super::{Exit, Format, complain, config_file};
use crate::config::{self, Loaded, defaults, shown};
use crate::read::visible;
use parts::{Part, look};

/// `check`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  pointsman check                                    ./pointsman.toml, if it is there
  pointsman check --config /etc/pointsman.toml --format json
  POINTSMAN_ALERTS__FALSE_PAGES_PER_WEEK=0.5 pointsman check

Looks at the configuration, the store (made and changed by nobody here), the clock, the gateways and the feeds' brokers.
Exit code 1 if anything is wrong.")]
pub struct Args {
    /// The configuration
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// As of `serve`
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
    /// For whom
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// A key's value, and where it comes from.
#[derive(Serialize)]
struct Origin {
    key: String,
    value: String,
    origin: String,
}

#[derive(Serialize)]
struct Told {
    ok: bool,
    checks: Vec<Part>,
    values: Vec<Origin>,
}

/// Checks everything and says so.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    let file = config_file(args.config.as_deref());
    let environment: Vec<(String, String)> = std::env::vars().collect();
    let name = file
        .as_deref()
        .map_or_else(|| "no file: defaults".to_string(), |path| visible(&path.to_string_lossy()));
    let (checks, values) = match config::load(file.as_deref(), &environment) {
        Err(wrong) => {
            let wrong = wrong.iter().map(|w| Part::bad("configuration", format!("{name}: {w}")));
            (wrong.collect(), Vec::new())
        }
        Ok(mut loaded) => {
            let detail = format!("{name}, {} keys set", loaded.set.len());
            if let Some(listen) = args.listen {
                loaded.settings.listen_on(listen);
            }
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .context("no runtime")?;
            let mut checks = vec![Part::good("configuration", detail)];
            checks.extend(runtime.block_on(look(&loaded.settings)));
            (checks, origins(&loaded, &name, args.listen))
        }
    };
    let told = Told { ok: checks.iter().all(|part| part.ok), checks, values };
    match args.format {
        Format::Json => println!("{}", serde_json::to_string(&told)?),
        Format::Text => print(&told)?,
    }
    Ok(if told.ok { Exit::Ok } else { Exit::Differs })
}

/// Every key with a value: what is set, and the defaults of the others.
fn origins(loaded: &Loaded, file: &str, listen: Option<SocketAddr>) -> Vec<Origin> {
    let mut values: BTreeMap<String, (String, String)> = defaults()
        .into_iter()
        .map(|(key, value)| (key.to_owned(), (value, "default".to_owned())))
        .collect();
    for (key, from) in &loaded.set {
        let value = loaded.values.get(key).cloned().unwrap_or_default();
        let origin = if from.contains("environment") {
            format!("environment, POINTSMAN_{}", key.to_uppercase().replace('.', "__"))
        } else {
            format!("file, {file}")
        };
        values.insert(key.clone(), (value, origin));
    }
    if let Some(listen) = listen {
        values.insert("server.listen".into(), (format!("\"{listen}\""), "flag, --listen".into()));
    }
    values
        .into_iter()
        .map(|(key, (value, origin))| Origin { value: shown(&key, &value), key, origin })
        .collect()
}

fn print(told: &Told) -> anyhow::Result<()> {
    let mut out = anstream::AutoStream::auto(std::io::stdout());
    let (good, dim) = (anstyle::AnsiColor::Green.on_default(), anstyle::Style::new().dimmed());
    for Part { part, detail, .. } in told.checks.iter().filter(|part| part.ok) {
        writeln!(out, "{good}ok{good:#}  {part}: {detail}")?;
    }
    let wrong: Vec<&Part> = told.checks.iter().filter(|part| !part.ok).collect();
    for Part { part, detail, .. } in &wrong {
        complain(&format!("{part}: {detail}"));
    }
    if !told.values.is_empty() {
        writeln!(out)?;
    }
    for Origin { key, value, origin } in &told.values {
        writeln!(out, "    {} = {value}  {dim}({origin}){dim:#}", visible(key))?;
    }
    match wrong.len() {
        0 => {}
        1 => writeln!(out, "1 thing is wrong")?,
        n => writeln!(out, "{n} things are wrong")?,
    }
    Ok(())
}
