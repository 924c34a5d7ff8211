//! A policy in the simulated network: what a log can't show, the policy's own effect on load and retries, played with the same payments and luck as without it.
//!
//! The engine that serves routes, taught by the scenario's quiet history; its pilot only advises, so that nothing but the policy differs. Of the gateways that can take a payment the
//! policy's own come first, in its order; where it names none they stand as the merchant has them.

use std::io;

use engine::{Config, Engine};
use payments::{Attempt, Timestamp};
use pilot::Modes;
use sim::{Answer, Ask, Attempted, Operator, Stage, play, play_untouched};

use super::Candidate;
use crate::piloted::{Piloted, taught};

/// What came of a play.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize)]
pub struct Success {
    /// Share of payments that were paid, retries included, expected.
    pub payments_paid: f64,
    /// Share of first attempts that are approved, expected.
    pub first_attempts_approved: f64,
}

/// A policy beside nobody, on the same payments.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Simulated {
    /// Payments that arrived.
    pub payments: u64,
    /// Attempts that the policy sent elsewhere than their merchant would have.
    pub moved: u64,
    /// Every payment going where its merchant sends it.
    pub untouched: Success,
    /// With the policy.
    pub policy: Success,
}

/// Plays both; `hear` gets every attempt with its propensity, as its outcome becomes known.
pub fn simulate(
    stage: &Stage,
    seed: u64,
    candidate: &Candidate,
    hear: &mut dyn FnMut(&[Attempt]) -> io::Result<()>,
) -> io::Result<Simulated> {
    let mut config = Config { seed, routing: candidate.routing.clone(), ..Config::default() };
    config.pilot.modes = Modes::ADVISE;
    let engine = taught(stage, Engine::new(config));
    let preferred = candidate.routing.gateways.iter().map(|gateway| gateway.name.clone());
    let mut operator = Preferring {
        piloted: Piloted::new(engine, stage.from),
        preferred: preferred.collect(),
        hear,
        fault: None,
    };
    let (mut first, mut first_untouched) = (First::default(), First::default());
    let played = play(&stage.world, &stage.setup, &mut operator, &mut |tried| first.see(tried));
    if let Some(fault) = operator.fault {
        return Err(fault);
    }
    let witness = &mut |tried: &Attempted<'_>| first_untouched.see(tried);
    let untouched = play_untouched(&stage.world, &stage.setup, witness);
    let success = |played: &sim::Played, first: First| Success {
        payments_paid: played.paid_expected / (played.payments as f64).max(1.0),
        first_attempts_approved: first.mean(),
    };
    Ok(Simulated {
        payments: played.payments,
        moved: played.moved,
        untouched: success(&untouched, first_untouched),
        policy: success(&played, first),
    })
}

/// First attempts and their chances.
#[derive(Clone, Copy, Default)]
struct First {
    attempts: f64,
    chances: f64,
}

impl First {
    fn see(&mut self, tried: &Attempted<'_>) {
        if tried.attempt_number == 1 {
            self.attempts += 1.0;
            self.chances += tried.p_chosen;
        }
    }

    fn mean(self) -> f64 {
        self.chances / self.attempts.max(1.0)
    }
}

/// An operator whose candidates stand in the policy's order.
struct Preferring<'a> {
    piloted: Piloted,
    preferred: Vec<String>,
    hear: &'a mut dyn FnMut(&[Attempt]) -> io::Result<()>,
    fault: Option<io::Error>,
}

impl Operator for Preferring<'_> {
    fn route(&mut self, ask: &Ask<'_>) -> Answer {
        let places: Vec<usize> = self
            .preferred
            .iter()
            .filter_map(|name| ask.candidates.iter().position(|own| own == name))
            .collect();
        if places.is_empty() {
            return self.piloted.route(ask);
        }
        let candidates: Vec<&str> = places.iter().map(|place| ask.candidates[*place]).collect();
        let answer = self.piloted.route(&Ask { candidates: &candidates, ..*ask });
        Answer { gateway: places[answer.gateway], ..answer }
    }

    fn observe(&mut self, attempts: &mut Vec<Attempt>, until: Timestamp) {
        if self.fault.is_none() {
            self.fault = (self.hear)(attempts).err();
        }
        self.piloted.observe(attempts, until);
    }
}
