//! A check that everything lets pass, for the guardrails' tests to spoil.

use super::*;
use crate::situation::example;

pub struct Case {
    pub limits: Limits,
    pub modes: Modes,
    pub freezes: Vec<Freeze>,
    pub killed: Option<String>,
    pub now: Timestamp,
    pub ledger: Ledger,
    pub network: Network,
    pub situation: Situation,
    pub others: Vec<Moved>,
    pub reserved: Reserved,
    pub action: Action,
    pub slice: Slice,
    pub to: Vec<Target>,
    pub share: f64,
    pub settled: f64,
    pub confidence: f64,
    pub approved: bool,
    pub narrows: bool,
}

impl Case {
    pub fn sound() -> Self {
        let now = Timestamp::from_millis(1_000_000_000);
        Self {
            limits: Limits::default(),
            modes: Modes::default(),
            freezes: Vec::new(),
            killed: None,
            now,
            ledger: Ledger::default(),
            network: example::network(now),
            situation: example::situation(now),
            others: Vec::new(),
            reserved: Reserved::new(),
            action: Action::Reroute,
            slice: example::situation(now).incident.slice,
            to: vec![Target { gateway: "payu".into(), share: 1.0 }],
            share: 0.05,
            settled: 0.0,
            confidence: 0.95,
            approved: false,
            narrows: false,
        }
    }

    pub fn held(&self) -> Vec<Held> {
        at_start(&self.check())
    }

    /// The only thing that holds it.
    pub fn held_by(&self) -> Option<Guardrail> {
        let held = self.held();
        assert!(held.len() <= 1, "{held:?}");
        held.first().map(|held| held.guardrail)
    }

    pub fn check(&self) -> Check<'_> {
        Check {
            limits: &self.limits,
            modes: &self.modes,
            freezes: &self.freezes,
            killed: self.killed.as_deref(),
            now: self.now,
            ledger: &self.ledger,
            network: &self.network,
            situation: &self.situation,
            others: &self.others,
            reserved: &self.reserved,
            action: self.action,
            slice: &self.slice,
            to: &self.to,
            share: self.share,
            settled: self.settled,
            confidence: self.confidence,
            approved: self.approved,
            narrows: self.narrows,
        }
    }
}

#[test]
fn nothing_holds_a_sound_plan() {
    assert_eq!(Case::sound().held(), []);
}
