//! Logs and traces: lines or JSON on standard error, spans by OTLP where `telemetry.otlp_endpoint` says so.

mod traces;

use std::io::IsTerminal;

use anyhow::{Context, Result};
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Registry, fmt, reload};

use crate::config;

pub use traces::{TARGET, parent};

/// How the log is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Lines for people
    #[default]
    Text,
    /// One JSON object per line
    Json,
}

/// What the log is filtered by.
#[derive(Clone, Debug)]
pub struct Log {
    /// None: RUST_LOG decides, whatever the configuration says.
    handle: Option<reload::Handle<EnvFilter, Registry>>,
}

/// Logs and traces that run.
pub struct Telemetry {
    /// The log.
    pub log: Log,
    traces: Option<SdkTracerProvider>,
}

/// A filter from the configuration's words.
pub fn filter(text: &str) -> Result<EnvFilter, String> {
    const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
    // A word that is no level would be read as the name of a module, and everything else be silent.
    let is_level = |part: &str| LEVELS.iter().any(|level| level.eq_ignore_ascii_case(part));
    if let Some(other) = text.split(',').find(|part| !part.contains(['=', '[']) && !is_level(part))
    {
        let other = crate::read::visible(other);
        return Err(format!("{other} is none of {}; or module=level", LEVELS.join(", ")));
    }
    EnvFilter::builder()
        .parse(format!("sqlx=warn,opentelemetry=warn,{text}"))
        .map_err(|e| crate::read::visible(&e.to_string()))
}

impl Log {
    /// Filters by this from now on; what makes no sense was refused with the configuration.
    pub fn set(&self, text: &str) {
        let (Some(handle), Ok(filter)) = (&self.handle, filter(text)) else { return };
        match handle.reload(filter) {
            Ok(()) => tracing::debug!(filter = text, "the log is filtered anew"),
            Err(error) => tracing::warn!(%error, "the log's level can't be changed"),
        }
    }
}

/// Starts both; once per process. A flag's format goes before the configuration's.
pub fn start(settings: &config::Telemetry, format: Option<Format>) -> Result<Telemetry> {
    let asked = match settings.log_format.as_deref() {
        Some("json") => Format::Json,
        _ => Format::Text,
    };
    let (by_environment, chosen) = match EnvFilter::try_from_default_env() {
        Ok(filter) => (true, filter),
        Err(_) => (false, filter(settings.log_level()).map_err(anyhow::Error::msg)?),
    };
    let (chosen, handle) = reload::Layer::new(chosen);
    let lines =
        fmt::layer().with_writer(std::io::stderr).with_ansi(std::io::stderr().is_terminal());
    let lines = match format.unwrap_or(asked) {
        Format::Text => lines.with_target(false).boxed(),
        Format::Json => lines.json().boxed(),
    };
    let provider = settings.otlp_endpoint.as_deref().map(traces::provider).transpose();
    let provider = provider.context("telemetry.otlp_endpoint")?;
    tracing_subscriber::registry()
        .with(lines.with_filter(chosen))
        .with(provider.as_ref().map(traces::layer))
        .try_init()
        .context("the log is there already")?;
    let log = Log { handle: (!by_environment).then_some(handle) };
    Ok(Telemetry { log, traces: provider })
}

impl Telemetry {
    /// Sends what is left.
    pub fn finish(self) {
        if let Some(Err(error)) = self.traces.map(|provider| provider.shutdown()) {
            tracing::warn!(%error, "the last traces can't be sent");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_level_is_said() {
        assert!(filter("info").is_ok() && filter("info,server::http=debug").is_ok());
        assert!(filter("inof").unwrap_err().contains("inof is none of off, error"));
        assert!(filter("info,server=loud").is_err());
        assert!(filter("").is_err());
    }
}
