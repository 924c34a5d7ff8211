//! What this version reads of the configuration.

use serde::Deserialize;

use super::operator::{Guardrails, Memory, Modes, Routing};
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
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Alerts {
    false_pages_per_week: Option<f64>,
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

    /// What each key alone can't tell.
    pub fn wrong(&self) -> Vec<Wrong> {
        let mut out = Vec::new();
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
        let engine = self.engine();
        if engine.analysis.window_ms < engine.analysis.tick_ms {
            out.push(Wrong {
                key: "analysis.window".into(),
                detail: "is shorter than a tick of 1s".into(),
            });
        }
        out
    }
}
