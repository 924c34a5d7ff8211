//! Discounted Thompson sampling (Raj and Kalyani 2017, arXiv 1707.09727) and discounted UCB (Garivier and Moulines 2011, arXiv 0805.3415).
//!
//! Both discount by time, since payments come at uneven pace. Fees are known to them: they choose by rate times what is kept.

use std::collections::BTreeMap;

use stats::stream::Stream;

use super::{Apart, highest};
use crate::bandit::play::Bandit;
use crate::bandit::world::World;

/// Discounted counts per key and gateway.
struct Counts {
    apart: Apart,
    half_life_ms: f64,
    counts: BTreeMap<(Vec<u16>, u16), (i64, f64, f64)>,
}

impl Counts {
    fn at(
        &mut self,
        world: &World,
        payment: usize,
        gateway: u16,
        now_ms: i64,
    ) -> &mut (i64, f64, f64) {
        let key = (self.apart.key(&world.payments[payment]), gateway);
        let counts = self.counts.entry(key).or_insert((now_ms, 0.0, 0.0));
        let kept = libm::exp2(-((now_ms - counts.0).max(0) as f64) / self.half_life_ms);
        *counts = (now_ms.max(counts.0), counts.1 * kept, counts.2 * kept);
        counts
    }

    fn learn(&mut self, world: &World, payment: usize, gateway: u16, success: bool) {
        let asked = &world.payments[payment];
        let counts = self.at(world, payment, gateway, asked.at_ms + asked.delay_ms);
        counts.1 += 1.0;
        counts.2 += f64::from(u8::from(success));
    }
}

pub struct DiscountedTs {
    counts: Counts,
    stream: Stream,
}

impl DiscountedTs {
    pub fn new(seed: u64, half_life_min: f64, apart: Apart) -> Self {
        let half_life_ms = half_life_min * 60_000.0;
        let counts = Counts { apart, half_life_ms, counts: BTreeMap::new() };
        Self { counts, stream: Stream::named(seed, "discounted ts") }
    }
}

impl Bandit for DiscountedTs {
    fn choose(&mut self, world: &World, payment: usize) -> u16 {
        let asked = &world.payments[payment];
        highest(asked, |gateway| {
            let (_, n, k) = *self.counts.at(world, payment, gateway, asked.at_ms);
            self.stream.beta(1.0 + k, 1.0 + (n - k).max(0.0)) * asked.kept[usize::from(gateway)]
        })
    }

    fn learn(&mut self, world: &World, payment: usize, gateway: u16, success: bool) {
        self.counts.learn(world, payment, gateway, success);
    }
}

pub struct DiscountedUcb {
    counts: Counts,
    width: f64,
}

impl DiscountedUcb {
    pub fn new(half_life_min: f64, width: f64, apart: Apart) -> Self {
        let half_life_ms = half_life_min * 60_000.0;
        Self { counts: Counts { apart, half_life_ms, counts: BTreeMap::new() }, width }
    }
}

impl Bandit for DiscountedUcb {
    fn choose(&mut self, world: &World, payment: usize) -> u16 {
        let asked = &world.payments[payment];
        let mut total = 0.0;
        for gateway in &asked.eligible {
            total += self.counts.at(world, payment, *gateway, asked.at_ms).1;
        }
        highest(asked, |gateway| {
            let (_, n, k) = *self.counts.at(world, payment, gateway, asked.at_ms);
            let bound = (self.width * libm::log(total.max(2.0)) / n.max(1e-3)).sqrt();
            (k / n.max(1e-3) + bound) * asked.kept[usize::from(gateway)]
        })
    }

    fn learn(&mut self, world: &World, payment: usize, gateway: u16, success: bool) {
        self.counts.learn(world, payment, gateway, success);
    }
}
