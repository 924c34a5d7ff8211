//! What the engine is told once.

use analyst::Settings;
use routing::{Exploration, Gateway, Learning};
use serde::{Deserialize, Serialize};

/// What every gateway keeps where routing explores: one that was left is seen to recover, one that was never good, to have become so.
const FLOOR: f64 = 0.01;

/// How event time advances.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Clock {
    /// How long a tick waits for events that are late.
    pub lateness_ms: i64,
    /// The largest jump ahead that is believed.
    pub step_max_ms: i64,
}

impl Default for Clock {
    fn default() -> Self {
        Self { lateness_ms: 5_000, step_max_ms: 24 * 3_600_000 }
    }
}

/// How payments are routed where no intervention says otherwise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Routing {
    /// Seed of the ordinary draws.
    pub seed: u64,
    /// How far the ordinary choice follows what was learnt.
    pub learning: Learning,
    /// How what was learnt is explored.
    pub exploration: Exploration,
    /// Gateways in order of preference.
    pub gateways: Vec<Gateway>,
}

impl Default for Routing {
    fn default() -> Self {
        Self {
            seed: 1,
            learning: Learning::Off,
            exploration: Exploration { floor: FLOOR, ..Exploration::default() },
            gateways: Vec::new(),
        }
    }
}

/// Configuration of the engine.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Event time.
    pub clock: Clock,
    /// The analyst's settings.
    pub analysis: Settings,
    /// The pilot's settings.
    pub pilot: pilot::Settings,
    /// The ordinary choice.
    pub routing: Routing,
    /// Seed of every random draw and of the fingerprints of ids.
    pub seed: u64,
}
