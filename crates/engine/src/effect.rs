//! What goes in and what comes out.

use analyst::{Finding, Incident};
use payments::{Attempt, Bucket, Timestamp};
use serde::{Deserialize, Serialize};

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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
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
