//! The engine: one deterministic `handle(input) -> effects` around the analyst.

mod cycle_text;

pub use cycle_text::cycle_text;

use analyst::{Finding, Incident, Settings, SliceStats};
use payments::{Attempt, Bucket, Timestamp};
use serde::{Deserialize, Serialize};

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

/// Configuration of the engine.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Event time.
    pub clock: Clock,
    /// The analyst's settings.
    pub analysis: Settings,
}

/// What the shell tells the engine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Input {
    /// Attempts, in the order received.
    Attempts(Vec<Attempt>),
    /// Attempts that were counted elsewhere.
    Buckets(Vec<Bucket>),
    /// No event will come before this instant: ticks up to it are judged.
    Advance(Timestamp),
}

/// What the engine tells the shell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// A detector crossed its threshold.
    Finding(Finding),
    /// An incident began, went on with news, or ended: its state now.
    Incident(Box<Incident>),
    /// Something to say, as CONTRACT 4 words it; `text` has all lines.
    Cycle {
        /// When.
        at: Timestamp,
        /// Of which incident.
        incident_id: String,
        /// The lines.
        text: String,
    },
}

/// Counters of what came in.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Intake {
    /// Counted attempts.
    pub accepted: u64,
    /// Repetitions of a known attempt id.
    pub duplicates: u64,
    /// Unknown outcomes that became final.
    pub updated: u64,
    /// Arrived after their tick was judged: counted, and entered the next.
    pub late: u64,
    /// Arrived out of order, in time.
    pub out_of_order: u64,
    /// Too far ahead of the event clock: refused.
    pub future: u64,
}

/// The deterministic core.
#[derive(Debug)]
pub struct Engine {
    config: Config,
    intake: Intake,
}

impl Engine {
    /// A new engine that knows nothing.
    pub fn new(config: Config) -> Self {
        Self { config, intake: Intake::default() }
    }

    /// Takes one input and says what follows from it.
    pub fn handle(&mut self, _input: &Input) -> Vec<Effect> {
        let _ = &self.config;
        Vec::new()
    }

    /// What came in so far.
    pub fn intake(&self) -> &Intake {
        &self.intake
    }

    /// Rolling statistics of all slices over these dimensions, most attempts first.
    pub fn routes(&self, _by: &[&str]) -> Vec<SliceStats> {
        Vec::new()
    }

    /// Every incident so far, in order of detection.
    pub fn incidents(&self) -> Vec<Incident> {
        Vec::new()
    }
}
