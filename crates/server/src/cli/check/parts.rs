//! The parts that `check` looks at, beyond the configuration's own text.

use std::time::Duration;

use serde::Serialize;
use store::Inspection;

use crate::config::{ClockSource, Settings};
use crate::feeds::{kafka, rabbitmq};
use crate::read::visible;
use crate::serve::clock::wall;

/// What clocks may be apart: the lateness that is allowed for by default.
const APART_MS_MAX: i64 = 5_000;
/// How long a broker or a database may take to answer.
const ANSWER_MAX: Duration = Duration::from_secs(15);

/// A part and how it is.
#[derive(Debug, Serialize)]
pub struct Part {
    /// `configuration`, `store`, `clock`, `gateways`, `kafka`, `rabbitmq`, `file`
    pub part: &'static str,
    /// Whether it would do.
    pub ok: bool,
    /// What was seen, or what is wrong and what to do.
    pub detail: String,
}

impl Part {
    /// It would do.
    pub fn good(part: &'static str, detail: impl Into<String>) -> Self {
        Self { part, ok: true, detail: detail.into() }
    }

    /// It wouldn't.
    pub fn bad(part: &'static str, detail: impl Into<String>) -> Self {
        Self { part, ok: false, detail: detail.into() }
    }
}

/// Looks at all of them.
pub async fn look(settings: &Settings) -> Vec<Part> {
    let url = visible(&store::shown(settings.store_url()));
    let slow =
        || store::Error::Unreachable(format!("{url}: no answer in {} s", ANSWER_MAX.as_secs()));
    let seen = tokio::time::timeout(ANSWER_MAX, store::inspect(settings.store_url())).await;
    let seen = seen.unwrap_or_else(|_| Err(slow()));
    let mut parts =
        vec![store_part(&url, &seen), clock(settings, seen.as_ref().ok()), gateways(settings)];
    let sources = settings.sources();
    if let Some(kafka) = sources.kafka.clone() {
        let asked = tokio::task::spawn_blocking(move || {
            let topic = format!("{} has topic {}", kafka.brokers, kafka.topic);
            kafka::reachable(&kafka).map(|()| topic)
        });
        parts.push(feed("kafka", asked.await.unwrap_or_else(|e| Err(e.into()))));
    }
    if let Some(rabbitmq) = &sources.rabbitmq {
        let asked = tokio::time::timeout(ANSWER_MAX, rabbitmq::reachable(rabbitmq)).await;
        let asked = asked.unwrap_or_else(|_| anyhow::bail!("{} doesn't answer", rabbitmq.shown()));
        parts.push(feed("rabbitmq", asked.map(|()| format!("{} answers", rabbitmq.shown()))));
    }
    if let Some(file) = &sources.file {
        let shown = visible(&file.path.to_string_lossy());
        parts.push(match std::fs::File::open(&file.path) {
            Ok(_) => Part::good("file", shown),
            // It may come yet; it is waited for.
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                Part::good("file", format!("{shown} isn't there yet; it is waited for"))
            }
            Err(e) => Part::bad("file", format!("{shown} can't be read: {e}")),
        });
    }
    parts
}

fn store_part(url: &str, seen: &Result<Inspection, store::Error>) -> Part {
    match seen {
        Ok(Inspection { schema: None, known, .. }) => Part::good(
            "store",
            format!("{url} is new; the first start makes it, with schema {known}"),
        ),
        Ok(Inspection { schema: Some(schema), known, .. }) if schema < known => Part::good(
            "store",
            format!(
                "{url} has schema {schema} and can be written to; the next start brings it to {known}"
            ),
        ),
        Ok(Inspection { known, .. }) => {
            Part::good("store", format!("{url} has schema {known} and can be written to"))
        }
        Err(error) => Part::bad("store", visible(&error.to_string())),
    }
}

fn clock(settings: &Settings, seen: Option<&Inspection>) -> Part {
    let engine = settings.engine();
    let told = format!(
        "{} ms of lateness, steps up to {} h",
        engine.clock.lateness_ms,
        engine.clock.step_max_ms / 3_600_000
    );
    if settings.clock_source() == ClockSource::Event {
        return Part::good("clock", format!("the events' own times; {told}"));
    }
    let now_ms = wall().as_millis();
    if let Some(theirs) = seen.and_then(|seen| seen.clock_ms) {
        let apart = now_ms - theirs;
        if apart.abs() > APART_MS_MAX {
            let s = apart as f64 / 1e3;
            return Part::bad(
                "clock",
                format!(
                    "this machine's clock is {s:+.1} s from the database's; let both follow one time server"
                ),
            );
        }
    }
    match seen.and_then(|seen| seen.latest_ms) {
        Some(latest) if latest > now_ms + APART_MS_MAX => Part::bad(
            "clock",
            format!(
                "the store has events of {:.0} s ahead of this machine's clock; was it set back?",
                (latest - now_ms) as f64 / 1e3
            ),
        ),
        _ => Part::good("clock", format!("this machine's; {told}")),
    }
}

fn gateways(settings: &Settings) -> Part {
    let gateways = settings.engine().routing.gateways;
    if gateways.is_empty() {
        let none = "none configured: payments go to their candidates, else to those seen for the method in 24 h";
        return Part::good("gateways", none);
    }
    let mut wrong = Vec::new();
    for (at, gateway) in gateways.iter().enumerate() {
        let name = visible(&gateway.name);
        if gateways[..at].iter().any(|other| other.name == gateway.name) {
            wrong.push(format!("{name} is there twice"));
        }
        if gateway.capacity_per_s.is_some_and(|per_s| !(per_s > 0.0 && per_s.is_finite())) {
            wrong.push(format!("{name}: capacity_per_s has to be above 0"));
        }
        for method in gateway.fee.iter().filter_map(|fee| fee.method.as_deref()) {
            if !gateway.takes(Some(method)) {
                let method = visible(method);
                wrong.push(format!("{name} has a fee for {method}, which is none of its methods"));
            }
        }
    }
    if wrong.is_empty() {
        let names: Vec<String> = gateways.iter().map(|gateway| visible(&gateway.name)).collect();
        Part::good("gateways", names.join(", "))
    } else {
        Part::bad("gateways", wrong.join("; "))
    }
}

fn feed(part: &'static str, asked: anyhow::Result<String>) -> Part {
    match asked {
        Ok(detail) => Part::good(part, visible(&detail)),
        Err(error) => Part::bad(part, visible(&format!("{error:#}"))),
    }
}
