//! A day of incidents for the demonstration.

use payments::Timestamp;
use stats::stream::Stream;

use crate::config::WorldConfig;
use crate::failure::FailureKind;
use crate::incident::{Incident, Kind, Shape};
use crate::truth::Truth;
use crate::world::{World, WorldError};

/// A world and the day to watch it. Days before it are quiet: draw them to learn from.
#[derive(Clone, Debug)]
pub struct Day {
    /// The network, incidents included.
    pub world: World,
    /// Midnight, UTC.
    pub starts_at: Timestamp,
    /// The next midnight.
    pub ends_at: Timestamp,
}

/// Wednesday 2026-06-10, 00:00 UTC.
const STARTS_AT: Timestamp = Timestamp::from_millis(1_781_049_600_000);

impl Day {
    /// 24 hours of the default network with incidents of every sort, at their times give or take ten minutes.
    pub fn demo(seed: u64) -> Result<Self, WorldError> {
        Self::with(WorldConfig::default(), seed)
    }

    /// The same on another network; its banks, gateways and card networks must include the default ones' largest.
    pub fn with(config: WorldConfig, seed: u64) -> Result<Self, WorldError> {
        let mut world = World::new(config, seed)?;
        let mut draws = Stream::named(seed, "demo");
        for (hour, minutes, slice, kind, shape) in script() {
            let start_ms = (hour * 3_600_000.0) as i64 + draws.below(20) as i64 * 60_000 - 600_000;
            let starts_at = STARTS_AT.plus_millis(start_ms);
            let ends_at = starts_at.plus_millis(minutes * 60_000);
            world.add(Incident::on(slice.to_vec(), starts_at, ends_at, kind).shaped(shape))?;
        }
        Ok(Self { world, starts_at: STARTS_AT, ends_at: STARTS_AT.plus_millis(86_400_000) })
    }

    /// What happens in it, in order.
    pub fn truth(&self) -> Vec<Truth> {
        self.world.truth(self.starts_at, self.ends_at)
    }
}

type Entry = (f64, i64, &'static [(&'static str, &'static str)], Kind, Shape);

/// Hour (UTC), minutes, slice, what, how.
fn script() -> [Entry; 9] {
    let outage = |severity, blame| Kind::Outage { severity, blame };
    let ramp = |minutes: i64| Shape::Ramp { over_ms: minutes * 60_000 };
    let flapping = Shape::Flapping { on_ms: 240_000, off_ms: 120_000 };
    let step = Shape::Step;
    use FailureKind::{Gateway, Issuer, Network, User};
    [
        (3.5, 45, &[("issuer", "SBI")], outage(0.7, Issuer), step),
        (6.0, 50, &[("gateway", "PAYU"), ("network", "VISA")], outage(0.6, Gateway), ramp(15)),
        // A decoy: salaries are late, and no route can help.
        (8.5, 90, &[("method", "upi")], outage(0.12, User), ramp(30)),
        (11.5, 40, &[("gateway", "CASHFREE")], Kind::Latency { factor: 6.0 }, step),
        // Two at once.
        (14.0, 50, &[("gateway", "RAZORPAY")], outage(0.45, Gateway), step),
        (14.4, 40, &[("issuer", "ICICI"), ("network", "MASTERCARD")], outage(0.8, Issuer), step),
        // A sale: more traffic, nothing broken.
        (16.2, 60, &[("merchant_id", "merchant_02")], Kind::Volume { factor: 2.5 }, ramp(10)),
        (18.0, 30, &[("merchant_id", "merchant_03")], Kind::RetryStorm { copies: 2.0 }, step),
        (20.0, 40, &[("network", "RUPAY")], outage(0.85, Network), flapping),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_day_holds_its_script() {
        let day =
            Day::with(WorldConfig { attempts_per_s: 5.0, ..WorldConfig::default() }, 1).unwrap();
        let truth = day.truth();
        assert_eq!(truth.len(), script().len());
        assert!(truth.iter().filter(|t| t.payments_lost > 20).count() >= 5, "{truth:#?}");
        assert!(truth.iter().all(|t| t.incident.ends_at <= day.ends_at && t.attempts > 0));
    }
}
