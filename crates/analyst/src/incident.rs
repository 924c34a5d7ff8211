//! Incidents: findings explained by one root-cause slice.

use payments::{Money, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{Cause, Signal, Slice};

/// Where an incident stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IncidentStatus {
    /// Going on.
    Open,
    /// Going on, its harm contained by an intervention.
    Mitigated,
    /// Over, or accepted as the new normal.
    Resolved,
}

/// Findings explained by one root-cause slice, with what they cost so far.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Incident {
    /// `inc_1`, `inc_2`, ... in order of detection.
    pub id: String,
    /// Where it stands.
    pub status: IncidentStatus,
    /// The smallest slice that explains it.
    pub slice: Slice,
    /// Slices that select (nearly) the same attempts, plainest first.
    pub aliases: Vec<Slice>,
    /// The signal it is about: the success rate as soon as that has changed, else what spoke first.
    pub signal: Signal,
    /// The most probable cause.
    pub cause: Cause,
    /// Posterior probability that cause and slice are right.
    pub confidence: f64,
    /// Estimated onset.
    pub started_at: Timestamp,
    /// When the detector crossed its threshold.
    pub detected_at: Timestamp,
    /// Estimated end, once it is over.
    pub resolved_at: Option<Timestamp>,
    /// Why it ended (`recovered`, `accepted as the new normal: ...`, `too little traffic to tell`).
    pub resolution: Option<String>,
    /// Expected rate of the signal over the incident, at its mix and hours.
    pub baseline_rate: f64,
    /// Rate seen.
    pub observed_rate: f64,
    /// 95 % anytime-valid interval of the rate seen.
    pub observed_rate_interval: (f64, f64),
    /// What it costs.
    pub impact: Impact,
    /// What speaks for the diagnosis.
    pub evidence: Vec<Evidence>,
    /// What else it could be.
    pub alternatives: Vec<Alternative>,
    /// Per dimension that the slice leaves free: which values were hit and which were not.
    pub breakdown: Vec<Breakdown>,
    /// Rates over time, for charts; a bounded number of points.
    pub timeline: Vec<TimelinePoint>,
}

/// Attempts, payments and money lost, with 95 % intervals.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Impact {
    /// Attempts of the slice since onset.
    pub attempts: u64,
    /// Approvals missing against the baseline.
    pub lost_payments: f64,
    /// Its lower end.
    pub lost_payments_low: f64,
    /// Its upper end.
    pub lost_payments_high: f64,
    /// Approvals missing per minute, over the last ten minutes (or buckets) of the incident.
    pub lost_payments_per_minute: f64,
    /// Money per currency; empty where amounts are not known.
    pub lost: Vec<Lost>,
    /// The slice's share of all attempts since onset.
    pub share: f64,
}

/// Money lost in one currency.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Lost {
    /// Expected loss.
    pub amount: Money,
    /// 95 % interval, minor units.
    pub interval_minor: (i64, i64),
    /// Minor units lost per minute, over the last ten minutes (or buckets).
    pub minor_per_minute: i64,
}

/// One piece of evidence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// `success_rate`, `error_mix`, `latency`, `volume`, `breadth`, `onset`, `second_opinion`, ...
    pub kind: String,
    /// In words, with numbers.
    pub text: String,
    /// How much it speaks for the chosen cause against the runner-up, natural log.
    pub log_bayes_factor: f64,
}

/// Another explanation and its posterior probability.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alternative {
    /// Its cause.
    pub cause: Cause,
    /// Its slice.
    pub slice: Slice,
    /// Its posterior probability.
    pub confidence: f64,
}

/// How one value of a free dimension fared inside the incident's slice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Breakdown {
    /// Dimension, e.g. `merchant_id`.
    pub dimension: String,
    /// Its value.
    pub value: String,
    /// Attempts of that value anywhere, since onset.
    pub attempts_all: u64,
    /// Attempts of that value inside the slice.
    pub attempts: u64,
    /// Success rate expected for those.
    pub expected_rate: f64,
    /// Success rate seen; 0 attempts give 0.
    pub observed_rate: f64,
    /// Approvals missing.
    pub lost_payments: f64,
    /// Whether the loss is beyond chance (lower end of its 95 % interval above 0).
    pub hit: bool,
}

/// One point of an incident's history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TimelinePoint {
    /// Start of the bucket.
    pub at: Timestamp,
    /// Attempts with an outcome.
    pub attempts: u64,
    /// Approvals.
    pub successes: u64,
    /// Approvals expected.
    pub expected: f64,
}
