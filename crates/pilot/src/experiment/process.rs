//! Products of bets: what of an e-value carries over, and from when on it counts.
//!
//! **Method.** Each alternative has its own product; the e-value is their weighted mean (method of mixtures), so that a bad guess of the effect costs the
//! logarithm of its weight and no more. Two ways to start:
//! - [`Start::Once`]: one product from the beginning. For promotion: the question is whether this plan helps.
//! - [`Start::AnyTime`]: a mean over starting times too, with weights `1/ln(e + j) - 1/ln(e + j + 1)` that sum to exactly 1. For harm and
//!   recovery, which may begin long after the intervention did: a single product would by then lie a hundred nats under water. Recursively
//!   `R <- (R + w_j) * factor`, as in Shiryaev-Roberts, and what hasn't started yet counts 1. A start at cohort j costs about ln(j ln^2 j) nats, six after ten minutes.
//!
//! **Guarantee.** Means of nonnegative martingales that begin at 1: P(ever >= 1/alpha) <= alpha under the claim (Ville 1939), whatever the shares of the steps
//! did meanwhile, as long as each was fixed before its payments were decided.

use libm::{exp, log, log1p};
use serde::{Deserialize, Serialize};

/// ln of nothing, still a number in JSON.
const LN_ZERO: f64 = -1e300;

/// From when on a product counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Start {
    /// From the beginning.
    Once,
    /// From any cohort on, averaged.
    AnyTime,
}

/// Weighted products of `K` alternatives.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Process<const K: usize> {
    start: Start,
    cohorts: u64,
    ln: Vec<f64>,
}

impl<const K: usize> Process<K> {
    /// Before any payment.
    pub fn new(start: Start) -> Self {
        let first = if start == Start::Once { 0.0 } else { LN_ZERO };
        Self { start, cohorts: 0, ln: vec![first; K] }
    }

    /// Takes in a cohort by the ln of its factor under each alternative.
    pub fn advance(&mut self, ln_factors: &[f64; K]) {
        let ln_started = match self.start {
            Start::Once => LN_ZERO,
            Start::AnyTime => log(waiting(self.cohorts) - waiting(self.cohorts + 1)),
        };
        for (ln, factor) in self.ln.iter_mut().zip(ln_factors) {
            *ln = (ln_sum(*ln, ln_started) + factor).max(LN_ZERO);
        }
        self.cohorts += 1;
    }

    /// ln of the e-value under these weights, which sum to 1.
    pub fn ln_e(&self, weights: &[f64; K]) -> f64 {
        let mixed = self
            .ln
            .iter()
            .zip(weights)
            .fold(LN_ZERO, |sum, (ln, weight)| ln_sum(sum, ln + log(*weight)));
        match self.start {
            Start::Once => mixed,
            Start::AnyTime => ln_sum(mixed, log(waiting(self.cohorts))),
        }
    }
}

/// Weight of all starts from cohort `j` on.
fn waiting(j: u64) -> f64 {
    1.0 / log(std::f64::consts::E + j as f64)
}

fn ln_sum(a: f64, b: f64) -> f64 {
    let (high, low) = if a >= b { (a, b) } else { (b, a) };
    if high - low > 700.0 { high } else { high + log1p(exp(low - high)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn factors_of_one_leave_an_e_value_of_one(cohorts in 0_usize..500, once in any::<bool>()) {
            let mut process = Process::<2>::new(if once { Start::Once } else { Start::AnyTime });
            for _ in 0..cohorts {
                process.advance(&[0.0, 0.0]);
            }
            prop_assert!(process.ln_e(&[0.5, 0.5]).abs() < 1e-9);
        }

        #[test]
        fn more_evidence_is_more(factors in prop::collection::vec(-2.0..2.0_f64, 1..50), place in 0_usize..50, once in any::<bool>()) {
            let run = |factors: &[f64]| {
                let mut process = Process::<1>::new(if once { Start::Once } else { Start::AnyTime });
                factors.iter().for_each(|factor| process.advance(&[*factor]));
                process.ln_e(&[1.0])
            };
            let mut better = factors.clone();
            let place = place % factors.len();
            better[place] += 0.5;
            prop_assert!(run(&better) >= run(&factors));
        }
    }

    #[test]
    fn a_late_change_is_not_drowned() {
        let late = |start| {
            let mut process = Process::<1>::new(start);
            for cohort in 0..700 {
                process.advance(&[if cohort < 600 { -0.3 } else { 0.3 }]);
            }
            process.ln_e(&[1.0])
        };
        assert!(late(Start::Once) < -100.0);
        assert!(late(Start::AnyTime) > 20.0);
    }
}
