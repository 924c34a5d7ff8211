//! What a roll-out is told once.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A fact of payments that the candidate mustn't make more frequent, whatever it does for success.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Guard {
    /// An answer took longer than this: the incumbent's p95 makes it a guard of the p95.
    SlowerThanMs(u32),
    /// The fee was more than this share of the amount, in hundredths of a percent.
    DearerThanBps(u32),
    /// Declined on suspicion of fraud.
    FraudDeclined,
}

/// Stages, limits and levels of a roll-out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Plan {
    /// Of the split.
    pub salt: u64,
    /// Payments of the A/A stage, both arms routed by the incumbent; its halves are compared.
    pub same_payments: u64,
    /// The candidate's share, stage by stage; after the last one it gets all but the hold-out.
    pub steps: Vec<f64>,
    /// Share that the incumbent keeps for good.
    pub hold_out: f64,
    /// Payments of the candidate that a stage needs at least.
    pub step_payments_min: u64,
    /// A stage that has shown nothing after this many payments, the control's included, is taken back.
    pub step_payments_max: u64,
    /// Probability that a candidate that isn't worse is ever stopped, or one that isn't better promoted.
    pub alpha: f64,
    /// A payment is judged so long after its decision; what is pending then has failed.
    pub maturity_ms: i64,
    /// What else is watched.
    pub guards: Vec<Guard>,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            salt: 1,
            same_payments: 10_000,
            steps: vec![0.01, 0.05, 0.2, 0.5],
            hold_out: 0.02,
            step_payments_min: 200,
            step_payments_max: 5_000_000,
            alpha: 0.05,
            maturity_ms: 60_000,
            guards: vec![Guard::FraudDeclined],
        }
    }
}

/// What is wrong with a plan.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PlanError {
    /// Shares that don't grow.
    #[error(
        "steps: {0} doesn't follow; shares grow, each above 0 and below what the hold-out leaves"
    )]
    Steps(String),
    /// No hold-out, or too large a one.
    #[error("hold_out: {0}; allowed are shares above 0 and at most 0.5: it proves the uplift")]
    HoldOut(String),
    /// No level.
    #[error("alpha: {0}; allowed is a probability above 0 and at most 0.5")]
    Alpha(String),
    /// No step, or too many.
    #[error("steps: {0} of them; allowed are 1 to 20")]
    StepCount(usize),
    /// No A/A stage.
    #[error("same_payments: 0; the A/A stage needs payments to compare")]
    Same,
    /// Too short or too long to wait for outcomes.
    #[error("maturity_ms: {0}; allowed are 1 s to a day, 1000 to 86400000")]
    Maturity(i64),
    /// Too many guards.
    #[error("guards: {0} of them; at most 8")]
    Guards(usize),
    /// Bounds that exclude each other.
    #[error("step_payments_max: {0} is below step_payments_min")]
    Payments(u64),
}

impl Plan {
    /// Whether it can be carried out.
    pub fn check(&self) -> Result<(), PlanError> {
        if !(self.hold_out > 0.0 && self.hold_out <= 0.5) {
            return Err(PlanError::HoldOut(self.hold_out.to_string()));
        }
        if !(self.alpha > 0.0 && self.alpha <= 0.5) {
            return Err(PlanError::Alpha(self.alpha.to_string()));
        }
        if !(1..=20).contains(&self.steps.len()) {
            return Err(PlanError::StepCount(self.steps.len()));
        }
        if self.same_payments == 0 {
            return Err(PlanError::Same);
        }
        if !(1_000..=86_400_000).contains(&self.maturity_ms) {
            return Err(PlanError::Maturity(self.maturity_ms));
        }
        if self.guards.len() > 8 {
            return Err(PlanError::Guards(self.guards.len()));
        }
        let mut before = 0.0;
        for step in &self.steps {
            if !(*step > before && *step < 1.0 - self.hold_out) {
                return Err(PlanError::Steps(step.to_string()));
            }
            before = *step;
        }
        if self.step_payments_max < self.step_payments_min {
            return Err(PlanError::Payments(self.step_payments_max));
        }
        Ok(())
    }
}
