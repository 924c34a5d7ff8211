//! What this version reads of the configuration.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::channels::{self, Alerts, Channel, Written};
use super::operator::{Guardrails, Memory, Modes, Routing};
use super::people::{self, Auth, Limits};
use super::sources::{self, Sources};
use super::{Wrong, span};

/// Keys that have an effect now; the others were checked in shape.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Settings {
    alerts: Alerts,
    analysis: Analysis,
    clock: Clock,
    modes: Modes,
    memory: Memory,
    guardrails: Guardrails,
    routing: Routing,
    gateways: Vec<routing::Gateway>,
    server: Server,
    store: Store,
    safety: Safety,
    sources: Sources,
    channels: BTreeMap<String, Written>,
    auth: Auth,
    limits: Limits,
    telemetry: Telemetry,
}

/// `telemetry`: logs and traces.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Telemetry {
    log_level: Option<String>,
    /// `text` or `json`.
    pub log_format: Option<String>,
    /// Where traces go.
    pub otlp_endpoint: Option<String>,
}

impl Telemetry {
    /// What is logged, as a filter.
    pub fn log_level(&self) -> &str {
        self.log_level.as_deref().unwrap_or("info")
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Server {
    listen: Option<std::net::SocketAddr>,
    public_url: Option<String>,
    tenant: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Store {
    url: Option<String>,
    retention: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Safety {
    four_eyes: Option<bool>,
}

/// What drives every timer (`clock.source`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClockSource {
    /// This machine's clock.
    #[default]
    Wall,
    /// The events' own times.
    Event,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Analysis {
    window: Option<String>,
    dimensions: Option<Vec<String>>,
    contamination: Option<f64>,
    values_per_dimension_max: Option<usize>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Clock {
    source: ClockSource,
    lateness: Option<String>,
    step_max: Option<String>,
}

impl Settings {
    /// The engine's configuration: its defaults, and what was set.
    pub fn engine(&self) -> engine::Config {
        let mut config = engine::Config::default();
        let ms = |text: &Option<String>| text.as_deref().and_then(span::parse);
        let Settings { alerts, analysis, clock, .. } = self;
        if let Some(pages) = alerts.false_pages_per_week {
            config.analysis.false_pages_per_week = pages;
        }
        if let Some(window) = ms(&analysis.window) {
            config.analysis.window_ms = window;
        }
        if let Some(dimensions) = &analysis.dimensions {
            config.analysis.dimensions.clone_from(dimensions);
        }
        if let Some(contamination) = analysis.contamination {
            config.analysis.contamination = contamination;
        }
        if let Some(values) = analysis.values_per_dimension_max {
            config.analysis.values_per_dimension_max = values;
        }
        if let Some(lateness) = ms(&clock.lateness) {
            config.clock.lateness_ms = lateness;
        }
        if let Some(step) = ms(&clock.step_max) {
            config.clock.step_max_ms = step;
        }
        self.modes.put(&mut config.pilot.modes);
        self.guardrails.put(&mut config.pilot.limits);
        self.memory.put(&mut config.pilot.memory_key);
        self.routing.put(&mut config.routing);
        config.routing.gateways.clone_from(&self.gateways);
        config
    }

    /// The engine's configuration beside live traffic: where no mode is set, it only watches.
    pub fn serving(&self) -> engine::Config {
        let mut config = self.engine();
        let watch = pilot::Mode::Shadow;
        let mut modes = pilot::Modes {
            reroute: watch,
            adjust_retry: watch,
            suppress_path: watch,
            alert: watch,
        };
        self.modes.put(&mut modes);
        config.pilot.modes = modes;
        config
    }

    /// Of a demonstration: everything may act, one person is enough, routing learns as far as is asked. Nothing is read of file or environment, so that no store of a company's is touched.
    pub fn demo(
        listen: std::net::SocketAddr,
        store_url: String,
        source: ClockSource,
        learning: routing::Learning,
    ) -> Self {
        let mut settings = Self {
            modes: Modes::all(pilot::Mode::Auto),
            routing: Routing::learning(learning),
            safety: Safety { four_eyes: Some(false) },
            store: Store { url: Some(store_url), retention: None },
            ..Self::default()
        };
        settings.clock.source = source;
        settings.listen_on(listen);
        settings
    }

    /// Where the server listens.
    pub fn listen(&self) -> std::net::SocketAddr {
        self.server.listen.unwrap_or_else(|| ([127, 0, 0, 1], 7070).into())
    }

    /// Listens elsewhere, whatever the file says.
    pub fn listen_on(&mut self, address: std::net::SocketAddr) {
        self.server.listen = Some(address);
    }

    /// The store's URL.
    pub fn store_url(&self) -> &str {
        self.store.url.as_deref().unwrap_or("sqlite:pointsman.db")
    }

    /// How long attempts are kept, milliseconds.
    pub fn retention_ms(&self) -> i64 {
        self.store.retention.as_deref().and_then(span::parse).unwrap_or(90 * 86_400_000)
    }

    /// What drives every timer.
    pub fn clock_source(&self) -> ClockSource {
        self.clock.source
    }

    /// Whether widening a limit or clearing the kill switch takes two people.
    pub fn four_eyes(&self) -> bool {
        self.safety.four_eyes.unwrap_or(true)
    }

    /// Logs and traces.
    pub fn telemetry(&self) -> &Telemetry {
        &self.telemetry
    }

    /// These, with what of others takes effect at once ([`super::Key::is_live`]).
    pub fn with_live(&self, of: &Self) -> Self {
        Self {
            modes: of.modes.clone(),
            guardrails: of.guardrails.clone(),
            gateways: of.gateways.clone(),
            safety: of.safety.clone(),
            telemetry: Telemetry {
                log_level: of.telemetry.log_level.clone(),
                ..self.telemetry.clone()
            },
            ..self.clone()
        }
    }

    /// These, with the routing of others.
    pub fn with_routing(&self, of: &Self) -> Self {
        Self { routing: of.routing.clone(), ..self.clone() }
    }

    /// Whose server this is: others find nothing here.
    pub fn tenant(&self) -> &str {
        self.server.tenant.as_deref().unwrap_or("default")
    }

    /// The URL by which browsers reach it, without a slash at its end.
    pub fn public_url(&self) -> Option<&str> {
        self.server.public_url.as_deref().map(|url| url.trim_end_matches('/'))
    }

    /// Who may ask.
    pub fn auth(&self) -> &Auth {
        &self.auth
    }

    /// How often.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// Feeds beside HTTP.
    pub fn sources(&self) -> &Sources {
        &self.sources
    }

    /// What alerts do.
    pub fn alerts(&self) -> &Alerts {
        &self.alerts
    }

    /// Where alerts go; secrets are read from their files.
    pub fn channels(&self) -> Result<Vec<Channel>, Vec<Wrong>> {
        channels::ready(&self.channels, &self.alerts)
    }

    /// What each key alone can't tell.
    pub fn wrong(&self) -> Vec<Wrong> {
        let mut out = sources::wrong(&self.sources);
        out.extend(self.channels().err().into_iter().flatten());
        out.extend(people::wrong(&self.auth, self.server.public_url.as_deref()));
        if let Some(dimensions) = &self.analysis.dimensions {
            let mut sorted = dimensions.clone();
            sorted.sort();
            if sorted.windows(2).any(|w| w[0] == w[1]) {
                out.push(Wrong {
                    key: "analysis.dimensions".into(),
                    detail: "names a dimension twice".into(),
                });
            }
        }
        if let Err(why) = crate::telemetry::filter(self.telemetry.log_level()) {
            out.push(Wrong { key: "telemetry.log_level".into(), detail: why });
        }
        if let Some(endpoint) = &self.telemetry.otlp_endpoint
            && !endpoint.starts_with("http://")
        {
            let detail =
                "want a collector that can be reached without TLS, such as http://localhost:4318"
                    .into();
            out.push(Wrong { key: "telemetry.otlp_endpoint".into(), detail });
        }
        let engine = self.engine();
        if let Err(why) = engine.pilot.limits.check() {
            out.push(Wrong { key: "guardrails".into(), detail: why.to_string() });
        }
        if engine.analysis.window_ms < engine.analysis.tick_ms {
            out.push(Wrong {
                key: "analysis.window".into(),
                detail: "is shorter than a tick of 1s".into(),
            });
        }
        out
    }
}
