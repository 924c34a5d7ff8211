//! What is watched on a slice, and what is said when it changed.

use payments::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Slice;

/// What is watched on a slice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Signal {
    /// Approved of all with an outcome.
    SuccessRate,
    /// Slower than the baseline's p50, p95 or p99.
    Latency,
    /// Failures of one cause class.
    ErrorMix,
    /// Attempts per time.
    Volume,
}

/// Which detector spoke.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// With a guard band: steps worth waking someone for.
    Fast,
    /// Without: slow drift.
    Slow,
}

/// A signal of a slice has changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// Where.
    pub slice: Slice,
    /// What.
    pub signal: Signal,
    /// Which detector.
    pub tier: Tier,
    /// When it was judged.
    pub at: Timestamp,
    /// The detector's statistic R at that moment (not a strict e-value).
    pub e_value: f64,
    /// The threshold it crossed.
    pub threshold: f64,
    /// What was seen since the estimated onset: a rate, or attempts per second for volume.
    pub observed: f64,
    /// What was expected.
    pub expected: f64,
}

/// Which mask a signal takes.
pub(crate) fn mask_of(signal: Signal) -> Option<usize> {
    match signal {
        Signal::SuccessRate => Some(0),
        Signal::Latency => Some(1),
        Signal::ErrorMix => Some(2),
        Signal::Volume => None,
    }
}
