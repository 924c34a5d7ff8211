//! A lower confidence sequence for the running mean of what is bounded below only.
//!
//! **Problem.** Importance weights are large and rare. An interval that needs an upper bound on them is as wide as that bound, and one that
//! trusts the normal limit is wrong long before it is wide.
//!
//! **Method.** Values phi >= -k with conditional means in [0, m], divided by k + m, and a predictable guess g of their mean in the same range: then
//! phi - g >= -1, and (Fan, Grama and Liu 2015; Waudby-Smith, Wu, Ramdas, Karampatziakis and Mineiro 2022, arXiv 2210.10768) for every
//! bet 0 <= l < 1
//!
//! ```text
//! exp(l (S_n - M_n) - psi(l) V_n),   S = sum phi,  V = sum (phi - g)^2,  M = sum of the conditional means,  psi(l) = -ln(1 - l) - l
//! ```
//!
//! is a nonnegative supermartingale that begins at 1, and so is a mixture over bets. The bets are a geometric grid, whatever the scale of the data: one
//! of them is within a fifth of the best at any time that matters.
//!
//! **Guarantee.** P(the bound ever exceeds M_n / n) <= alpha (Ville 1939), whatever the stopping time, for means that change as they like. No upper bound on
//! the values is used. Bounds of different times aren't intersected, because the mean that they bound may move.
//!
//! **Cost.** An update is a dozen operations, a bound some fifty mixtures of 32 bets, 15 us.

use libm::{log, log1p};

use crate::elementary::exp_each;

const BETS: usize = 32;
/// The largest bet, and the ratio from one to the next: the smallest is 1.4e-5.
const BET_MAX: f64 = 0.8;
const BET_RATIO: f64 = 0.7;

/// Sums of one sequence.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LowerBound {
    scale: f64,
    mean_max: f64,
    n: f64,
    sum: f64,
    spread: f64,
}

impl LowerBound {
    /// For values of at least `-deficit_max` with means in [0, `mean_max`].
    pub fn new(deficit_max: f64, mean_max: f64) -> Self {
        assert!(deficit_max >= 0.0 && mean_max > 0.0, "{deficit_max}, {mean_max}");
        let scale = 1.0 / (deficit_max + mean_max);
        Self { scale, mean_max, n: 0.0, sum: 0.0, spread: 0.0 }
    }

    /// The next value.
    pub fn push(&mut self, value: f64) {
        debug_assert!(value * self.scale >= self.mean_max * self.scale - 1.0 - 1e-9, "{value}");
        let guess = (self.sum + 0.5 * self.mean_max) / (self.n + 1.0);
        let off = (value - guess.clamp(0.0, self.mean_max)) * self.scale;
        self.n += 1.0;
        self.sum += value;
        self.spread += off * off;
    }

    /// Whether "the running mean is at most `mean`" is refuted at this level.
    pub fn refutes(&self, mean: f64, alpha: f64) -> bool {
        let lead = (self.sum - self.n * mean) * self.scale;
        // No bet makes more than this.
        let most = lead * lead / (2.0 * self.spread);
        lead > 0.0 && most >= -log(alpha) && self.ln_e(mean) >= -log(alpha)
    }

    /// ln of the evidence against "the running mean is at most `mean`".
    pub fn ln_e(&self, mean: f64) -> f64 {
        let lead = (self.sum - self.n * mean) * self.scale;
        let mut bet = BET_MAX;
        let exponents: [f64; BETS] = std::array::from_fn(|_| {
            let ln = bet * lead + (log1p(-bet) + bet) * self.spread;
            bet *= BET_RATIO;
            ln
        });
        let most = exponents.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let whole: f64 = exp_each(exponents.map(|ln| ln - most)).iter().sum();
        most + log(whole / BETS as f64)
    }

    /// The greatest mean that is refuted: with probability 1 - `alpha` never above the running mean.
    pub fn lower(&self, alpha: f64) -> f64 {
        if !self.refutes(0.0, alpha) {
            return 0.0;
        }
        let (mut out, mut kept) = (0.0, (self.sum / self.n).max(0.0));
        while kept - out > 1e-12 * (1.0 + kept) {
            let middle = 0.5 * (out + kept);
            if self.ln_e(middle) >= -log(alpha) {
                out = middle;
            } else {
                kept = middle;
            }
        }
        out.min(self.mean_max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::Stream;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_step_is_never_expected_to_gain(mean in 0.0..=1.0_f64, top in 1.0..200.0_f64, deficit in 0.0..5.0_f64, seen in 0_usize..50) {
            // Two values, -deficit and top, of a mean in [0, 1]: the hardest case for a bet.
            let chance = (mean + deficit) / (top + deficit);
            let mut before = LowerBound::new(deficit, 1.0);
            (0..seen).for_each(|n| before.push(if n % 7 == 0 { top } else { -deficit }));
            let after = |value: f64| {
                let mut after = before;
                after.push(value);
                // Per bet and not only mixed: the increments of each exponent.
                let lead = (value - mean) * before.scale;
                let guess = ((before.sum + 0.5) / (before.n + 1.0)).clamp(0.0, 1.0);
                let off = (value - guess) * before.scale;
                [0.8, 0.3, 0.01].map(|bet: f64| libm::exp(bet * lead + (log1p(-bet) + bet) * off * off))
            };
            let (up, down) = (after(top), after(-deficit));
            for (up, down) in up.into_iter().zip(down) {
                prop_assert!(chance * up + (1.0 - chance) * down <= 1.0 + 1e-9);
            }
        }

        #[test]
        fn what_is_refuted_lies_below_the_bound(values in prop::collection::vec(0.0..9.0_f64, 1..300), mean in 0.0..1.0_f64) {
            let mut bound = LowerBound::new(0.0, 1.0);
            values.iter().for_each(|value| bound.push(*value));
            let lower = bound.lower(0.05);
            if (mean - lower).abs() > 1e-9 {
                prop_assert_eq!(bound.refutes(mean, 0.05), mean < lower);
            }
        }
    }

    #[test]
    fn comes_close_to_the_mean() {
        let mut stream = Stream::named(3, "bound");
        let mut bound = LowerBound::new(0.0, 1.0);
        for _ in 0..100_000 {
            bound.push(if stream.bernoulli(0.1) { 7.0 } else { 0.0 });
        }
        // Four standard errors of 0.0066.
        assert!((0.7 - bound.lower(0.025) - 0.026).abs() < 0.01, "{}", bound.lower(0.025));
    }
}
