//! An experiment on the wire.

use pilot::{Outcome, Verdict};
use serde::Serialize;
use utoipa::ToSchema;

use super::intervention::Arm;
use super::rfc3339;

/// E-values of the test as it stands.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct EValues {
    benefit: f64,
    harm: f64,
    home: f64,
    mismatch: f64,
}

/// `GET /v1/experiments`, one row.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Experiment {
    id: String,
    intervention_id: String,
    incident_id: String,
    started_at: String,
    ended_at: Option<String>,
    /// Share of treatment now.
    allocation: f64,
    /// Control, then treatment, with the 95 % confidence sequence of each rate.
    arms: Vec<Arm>,
    e_values: EValues,
    #[schema(value_type = String)]
    verdict: Verdict,
    /// Probability that the plan gains payments, as it was said when it was decided.
    confidence: f64,
    /// `helped`: its test showed benefit; `harmed`: it showed harm; `no_effect`: neither; null while it runs.
    #[schema(value_type = Option<String>)]
    outcome: Option<Outcome>,
}

impl Experiment {
    /// As it stands.
    pub fn new(from: &pilot::Experiment) -> Self {
        Self {
            id: from.id.clone(),
            intervention_id: from.intervention_id.clone(),
            incident_id: from.incident_id.clone(),
            started_at: rfc3339(from.started_at),
            ended_at: from.ended_at.map(rfc3339),
            allocation: from.share,
            arms: Arm::of(&from.arms),
            e_values: EValues {
                benefit: from.evidence.benefit,
                harm: from.evidence.harm,
                home: from.evidence.home,
                mismatch: from.evidence.mismatch,
            },
            verdict: from.verdict,
            confidence: from.confidence,
            outcome: from.outcome,
        }
    }
}
