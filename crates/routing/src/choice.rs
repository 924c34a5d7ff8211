//! A routing choice with its reasons.

use serde::{Deserialize, Serialize};

use crate::Arm;

/// Why this gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The learnt policy drew it.
    Learned,
    /// An arm of an experiment.
    Experiment,
    /// An intervention that is no longer tested.
    Overlay,
    /// The first eligible one.
    Fallback,
}

/// A gateway and what it is worth here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ranked {
    /// Its name.
    pub gateway: String,
    /// Expected success rate less costs, or the place in the caller's order without learning.
    pub score: f64,
}

/// Which side of which intervention the payment is on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Assignment {
    /// The intervention.
    pub intervention_id: String,
    /// Its experiment, while it is tested.
    pub experiment_id: Option<String>,
    /// The arm.
    pub arm: Arm,
}

/// How retries of this payment are to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetryAdvice {
    /// Attempts at most, the first included.
    pub attempts_max: u32,
    /// Seconds before a retry at least.
    pub delay_s_min: u32,
}

/// A routing choice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Choice {
    /// Where the payment goes.
    pub gateway: String,
    /// Probability of this gateway over seed and salts, overlays included; in (0, 1].
    pub propensity: f64,
    /// The eligible gateways, best first.
    pub ranking: Vec<Ranked>,
    /// Why.
    pub reason: Reason,
    /// Version of the policy that decided.
    pub policy_version: u64,
    /// The intervention it is part of, in either arm.
    pub assignment: Option<Assignment>,
    /// How to retry, where an intervention says so.
    pub retry: Option<RetryAdvice>,
}
