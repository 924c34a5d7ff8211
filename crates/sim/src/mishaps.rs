//! Outages now and then, without an end: what a demonstration is made of.
//!
//! The places are those of the default network; where, how badly and when follows from the seed. In between it is quiet for some minutes, so that
//! traffic comes home before the next one begins.

use payments::Timestamp;
use stats::stream::Stream;

use crate::failure::FailureKind;
use crate::incident::{Incident, Kind, Shape};

/// From the beginning to the first one.
const FIRST_MS: i64 = 40_000;
/// How long one lasts, and how long it is quiet after it: at least, and so much more at most.
const LASTS_MS: (i64, u64) = (150_000, 120_000);
const QUIET_MS: (i64, u64) = (180_000, 180_000);

type Place = (&'static [(&'static str, &'static str)], FailureKind);

/// What breaks, one after the other: what can be routed around, and every third time what can't.
const PLACES: [Place; 9] = [
    (&[("gateway", "PAYU")], FailureKind::Gateway),
    (&[("gateway", "RAZORPAY"), ("network", "VISA")], FailureKind::Gateway),
    (&[("issuer", "SBI")], FailureKind::Issuer),
    (&[("gateway", "CASHFREE")], FailureKind::Gateway),
    (&[("gateway", "PAYTM"), ("method", "upi")], FailureKind::Gateway),
    (&[("network", "RUPAY")], FailureKind::Network),
    (&[("gateway", "RAZORPAY"), ("issuer", "HDFC")], FailureKind::Gateway),
    (&[("gateway", "PAYU"), ("method", "card")], FailureKind::Gateway),
    (&[("issuer", "ICICI"), ("network", "MASTERCARD")], FailureKind::Issuer),
];

/// Outages of a seed, in order of their beginnings. They don't overlap.
#[derive(Debug)]
pub struct Mishaps {
    draws: Stream,
    next_at: Timestamp,
    count: usize,
}

impl Mishaps {
    /// From an instant on.
    pub fn new(seed: u64, from: Timestamp) -> Self {
        let draws = Stream::named(seed, "mishaps");
        Self { draws, next_at: from.plus_millis(FIRST_MS), count: 0 }
    }

    fn draw(&mut self, (least, more): (i64, u64)) -> i64 {
        least + self.draws.below(more) as i64
    }
}

impl Iterator for Mishaps {
    type Item = Incident;

    fn next(&mut self) -> Option<Incident> {
        let (slice, blame) = PLACES[self.count % PLACES.len()];
        self.count += 1;
        let severity = 0.6 + 0.1 * self.draws.below(4) as f64;
        let starts_at = self.next_at;
        let ends_at = starts_at.plus_millis(self.draw(LASTS_MS));
        self.next_at = ends_at.plus_millis(self.draw(QUIET_MS));
        // The first one comes at once, so that it is seen soon; of the others some grow.
        let grows = self.count > 1 && self.draws.below(3) == 0;
        let shape = if grows { Shape::Ramp { over_ms: 60_000 } } else { Shape::Step };
        let kind = Kind::Outage { severity, blame };
        Some(Incident::on(slice.to_vec(), starts_at, ends_at, kind).shaped(shape))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::World;

    #[test]
    fn they_hit_traffic_one_after_the_other_and_follow_from_the_seed() {
        let from = Timestamp::from_millis(1_790_000_000_000);
        let of = |seed| Mishaps::new(seed, from).take(40).collect::<Vec<Incident>>();
        assert_eq!(of(3), of(3));
        assert_ne!(of(3), of(4));
        let world = World::at_rate(20.0, 1).unwrap();
        let mut until = from;
        for mishap in of(3) {
            assert!(mishap.starts_at > until, "{mishap:?}");
            assert_eq!(world.check(&mishap), Ok(()));
            until = mishap.ends_at;
        }
    }
}
