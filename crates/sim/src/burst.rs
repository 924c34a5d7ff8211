//! Bursts: why outcomes of the same ten seconds resemble each other.
//!
//! Real outcomes are over-dispersed: within a block of 10 s a route (gateway x issuer) has a success rate of its own,
//! beta distributed around its mean. With n payments and correlation r the successes are beta-binomial with
//! variance n p (1-p) (1 + (n-1) r); with r = (factor - 1) / n that is `factor` times the binomial one, for each route and
//! for every slice that is a union of routes, all traffic included. Routes with fewer than four payments per block cannot
//! burst and share a rate: the rest of a gateway. Slices that cut through routes vary less. Retries are independent; the correlation of
//! payments makes up for them.
//!
//! The beta variable is never drawn. Its Pólya urn gives the same joint law one payment at a time (Eggenberger and Pólya
//! 1923; Johnson and Kotz 1977): with `s` successes among `n` payments so far, the next one's chance is (m z + s) / (z + n),
//! where m is the mean and z = 1/r - 1. Cost: one division per payment, against 0.3 us per route and block for gamma draws.
//! The urn sees what *would* have happened without incidents, so that an incident moves no other payment.

use crate::world::{Route, sway};

/// Largest correlation within a block.
const CORRELATION_MAX: f64 = 0.5;

/// The urns of a block, one per route.
#[derive(Clone, Debug)]
pub(crate) struct Urns {
    urns: Vec<Urn>,
}

#[derive(Clone, Copy, Debug)]
struct Urn {
    mean: f64,
    /// Mean times its size (1/correlation - 1) at the block's volume, plus the successes so far.
    successes: f64,
    /// That size plus the payments so far; infinite without bursts.
    size: f64,
}

impl Urns {
    pub(crate) fn new(routes: &[Route]) -> Self {
        let urn = |route: &Route| Urn { mean: route.mean, successes: 0.0, size: f64::INFINITY };
        Self { urns: routes.iter().map(urn).collect() }
    }

    /// A new block at this volume.
    pub(crate) fn refill(&mut self, routes: &[Route], volume: f64) {
        for (urn, route) in self.urns.iter_mut().zip(routes) {
            let correlation = (route.correlation / (route.payments * volume)).min(CORRELATION_MAX);
            urn.size = if correlation > 0.0 { 1.0 / correlation - 1.0 } else { f64::INFINITY };
            urn.successes = urn.mean * urn.size;
        }
    }

    /// How much this block adds to the chance of a payment whose chance is `p` on average.
    #[inline]
    pub(crate) fn shift(&self, route: u16, p: f64) -> f64 {
        let urn = &self.urns[usize::from(route)];
        if urn.size == f64::INFINITY {
            return 0.0;
        }
        (urn.successes / urn.size - urn.mean) * sway(p, urn.mean)
    }

    /// Lets the block learn from a payment, by the uniform number that decided it.
    #[inline]
    pub(crate) fn put(&mut self, route: u16, uniform: f64) {
        let urn = &mut self.urns[usize::from(route)];
        if urn.size < f64::INFINITY {
            let success = uniform * urn.size < urn.successes;
            urn.successes += f64::from(u8::from(success));
            urn.size += 1.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stats::stream::Stream;

    #[test]
    fn an_urn_is_beta_binomial() {
        let (n, m, factor) = (12, 0.8, 1.5);
        let routes = [Route { mean: m, payments: f64::from(n), correlation: factor - 1.0 }];
        let mut urns = Urns::new(&routes);
        let mut draws = Stream::named(1, "urn");
        let runs = 40_000;
        let (mut sum, mut squares) = (0.0, 0.0);
        for _ in 0..runs {
            urns.refill(&routes, 1.0);
            let mut successes = 0.0;
            for _ in 0..n {
                let uniform = draws.uniform();
                successes += f64::from(u8::from(uniform < m + urns.shift(0, m)));
                urns.put(0, uniform);
            }
            sum += successes;
            squares += successes * successes;
        }
        let mean = sum / f64::from(runs);
        let variance = squares / f64::from(runs) - mean * mean;
        let n = f64::from(n);
        assert!((mean / n - m).abs() < 0.002, "{mean}");
        let want = n * m * (1.0 - m) * (1.0 + (n - 1.0) * (factor - 1.0) / n);
        assert!((variance / want - 1.0).abs() < 0.04, "{variance} {want}");
    }
}
