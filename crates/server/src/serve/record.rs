//! Routing choices, written behind the answer.

use std::sync::Arc;

use engine::{Routed, Tried};
use payments::{Money, Timestamp};
use routing::{Choice, Context, Policy};
use serde::Serialize;
use store::Choice as Row;

use super::core::json;
use super::in_force::{Chooser, Place};
use crate::wire::rfc3339;

/// A choice with all that it was made from.
pub struct Record {
    /// Its id.
    pub decision_id: String,
    /// When.
    pub at: Timestamp,
    /// The payment.
    pub payment_id: String,
    /// 1 for the first try.
    pub attempt_number: u32,
    /// Dimension and value.
    pub values: Vec<(String, String)>,
    /// What is to be paid.
    pub amount: Money,
    /// As sent.
    pub candidates: Vec<String>,
    /// As sent.
    pub risk: Option<f64>,
    /// As sent.
    pub margin_bps: Option<i64>,
    /// As sent.
    pub sticky: Option<String>,
    /// What was answered.
    pub choice: Choice,
    /// The snapshot that it was made from.
    pub policy: Arc<Policy>,
    /// Which of two that was.
    pub chooser: Chooser,
    /// Where the payment stands, while a roll-out runs.
    pub place: Option<Place>,
}

#[derive(Serialize)]
struct Told<'a> {
    decision_id: &'a str,
    at: String,
    payment_id: &'a str,
    attempt_number: u32,
    context: std::collections::BTreeMap<&'a str, &'a str>,
    amount: Money,
    candidates: &'a [String],
    risk: Option<f64>,
    margin_bps: Option<i64>,
    sticky: Option<&'a str>,
    gateway: &'a str,
    propensity: f64,
    reason: routing::Reason,
    policy_version: u64,
    policy: Chooser,
    rollout_group: Option<pilot::rollout::Group>,
    intervention_id: Option<&'a str>,
    experiment_id: Option<&'a str>,
    arm: Option<routing::Arm>,
    terms: Vec<routing::Term>,
    /// Gateways that their own rules kept the payment from.
    excluded: Vec<routing::Excluded>,
}

impl Record {
    /// The row to store, with every term of the score.
    pub fn row(&self) -> Row {
        let values: Vec<(&str, &str)> =
            self.values.iter().map(|(d, v)| (d.as_str(), v.as_str())).collect();
        let candidates: Vec<&str> = self.candidates.iter().map(String::as_str).collect();
        let context = Context {
            attempt_number: self.attempt_number,
            values: &values,
            amount: Some(self.amount),
            candidates: &candidates,
            risk: self.risk,
            margin_bps: self.margin_bps,
            sticky: self.sticky.as_deref(),
            ..Context::at(self.at, &self.payment_id)
        };
        let part = self.choice.assignment.as_ref();
        let told = Told {
            decision_id: &self.decision_id,
            at: rfc3339(self.at),
            payment_id: &self.payment_id,
            attempt_number: self.attempt_number,
            context: values.iter().copied().collect(),
            amount: self.amount,
            candidates: &self.candidates,
            risk: self.risk,
            margin_bps: self.margin_bps,
            sticky: self.sticky.as_deref(),
            gateway: &self.choice.gateway,
            propensity: self.choice.propensity,
            reason: self.choice.reason,
            policy_version: self.choice.policy_version,
            policy: self.chooser,
            rollout_group: self.place.map(|place| place.group),
            intervention_id: part.map(|part| part.intervention_id.as_str()),
            experiment_id: part.and_then(|part| part.experiment_id.as_deref()),
            arm: part.map(|part| part.arm),
            terms: self.policy.explain(&context).unwrap_or_default(),
            excluded: self.policy.excluded(&context),
        };
        Row { decision_id: self.decision_id.clone(), at: self.at, body: json(&told) }
    }

    /// What the engine is told of a first attempt while a roll-out runs.
    pub fn tried(&self) -> Option<Tried> {
        let place = self.place.filter(|_| self.attempt_number == 1)?;
        Some(place.tried(&self.payment_id, self.at))
    }

    /// What the engine is told, if an intervention had a part in it.
    pub fn routed(&self) -> Option<Routed> {
        let part = self.choice.assignment.as_ref()?;
        Some(Routed {
            decision_id: self.decision_id.clone(),
            attempt_number: self.attempt_number,
            at: self.at,
            intervention_id: part.intervention_id.clone(),
            arm: part.arm,
        })
    }
}
