//! What a plan would do: a slice's attempts leave one gateway for others, for some time, whatever happens.
//!
//! The counterfactual that a plan is judged by where gateways are limited or clients repeat themselves: there, what one payment would have
//! met elsewhere says little about what all of them would have. Nobody overloads a target knowingly: who finds it full stays.

use std::collections::BTreeMap;

use payments::Timestamp;

use super::clairvoyant::has_room;
use super::sight::{Decide, Sight};
use super::{Answer, Ask};
use crate::incident::Pairs;

/// A plan carried out in full.
#[derive(Clone, Debug, PartialEq)]
pub struct Moved {
    /// Whose attempts move: dimensions but the gateway.
    pub context: Pairs,
    /// The gateway that they leave.
    pub from: String,
    /// Where to, by weight; every other gateway alike where it is empty.
    pub to: BTreeMap<String, f64>,
    /// Since when.
    pub since: Timestamp,
    /// Until when.
    pub until: Timestamp,
}

impl Moved {
    fn holds(&self, ask: &Ask<'_>) -> bool {
        ask.at >= self.since
            && ask.at < self.until
            && ask.candidates.first().is_some_and(|natural| *natural == self.from)
            && self.context.iter().all(|(dimension, value)| {
                let is = ask.values.iter().find(|(name, _)| name == dimension);
                is.map_or("__none__", |(_, value)| *value) == value
            })
    }
}

impl Decide for Moved {
    const OBSERVES: bool = false;

    fn decide(&mut self, ask: &Ask<'_>, sight: &Sight<'_>) -> Answer {
        if !self.holds(ask) {
            return Answer::default();
        }
        // Always the heaviest eligible target with room would do for one of them; weights want a draw, which the payment's own id gives.
        let open: Vec<(usize, f64)> = (1..ask.candidates.len())
            .filter(|place| has_room(sight, sight.leaves[*place]))
            .filter_map(|place| {
                let weight = match self.to.is_empty() {
                    true => 1.0,
                    false => *self.to.get(ask.candidates[place])?,
                };
                (weight > 0.0).then_some((place, weight))
            })
            .collect();
        let sum: f64 = open.iter().map(|(_, weight)| weight).sum();
        let mut at = unit(ask.payment_id) * sum;
        for (gateway, weight) in open {
            at -= weight;
            if at <= 0.0 {
                return Answer { gateway, ..Answer::default() };
            }
        }
        Answer::default()
    }
}

/// A number between 0 and 1 for each payment (FNV-1a, its upper bits).
fn unit(payment_id: &str) -> f64 {
    let hash = payment_id.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    (hash >> 11) as f64 / (1_u64 << 53) as f64
}
