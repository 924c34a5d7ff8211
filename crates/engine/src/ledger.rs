//! Which payments are in which arm, until their outcome is known.
//!
//! The data plane says what it decided (behind the decision, so it may come late or not at all); outcomes arrive seconds later under
//! the decision's id. The unit of an experiment is the payment, so first attempts alone are kept. Bounded: the oldest decisions
//! make room, and to the pilot what never reports is a failure once its cohort has matured.

use std::collections::VecDeque;

use payments::{Attempt, Status, Timestamp};
use routing::Arm;
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};
use stats::window::fingerprint;

/// Decisions remembered at most: 16 bytes of key and 24 of value each, 40 MB.
const DECISIONS_MAX: usize = 1 << 20;
/// How long an outcome may take.
const HORIZON_MS: i64 = 15 * 60_000;
/// Salt of the ids' fingerprints: they only have to differ.
const SALT: u64 = 0x1ed9_e24d_ec15_1045;

/// A choice of the data plane that an intervention had a part in, on either side.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Routed {
    /// The decision; attempts that follow from it carry this id.
    pub decision_id: String,
    /// 1 for the first try.
    pub attempt_number: u32,
    /// When it was made.
    pub at: Timestamp,
    /// The intervention.
    pub intervention_id: String,
    /// The side.
    pub arm: Arm,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Entry {
    intervention: u32,
    arm: Arm,
    at_ms: i64,
}

/// An outcome of an experiment's payment.
#[derive(Clone, Debug, PartialEq)]
pub struct Matched<'a> {
    /// The intervention.
    pub intervention_id: &'a str,
    /// The side.
    pub arm: Arm,
    /// When it was decided.
    pub decided_at: Timestamp,
    /// Whether it was approved; `None` where the customer left, which is no outcome.
    pub approved: Option<bool>,
}

/// Decisions whose outcome isn't known yet.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Ledger {
    entries: FxHashMap<u64, Entry>,
    order: VecDeque<(i64, u64)>,
    /// Names of interventions, by number; few, since each is a plan that was carried out.
    names: Vec<String>,
}

impl Ledger {
    /// Whether nothing is waited for.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Notes a decision; false for a retry or a repetition, which count for nothing.
    pub fn note(&mut self, routed: &Routed) -> bool {
        let id = fingerprint(SALT, &routed.decision_id);
        if routed.attempt_number != 1 || self.entries.contains_key(&id) {
            return false;
        }
        let at_ms = routed.at.as_millis();
        while self.order.len() >= DECISIONS_MAX {
            self.drop_oldest();
        }
        let known = self.names.iter().rposition(|name| *name == routed.intervention_id);
        let intervention = known.unwrap_or_else(|| {
            self.names.push(routed.intervention_id.clone());
            self.names.len() - 1
        }) as u32;
        self.entries.insert(id, Entry { intervention, arm: routed.arm, at_ms });
        self.order.push_back((at_ms, id));
        true
    }

    /// The arm of an attempt, if it is an experiment's first answer.
    pub fn take(&mut self, attempt: &Attempt) -> Option<Matched<'_>> {
        let decision = attempt.decision_id.as_deref()?;
        let approved = match attempt.status {
            Status::Approved => Some(true),
            Status::Declined | Status::Error | Status::Timeout => Some(false),
            Status::Abandoned => None,
            Status::Unknown => return None,
        };
        let entry = self.entries.remove(&fingerprint(SALT, decision))?;
        Some(Matched {
            intervention_id: &self.names[entry.intervention as usize],
            arm: entry.arm,
            decided_at: Timestamp::from_millis(entry.at_ms),
            approved,
        })
    }

    /// Forgets what is older than any answer takes.
    pub fn forget(&mut self, now: Timestamp) {
        let before = now.as_millis() - HORIZON_MS;
        while self.order.front().is_some_and(|(at_ms, _)| *at_ms < before) {
            self.drop_oldest();
        }
    }

    fn drop_oldest(&mut self) {
        if let Some((_, id)) = self.order.pop_front() {
            self.entries.remove(&id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routed(id: &str, number: u32, at_s: i64) -> Routed {
        Routed {
            decision_id: id.into(),
            attempt_number: number,
            at: Timestamp::from_millis(at_s * 1_000),
            intervention_id: "itv_1".into(),
            arm: Arm::Treatment,
        }
    }

    fn attempt(decision: &str, status: Status) -> Attempt {
        Attempt {
            attempt_id: "a".into(),
            payment_id: "p".into(),
            attempt_number: 1,
            occurred_at: Timestamp::from_millis(9_000),
            merchant_id: "m".into(),
            amount: None,
            gateway: "g".into(),
            method: "card".into(),
            network: None,
            issuer: None,
            country: None,
            bin: None,
            status,
            code: None,
            latency_ms: None,
            decision_id: Some(decision.into()),
            propensity: None,
            initiator: None,
            mcc: None,
            customer_ref: None,
            device_ref: None,
            terminal_ref: None,
            ip_country: None,
            attributes: Default::default(),
        }
    }

    #[test]
    fn a_payment_counts_once_and_by_its_first_attempt() {
        let mut ledger = Ledger::default();
        assert!(ledger.note(&routed("d1", 1, 5)));
        assert!(!ledger.note(&routed("d1", 1, 5)), "a repetition");
        assert!(!ledger.note(&routed("d2", 2, 6)), "a retry");
        assert_eq!(ledger.take(&attempt("d1", Status::Unknown)), None, "not known yet");
        let matched = ledger.take(&attempt("d1", Status::Timeout)).expect("an outcome");
        assert_eq!((matched.approved, matched.decided_at.as_millis()), (Some(false), 5_000));
        assert_eq!(ledger.take(&attempt("d1", Status::Approved)), None, "it has been counted");
        assert!(ledger.is_empty());
    }

    #[test]
    fn what_never_answers_is_forgotten() {
        let mut ledger = Ledger::default();
        ledger.note(&routed("d1", 1, 5));
        ledger.forget(Timestamp::from_millis(5_000 + HORIZON_MS));
        assert!(!ledger.is_empty());
        ledger.forget(Timestamp::from_millis(5_001 + HORIZON_MS));
        assert!(ledger.is_empty());
    }
}
