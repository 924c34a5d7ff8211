//! What the shell keeps beside the engine: a function of the same inputs, and so in the same snapshots.
//!
//! Gateways seen per method in the last day (candidates where none are configured), the policy's version, and open incidents with
//! the last decision about them, which are told together.

use std::collections::BTreeMap;
use std::sync::Arc;

use analyst::{Incident, Slice};
use engine::Input;
use payments::{Attempt, Timestamp};
use pilot::Decision;
use routing::{Policy, Terms};
use serde::{Deserialize, Serialize};

use super::in_force::InForce;
use crate::alerts::{Notice, Severity};

/// How long a gateway counts as seen.
const SEEN_MS: i64 = 24 * 3_600_000;
/// Of how many methods, and gateways of each, at most.
const METHODS_MAX: usize = 64;
const GATEWAYS_MAX: usize = routing::GATEWAYS_MAX;

/// Beside the engine.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Beside {
    /// Method, gateway, when last.
    seen: BTreeMap<String, BTreeMap<String, Timestamp>>,
    /// The largest time seen.
    pub latest: Option<Timestamp>,
    /// Changes of the policy that no allocation's version counts.
    changes: u64,
    /// Open incidents and what was last decided.
    pub open: BTreeMap<String, (Incident, Option<Decision>)>,
    /// The worst that was told of each incident that isn't over.
    #[serde(default)]
    severities: BTreeMap<String, Severity>,
}

impl Beside {
    /// Takes in an input; how many gateways more or fewer are to be considered from now on.
    pub fn see(&mut self, input: &Input) -> u64 {
        match input {
            Input::Attempts(attempts) => {
                let new: u64 = attempts.iter().map(|a| u64::from(self.attempt(a))).sum();
                new + self.forget()
            }
            Input::Advance(to) | Input::Rest(to) => {
                self.latest = self.latest.max(Some(*to));
                self.forget()
            }
            Input::Buckets(_)
            | Input::Routed(_)
            | Input::Gateways(_)
            | Input::Command { .. }
            | Input::Tried(_)
            | Input::Rollout { .. } => 0,
        }
    }

    fn attempt(&mut self, attempt: &Attempt) -> bool {
        let at = attempt.occurred_at;
        self.latest = self.latest.max(Some(at));
        if let Some(seen) =
            self.seen.get_mut(&attempt.method).and_then(|g| g.get_mut(&attempt.gateway))
        {
            *seen = at.max(*seen);
            return false;
        }
        if self.seen.len() >= METHODS_MAX && !self.seen.contains_key(&attempt.method) {
            return false;
        }
        let gateways = self.seen.entry(attempt.method.clone()).or_default();
        if gateways.len() >= GATEWAYS_MAX {
            return false;
        }
        gateways.insert(attempt.gateway.clone(), at);
        true
    }

    fn forget(&mut self) -> u64 {
        let Some(latest) = self.latest else { return 0 };
        let mut gone = 0;
        self.seen.retain(|_, gateways| {
            gateways.retain(|_, at| {
                let kept = latest.millis_since(*at) <= SEEN_MS;
                gone += u64::from(!kept);
                kept
            });
            !gateways.is_empty()
        });
        gone
    }

    /// Another policy is published for so many reasons of our own. Counted and not just noted, so that the version after an hour doesn't depend on
    /// how the hour was cut.
    pub fn change(&mut self, reasons: u64) {
        self.changes += reasons;
    }

    /// What people are to be told of an incident as it is now: that it began, that it is worse than what they know, that it is over. A loss is estimated, so
    /// that it is less for once is no news.
    pub fn alerted(&mut self, incident: &Incident) -> Option<Notice> {
        let severity = Severity::of(incident);
        if incident.resolved_at.is_some() {
            let worst = self.severities.remove(&incident.id).unwrap_or(severity);
            return Some(Notice::resolved(incident, worst));
        }
        let before = self.severities.get(&incident.id).copied();
        if before.is_some_and(|before| severity <= before) {
            return None;
        }
        self.severities.insert(incident.id.clone(), severity);
        Some(Notice::incident(incident, severity, before))
    }

    /// The slice of an open incident; the empty one if there is none.
    pub fn slice(&self, incident_id: Option<&str>) -> Slice {
        let open = incident_id.and_then(|id| self.open.get(id));
        open.map(|(incident, _)| incident.slice.clone()).unwrap_or_default()
    }

    /// The engine's policy with what is known here; `killed` engages the kill switch whatever the engine thinks.
    pub fn policy(&self, engine: &engine::Engine, killed: bool) -> Policy {
        self.ready(engine, engine.terms(), killed, 0)
    }

    /// The same, with a candidate beside it while a roll-out runs.
    pub fn in_force(&self, engine: &engine::Engine, killed: bool) -> InForce {
        let trial = engine.trial().filter(|(_, terms)| !terms.kill_switch && !killed);
        InForce {
            incumbent: Arc::new(self.policy(engine, killed)),
            trial: trial
                .map(|(trial, terms)| (trial, Arc::new(self.ready(engine, terms, killed, 1)))),
        }
    }

    /// Since the first roll-out of a store the incumbent's versions are even and the candidate's odd, so that none is both's.
    fn ready(&self, engine: &engine::Engine, terms: Terms, killed: bool, odd: u64) -> Policy {
        let version = terms.version + self.changes;
        let is_told_apart = engine.rollout().is_some();
        Policy::new(Terms {
            version: if is_told_apart { 2 * version + odd } else { version },
            seen: self
                .seen
                .iter()
                .map(|(method, gateways)| (method.clone(), gateways.keys().cloned().collect()))
                .collect(),
            kill_switch: terms.kill_switch || killed,
            ..terms
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(gateway: &str, at_h: i64) -> Attempt {
        let text = format!(
            r#"{{"attempt_id": "a", "payment_id": "p", "merchant_id": "m", "method": "card", "occurred_at": {},
            "amount": {{"minor": 1, "currency": "INR"}}, "gateway": "{gateway}", "status": "approved"}}"#,
            at_h * 3_600_000
        );
        payments::parse_event(text.as_bytes()).unwrap().attempt
    }

    #[test]
    fn a_gateway_is_forgotten_a_day_after_it_was_seen() {
        let mut beside = Beside::default();
        let advance = |h: i64| Input::Advance(Timestamp::from_millis(h * 3_600_000));
        assert_eq!(beside.see(&Input::Attempts(vec![attempt("a", 0), attempt("b", 5)])), 2);
        assert_eq!(beside.see(&Input::Attempts(vec![attempt("a", 10)])), 0);
        assert_eq!(beside.see(&advance(29)), 0);
        assert_eq!(beside.see(&advance(30)), 1);
        assert_eq!(beside.seen["card"].keys().collect::<Vec<_>>(), ["a"]);
    }
}
