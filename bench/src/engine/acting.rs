//! A gateway that fails while the clock runs, and a pilot that acts on it.
//!
//! The payments are routed by the policy that the pilot publishes, their arms are reported back, and their outcomes feed its
//! experiment. Routing itself is the data plane's work and isn't timed here (`Engine::handle` is).

use engine::{Effect, Engine, Input, Routed};
use payments::{Attempt, Status};
use routing::{Context, Policy};
use stats::stream::Stream;

/// The gateway that fails, and the part of its approvals that is lost.
const FAILS: &str = "gw_002";
const LOST: f64 = 0.6;

/// Where payments go, as the engine says.
pub struct Acting {
    policy: Policy,
    gateways: Vec<String>,
    stream: Stream,
    /// Payments that went elsewhere.
    pub moved: u64,
    /// Payments in either arm.
    pub assigned: u64,
}

impl Acting {
    /// Nothing is moved yet.
    pub fn new(engine: &Engine, gateways: Vec<String>, seed: u64) -> Self {
        let stream = Stream::named(seed, "engine benchmark, acting");
        Self { policy: engine.policy(), gateways, stream, moved: 0, assigned: 0 }
    }

    /// Routes a batch and lets the failing gateway fail; answers with the arms.
    pub fn route(&mut self, batch: &mut [Attempt]) -> Vec<Routed> {
        let mut routed = Vec::new();
        for attempt in batch.iter_mut() {
            attempt.decision_id = None;
            attempt.payment_id.clone_from(&attempt.attempt_id);
            let fails = attempt.gateway == FAILS;
            if fails && let Some((gateway, arm)) = self.choose(attempt) {
                self.assigned += 1;
                attempt.decision_id = Some(arm.decision_id.clone());
                routed.push(arm);
                if gateway != FAILS {
                    self.moved += 1;
                    attempt.gateway = gateway;
                }
            }
            if attempt.gateway == FAILS && self.stream.bernoulli(LOST) {
                attempt.status = Status::Declined;
            }
        }
        routed
    }

    fn choose(&self, attempt: &Attempt) -> Option<(String, Routed)> {
        let mut values = vec![("method", attempt.method.as_str())];
        values.extend(attempt.network.as_deref().map(|name| ("network", name)));
        values.extend(attempt.issuer.as_deref().map(|name| ("issuer", name)));
        values.extend(attempt.country.as_deref().map(|name| ("country", name)));
        values.push(("merchant_id", attempt.merchant_id.as_str()));
        let mut candidates = vec![attempt.gateway.as_str()];
        candidates.extend(
            self.gateways.iter().map(String::as_str).filter(|name| *name != attempt.gateway),
        );
        let context = Context {
            values: &values,
            amount: attempt.amount,
            candidates: &candidates,
            ..Context::at(attempt.occurred_at, &attempt.payment_id)
        };
        let choice = self.policy.choose(&context).ok()?;
        let part = choice.assignment?;
        let arm = Routed {
            decision_id: self.policy.decision_id(&context),
            attempt_number: 1,
            at: attempt.occurred_at,
            intervention_id: part.intervention_id,
            arm: part.arm,
        };
        Some((choice.gateway, arm))
    }

    /// Takes in what the engine says.
    pub fn obey(&mut self, engine: &Engine, effects: &[Effect]) {
        if effects.iter().any(|effect| matches!(effect, Effect::Allocation(_))) {
            self.policy = engine.policy();
        }
    }

    /// An input for the arms, where there are any.
    pub fn report(routed: Vec<Routed>) -> Option<Input> {
        (!routed.is_empty()).then_some(Input::Routed(routed))
    }
}
