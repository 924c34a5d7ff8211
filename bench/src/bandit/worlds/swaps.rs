//! Abrupt swaps and delayed feedback: five gateways with fixed rates per method; every quarter of an hour or so two of them change places at once.
//!
//! Outcomes are known after 45 s in half of the cases, after minutes in some. Nothing here is smooth, and nothing reverts.

use stats::stream::Stream;

use super::{PAYMENTS, amount};
use crate::bandit::world::{Payment, World};

const GATEWAYS: usize = 5;
const METHODS: usize = 2;
const PER_S: f64 = 3.0;
const SWAP_EVERY_S: f64 = 900.0;
const RATES: [f64; GATEWAYS] = [0.93, 0.88, 0.82, 0.74, 0.6];

pub fn world(seed: u64) -> World {
    let root = Stream::named(seed, "bandit swaps");
    let mut fixed = root.fork("fixed");
    let mut rates: Vec<Vec<f64>> = (0..METHODS)
        .map(|_| {
            let mut rates: Vec<f64> = RATES.iter().map(|r| r + fixed.range(-0.02, 0.02)).collect();
            fixed.shuffle(&mut rates);
            rates
        })
        .collect();
    let mut swaps = root.fork("swaps");
    let mut traffic = root.fork("traffic");
    let mut now_s = 0.0;
    let mut next_s: Vec<f64> = (0..METHODS).map(|_| SWAP_EVERY_S * swaps.exponential()).collect();
    let payments = (0..PAYMENTS).map(|_| {
        now_s += traffic.exponential() / PER_S;
        for (rates, next_s) in rates.iter_mut().zip(&mut next_s) {
            while *next_s <= now_s {
                let one = swaps.below(GATEWAYS as u64) as usize;
                let other = (one + 1 + swaps.below(GATEWAYS as u64 - 1) as usize) % GATEWAYS;
                rates.swap(one, other);
                *next_s += SWAP_EVERY_S * swaps.exponential();
            }
        }
        let method = traffic.weighted(&[0.6, 0.4]);
        Payment {
            at_ms: (now_s * 1_000.0) as i64,
            values: vec![method as u16],
            amount_minor: amount(&mut traffic, 1.0),
            eligible: (0..GATEWAYS as u16).collect(),
            rates: rates[method].clone(),
            kept: vec![1.0; GATEWAYS],
            luck: traffic.uniform(),
            delay_ms: (45_000.0 * libm::exp(0.7 * traffic.normal())) as i64,
        }
    });
    let payments = payments.collect();
    World {
        dimensions: vec!["method".into()],
        values: vec![World::named("m", METHODS)],
        gateways: World::free_gateways(GATEWAYS),
        payments,
    }
}
