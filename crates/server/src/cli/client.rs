//! Commands that ask a running server: `watch` and `export`.

use std::io::{BufRead, BufReader, Write};
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;

use super::{Exit, Format, complain, hindsight};
use crate::read::visible;

/// Where the server is, and who asks.
#[derive(Clone, Debug, clap::Args)]
pub struct Server {
    /// The server
    #[arg(long, env = "POINTSMAN_URL", default_value = "http://127.0.0.1:7070")]
    url: String,
    /// A key
    #[arg(long, env = "POINTSMAN_TOKEN", hide_env_values = true)]
    token: Option<String>,
}

/// `watch`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  pointsman watch
  pointsman watch --format json | jq .confidence
  POINTSMAN_URL=https://pointsman.example POINTSMAN_TOKEN=pm_... pointsman watch")]
pub struct WatchArgs {
    #[command(flatten)]
    server: Server,
    /// For whom
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// What can be exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum What {
    /// Beliefs and lessons, as memory.json
    Memory,
    /// Every incident, one per line, newest first
    Incidents,
    /// The cycle log, one decision per line, newest first
    Decisions,
    /// From the local store: what its engine was told, for `pointsman replay`
    Journal,
}

/// `export`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  pointsman export memory > memory.json
  pointsman export incidents | jq .id
  pointsman export journal --folder run && pointsman replay run/journal.ndjson")]
pub struct ExportArgs {
    /// What
    what: What,
    #[command(flatten)]
    server: Server,
    /// Where a journal goes, with the snapshot that it begins at
    #[arg(long, value_name = "FOLDER", default_value = "journal")]
    folder: std::path::PathBuf,
    /// The configuration, for the store.url of a journal
    #[arg(long, value_name = "FILE")]
    config: Option<std::path::PathBuf>,
}

pub(super) enum Got {
    /// It says yes.
    Answer(ureq::http::Response<ureq::Body>),
    /// The server can't be reached, or says no: said already.
    Failed(Exit),
}

impl Server {
    /// The server on this machine, at this address.
    pub(super) fn at(address: std::net::SocketAddr) -> Self {
        Self { url: format!("http://{address}"), token: None }
    }

    pub(super) fn get(&self, path: &str, timeout: Option<Duration>) -> Got {
        self.ask("GET", path, None, timeout).unwrap_or_else(|(exit, why)| {
            complain(&why);
            Got::Failed(exit)
        })
    }

    /// Posts JSON.
    pub(super) fn post(&self, path: &str, body: &Value) -> Got {
        self.tell("POST", path, Some(body)).unwrap_or_else(|(exit, why)| {
            complain(&why);
            Got::Failed(exit)
        })
    }

    /// Tells it something; what is wrong, in words, if it doesn't obey.
    pub(super) fn tell(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Got, (Exit, String)> {
        self.ask(method, path, body, Some(Duration::from_secs(60)))
    }

    fn ask(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
        timeout: Option<Duration>,
    ) -> Result<Got, (Exit, String)> {
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(timeout)
            .timeout_connect(Some(Duration::from_secs(10)))
            .tls_config(crate::tls::config())
            .build()
            .into();
        let url = format!("{}{path}", self.url.trim_end_matches('/'));
        let mut request = ureq::http::Request::builder().method(method).uri(&url);
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let wrong = |error: ureq::http::Error| {
            (Exit::Usage, format!("{} is no URL: {error}", visible(&url)))
        };
        let answer = match body {
            Some(body) => agent.run(request.body(body.to_string()).map_err(wrong)?),
            None => agent.run(request.body(()).map_err(wrong)?),
        };
        match answer {
            Ok(answer) if answer.status().is_success() => Ok(Got::Answer(answer)),
            Ok(mut answer) => {
                let status = answer.status();
                let problem: Value = answer.body_mut().read_json().unwrap_or_default();
                let detail = problem["detail"].as_str().unwrap_or("(no detail)");
                Err((Exit::Input, format!("{}: {status}: {}", visible(&url), visible(detail))))
            }
            Err(error) => {
                let (url, error) = (visible(&url), visible(&error.to_string()));
                Err((Exit::Unreachable, format!("{url} can't be reached: {error}")))
            }
        }
    }
}

/// Prints the cycle log as it is written.
pub fn watch(args: &WatchArgs) -> Result<Exit> {
    let answer = match args.server.get("/v1/stream", None) {
        Got::Answer(answer) => answer,
        Got::Failed(exit) => return Ok(exit),
    };
    let mut kind = String::new();
    let mut out = std::io::stdout();
    for line in BufReader::new(answer.into_body().into_reader()).lines() {
        let line = line.context("the server is gone")?;
        if let Some(name) = line.strip_prefix("event: ") {
            kind = name.to_owned();
        }
        let Some(data) = line.strip_prefix("data: ").filter(|_| kind == "decision") else {
            continue;
        };
        match args.format {
            Format::Json => writeln!(out, "{data}")?,
            Format::Text => {
                let decision: Value = serde_json::from_str(data).context("no decision")?;
                let text = |name: &str| decision[name].as_str().unwrap_or_default().to_owned();
                if let Some(line) = hindsight::in_words(&decision) {
                    writeln!(out, "{}\n{}\n", visible(&text("incident_id")), visible(&line))?;
                    continue;
                }
                writeln!(out, "{}", visible(&text("at")))?;
                for line in text("text").lines() {
                    writeln!(out, "{}", visible(line))?;
                }
                writeln!(out)?;
            }
        }
        out.flush()?;
    }
    complain("the server has ended the stream");
    Ok(Exit::Unreachable)
}

/// Prints what a server knows, or writes down what its store does.
pub fn export(args: &ExportArgs) -> Result<Exit> {
    let timeout = Some(Duration::from_secs(60));
    let path = match args.what {
        What::Memory => {
            return Ok(match args.server.get("/v1/memory", timeout) {
                Got::Answer(mut answer) => {
                    let memory: Value = answer.body_mut().read_json().context("no memory")?;
                    println!("{}", serde_json::to_string_pretty(&memory)?);
                    Exit::Ok
                }
                Got::Failed(exit) => exit,
            });
        }
        What::Journal => return super::journal::export(args.config.as_deref(), &args.folder),
        What::Incidents => "/v1/incidents",
        What::Decisions => "/v1/decisions",
    };
    let mut cursor = None;
    loop {
        let after = cursor.map_or(String::new(), |cursor| format!("&cursor={cursor}"));
        let mut answer = match args.server.get(&format!("{path}?limit=500{after}"), timeout) {
            Got::Answer(answer) => answer,
            Got::Failed(exit) => return Ok(exit),
        };
        let page: Value = answer.body_mut().read_json().context("no page")?;
        for item in page["data"].as_array().into_iter().flatten() {
            println!("{}", serde_json::to_string(item)?);
        }
        match page["next_cursor"].as_str() {
            Some(next) => cursor = Some(next.to_owned()),
            None => return Ok(Exit::Ok),
        }
    }
}
