//! What gateways carry, and what they turn away.
//!
//! **Problem.** A fallback has room for so many attempts per second. A queue per gateway would give the simulator a state that every
//! decision moves for minutes, and a second model of latency.
//!
//! **Method.** Load is measured, not queued: the number of attempts that reach a gateway per second, as a mean
//! with exponentially fading memory of ten seconds. A gateway that takes c per second and is sent l > c serves c of them, so
//! an attempt is turned away with probability 1 - c / l: the fluid limit of a server that rejects instead of letting wait,
//! which is what an overloaded front end does (HTTP 503, at once). At twice the capacity half is refused; the load falls back within seconds after the surplus is gone. Chance alone takes
//! the measured load of a gateway that is nearly full above its capacity now and then: at 20/s and 90 % full that costs one attempt in a thousand.
//! Latency does not grow with load.

use payments::Timestamp;

use super::Capacity;
use crate::world::World;

/// Memory of the measured load.
pub(super) const MEMORY_MS: f64 = 10_000.0;

/// The load of every gateway.
#[derive(Debug)]
pub(super) struct Loads {
    gateways: Vec<Load>,
}

#[derive(Debug)]
struct Load {
    /// Attempts per second at `at_ms`.
    per_s: f64,
    at_ms: i64,
    /// Attempts per second, from, until.
    limits: Vec<(f64, Timestamp, Timestamp)>,
}

impl Loads {
    pub(super) fn new(world: &World, capacities: &[Capacity]) -> Self {
        let known = |name: &str| world.config.gateways.iter().any(|g| g.name == name);
        for Capacity { gateway, per_s, .. } in capacities {
            assert!(known(gateway), "a capacity's gateway exists, got `{gateway}`");
            assert!(*per_s >= 0.0, "a capacity is not negative, got {per_s}");
        }
        let limits = |name: &str| {
            let own = capacities.iter().filter(|c| c.gateway == name);
            own.map(|c| (c.per_s, c.from, c.until)).collect()
        };
        let load = |name: &str| Load { per_s: 0.0, at_ms: 0, limits: limits(name) };
        Self { gateways: world.config.gateways.iter().map(|g| load(&g.name)).collect() }
    }

    /// Attempts per second that a gateway can take at this moment; infinite without a limit.
    pub(super) fn capacity(&self, gateway: u8, at_ms: i64) -> f64 {
        let at = Timestamp::from_millis(at_ms);
        let limits = &self.gateways[usize::from(gateway)].limits;
        let in_force = limits.iter().filter(|(_, from, until)| *from <= at && at < *until);
        in_force.map(|(per_s, ..)| *per_s).fold(f64::INFINITY, f64::min)
    }

    /// Attempts per second, as measured; only gateways that are limited at some time are.
    pub(super) fn per_s(&self, gateway: u8, at_ms: i64) -> f64 {
        let load = &self.gateways[usize::from(gateway)];
        load.per_s * libm::exp(-((at_ms - load.at_ms) as f64) / MEMORY_MS)
    }

    /// Share of attempts that it turns away at this moment.
    #[inline]
    pub(super) fn refused(&self, gateway: u8, at_ms: i64) -> f64 {
        if self.gateways[usize::from(gateway)].limits.is_empty() {
            return 0.0;
        }
        refused(self.per_s(gateway, at_ms), self.capacity(gateway, at_ms))
    }

    /// An attempt reaches it.
    #[inline]
    pub(super) fn add(&mut self, gateway: u8, at_ms: i64) {
        if self.gateways[usize::from(gateway)].limits.is_empty() {
            return;
        }
        let per_s = self.per_s(gateway, at_ms) + 1_000.0 / MEMORY_MS;
        let load = &mut self.gateways[usize::from(gateway)];
        (load.per_s, load.at_ms) = (per_s, at_ms);
    }
}

fn refused(load: f64, capacity: f64) -> f64 {
    if load > capacity { 1.0 - capacity / load } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stats::stream::Stream;

    #[test]
    fn a_gateway_serves_what_it_can_and_refuses_the_rest() {
        let world = World::at_rate(5.0, 1).unwrap();
        let name = world.config.gateways[1].name.clone();
        for (per_s, low, high) in [(10.0, 0.0, 0.001), (18.0, 0.0, 0.01), (40.0, 0.49, 0.51)] {
            let mut loads = Loads::new(&world, &[Capacity::of(&name, 20.0)]);
            let mut draws = Stream::named(1, "load");
            let (mut at, mut sum) = (0.0, 0.0);
            let runs = 40_000;
            for run in 0..2 * runs {
                at += draws.exponential() * 1_000.0 / per_s;
                // The measure needs a while to fill.
                sum += if run < runs { 0.0 } else { loads.refused(1, at as i64) };
                loads.add(1, at as i64);
                loads.add(0, at as i64);
            }
            let share = sum / f64::from(runs);
            assert!((low..=high).contains(&share), "{per_s} {share}");
            assert_eq!(loads.refused(0, at as i64), 0.0);
            assert!(loads.per_s(1, at as i64 + 60_000) < 0.5);
        }
    }

    #[test]
    fn the_lowest_limit_in_force_counts() {
        let world = World::at_rate(5.0, 1).unwrap();
        let name = world.config.gateways[0].name.clone();
        let at = Timestamp::from_millis;
        let outage = Capacity { gateway: name.clone(), per_s: 3.0, from: at(100), until: at(200) };
        let loads = Loads::new(&world, &[Capacity::of(&name, 20.0), outage]);
        let course = [99, 100, 199, 200].map(|ms| loads.capacity(0, ms));
        assert_eq!(course, [20.0, 3.0, 3.0, 20.0]);
        assert_eq!(loads.capacity(1, 100), f64::INFINITY);
    }
}
