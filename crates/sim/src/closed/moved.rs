//! What a plan would do: a slice's attempts leave one gateway for others, for some time, whatever happens.
//!
//! The counterfactual that a plan is judged by where gateways are limited or clients repeat themselves: there, what one payment would have
//! met elsewhere says little about what all of them would have. Nobody overloads a target knowingly: who finds it full stays.

use std::collections::BTreeMap;

use payments::{NONE, Timestamp};

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
                is.map_or(NONE, |(_, value)| *value) == value
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::closed::{Capacity, Setup, play_moved, play_untouched};
    use crate::failure::FailureKind;
    use crate::incident::{Incident, Kind};
    use crate::world::World;

    const FROM_MS: i64 = 1_790_164_800_000;

    /// PAYU down for a quarter of an hour, and the plan to leave it for all others.
    fn outage() -> (World, Setup, Moved) {
        let at = |minutes: i64| Timestamp::from_millis(FROM_MS + minutes * 60_000);
        let mut world = World::at_rate(10.0, 3).unwrap();
        let kind = Kind::Outage { severity: 0.9, blame: FailureKind::Gateway };
        world.add(Incident::on([("gateway", "PAYU")], at(0), at(15), kind)).unwrap();
        let moved = Moved {
            context: Pairs::new(),
            from: "PAYU".into(),
            to: BTreeMap::new(),
            since: at(2),
            until: at(15),
        };
        (world, Setup::over(at(0), at(15)), moved)
    }

    #[test]
    fn leaving_what_is_broken_gains_and_ends_with_the_plan() {
        let (world, setup, mut moved) = outage();
        let untouched = play_untouched(&world, &setup, &mut |_| {});
        let (since, until) = (moved.since, moved.until);
        let played = play_moved(&world, &setup, &mut moved, &mut |attempted| {
            let is_moved = attempted.chosen != attempted.natural;
            assert!(!is_moved || attempted.natural_gateway == "PAYU");
            assert!(!is_moved || attempted.at >= since && attempted.at < until);
        });
        assert!(played.moved > 500, "{}", played.moved);
        assert!(played.paid_expected > untouched.paid_expected + 300.0);
    }

    #[test]
    fn nobody_is_sent_where_there_is_no_room() {
        let (world, mut setup, mut moved) = outage();
        for gateway in world.config().gateways.iter().filter(|gateway| gateway.name != "PAYU") {
            setup.capacities.push(Capacity::of(&gateway.name, 0.0));
        }
        assert_eq!(play_moved(&world, &setup, &mut moved, &mut |_| {}).moved, 0);
    }
}
