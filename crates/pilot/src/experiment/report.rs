//! What is shown of an experiment: its arms with confidence sequences, its e-values, its verdict.

use payments::Timestamp;
use routing::Arm;
use serde::{Deserialize, Serialize};
use stats::{confidence_sequence, posterior::Beta};

use super::cohorts::index;
use super::{Evidence, Trial};
use crate::Outcome;

/// What the tests say by now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Nothing yet; never promotes.
    Inconclusive,
    /// The treatment is better.
    Benefit,
    /// The treatment is worse.
    Harm,
    /// The untouched path is well again.
    Recovered,
    /// The arms don't have their sizes: nothing that they say counts.
    SampleRatioMismatch,
}

/// One arm.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ArmReport {
    /// `control` or `treatment`.
    pub name: Arm,
    /// Where its payments go; `None` where that is left to the router.
    pub gateway: Option<String>,
    /// First attempts with an outcome.
    pub attempts: u64,
    /// Approved of these.
    pub successes: u64,
    /// Decided, and not known yet.
    pub pending: u64,
    /// 95 % confidence sequence of its success rate.
    pub rate_interval: (f64, f64),
    /// Evidence that it does harm; 1 for the control.
    pub e_harm: f64,
    /// Evidence that it helps; 1 for the control.
    pub e_benefit: f64,
}

/// An experiment as it stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Experiment {
    /// `x_1`, `x_2`, ...
    pub id: String,
    /// The intervention that it tests.
    pub intervention_id: String,
    /// The incident behind it.
    pub incident_id: String,
    /// When payments were first put into arms.
    pub started_at: Timestamp,
    /// When that ended.
    pub ended_at: Option<Timestamp>,
    /// Share of treatment now.
    pub share: f64,
    /// Control, then treatment.
    pub arms: Vec<ArmReport>,
    /// The e-values.
    pub evidence: Evidence,
    /// What they say.
    pub verdict: Verdict,
    /// Probability that the plan gains payments, as it was said when it was decided.
    pub confidence: f64,
    /// How it ended for the payments, once it has.
    pub outcome: Option<Outcome>,
}

impl Trial {
    /// Both arms as they stand, control first.
    pub fn arms(&self, evidence: &Evidence, gateways: [Option<String>; 2]) -> Vec<ArmReport> {
        [Arm::Control, Arm::Treatment]
            .into_iter()
            .zip(gateways)
            .map(|(name, gateway)| {
                let [mut failed, mut approved] = self.totals[index(name)];
                let mut pending = 0;
                for cohort in &self.open {
                    let [f, a] = cohort.known[index(name)].map(f64::from);
                    failed += f;
                    approved += a;
                    pending += u64::from(cohort.pending(name));
                }
                let attempts = failed + approved;
                let treated = name == Arm::Treatment;
                ArmReport {
                    name,
                    gateway,
                    attempts: attempts as u64,
                    successes: approved as u64,
                    pending,
                    rate_interval: confidence_sequence::bernoulli(
                        Beta::JEFFREYS,
                        attempts,
                        approved,
                        0.05,
                    ),
                    e_harm: if treated { evidence.harm } else { 1.0 },
                    e_benefit: if treated { evidence.benefit } else { 1.0 },
                }
            })
            .collect()
    }
}
