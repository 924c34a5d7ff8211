//! What a detector bets on: a few sizes of change with their weights.
//!
//! The delay against a change of size d is about (ln(A / weight_j) + const) / (drift of bet j under d), so a
//! bet too far from d pays in drift and a bet too light pays in start-up. A grid spaced evenly in ln ln(odds)
//! keeps the drift near its best everywhere between two bets; the two ends carry more weight because
//! nothing beyond them helps out.

use crate::elementary::{exp_each, ln_each};

/// Bets on the odds of success of a Bernoulli stream: odds ratios against the expectation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bets<const N: usize> {
    odds_less_one: [f64; N],
    ln_odds: [f64; N],
    weights: [f64; N],
}

impl Bets<8> {
    /// Eight bets on a drop, from half a point below 80 % to a near-total outage.
    pub fn drop() -> Self {
        Self::of(
            [0.80, 0.66, 0.50, 0.33, 0.18, 0.085, 0.035, 0.012],
            [0.20, 0.11, 0.10, 0.10, 0.10, 0.11, 0.13, 0.15],
        )
    }
}

impl Bets<4> {
    /// Four bets on a drop, for signals that back up another one.
    pub fn drop_coarse() -> Self {
        Self::of([0.72, 0.40, 0.14, 0.03], [0.30, 0.22, 0.22, 0.26])
    }

    /// Four bets on a rise: `drop_coarse` seen from the failures' side.
    pub fn rise() -> Self {
        Self::of([0.72, 0.40, 0.14, 0.03].map(|w| 1.0 / w), [0.30, 0.22, 0.22, 0.26])
    }
}

impl<const N: usize> Bets<N> {
    /// Bets on these odds ratios (each positive and not 1); weights are scaled to sum to one.
    pub fn of(odds_ratios: [f64; N], weights: [f64; N]) -> Self {
        assert!(odds_ratios.iter().all(|w| w.is_finite() && *w > 0.0 && *w != 1.0));
        assert!(weights.iter().all(|w| w.is_finite() && *w > 0.0));
        let total: f64 = weights.iter().sum();
        Self {
            odds_less_one: odds_ratios.map(|w| w - 1.0),
            ln_odds: odds_ratios.map(libm::log),
            weights: weights.map(|w| w / total),
        }
    }

    /// The odds ratios.
    pub fn odds_ratios(&self) -> [f64; N] {
        self.odds_less_one.map(|w| w + 1.0)
    }

    /// The weights, which sum to one.
    pub fn weights(&self) -> &[f64; N] {
        &self.weights
    }

    /// Likelihood ratio of each bet for a tick of `n` attempts, `k` of them successes, `p0` expected,
    /// tempered by the tick's `dispersion` (variance over that of a binomial, at least 1).
    #[inline]
    pub fn likelihood_ratios(&self, n: f64, k: f64, p0: f64, dispersion: f64) -> [f64; N] {
        debug_assert!((0.0..=1.0).contains(&p0), "an expected share, got {p0}");
        debug_assert!(k >= 0.0 && k <= n, "{k} successes of {n}");
        debug_assert!(dispersion >= 1.0, "dispersion is at least 1, got {dispersion}");
        let per_phi = 1.0 / dispersion;
        let (k, n) = (k * per_phi, n * per_phi);
        let ln_mean = ln_each(self.odds_less_one.map(|w| 1.0 + p0 * w));
        exp_each(std::array::from_fn(|j| k * self.ln_odds[j] - n * ln_mean[j]))
    }
}

/// Bets on the rate of a Poisson stream: ratios against the expected rate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RateBets<const N: usize> {
    ratios_less_one: [f64; N],
    ln_ratios: [f64; N],
    weights: [f64; N],
}

impl RateBets<8> {
    /// Four bets on less and four on more. Less traffic is the outage nobody reports, so it
    /// carries half of the weight, as far down as one attempt in twenty.
    pub fn both_ways() -> Self {
        Self::of(
            [0.05, 0.25, 0.55, 0.80, 1.25, 1.80, 3.0, 8.0],
            [0.15, 0.11, 0.11, 0.13, 0.13, 0.11, 0.11, 0.15],
        )
    }
}

impl<const N: usize> RateBets<N> {
    /// Bets on these ratios (each positive and not 1); weights are scaled to sum to one.
    pub fn of(ratios: [f64; N], weights: [f64; N]) -> Self {
        let Bets { odds_less_one, ln_odds, weights } = Bets::of(ratios, weights);
        Self { ratios_less_one: odds_less_one, ln_ratios: ln_odds, weights }
    }

    /// The weights, which sum to one.
    pub fn weights(&self) -> &[f64; N] {
        &self.weights
    }

    /// Likelihood ratio of each bet for a tick with `count` events where `mean` were expected.
    #[inline]
    pub fn likelihood_ratios(&self, mean: f64, count: f64, dispersion: f64) -> [f64; N] {
        debug_assert!(mean >= 0.0 && count >= 0.0, "{count} events, {mean} expected");
        debug_assert!(dispersion >= 1.0, "dispersion is at least 1, got {dispersion}");
        let per_phi = 1.0 / dispersion;
        let (count, mean) = (count * per_phi, mean * per_phi);
        exp_each(std::array::from_fn(|j| {
            count * self.ln_ratios[j] - mean * self.ratios_less_one[j]
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// E[LR] over the binomial law of k.
    fn mean_ratio(bets: &Bets<8>, n: u32, p: f64, p0: f64) -> [f64; 8] {
        let mut mean = [0.0; 8];
        let mut ln_choose = 0.0;
        for k in 0..=n {
            let mass = libm::exp(
                ln_choose + f64::from(k) * libm::log(p) + f64::from(n - k) * libm::log(1.0 - p),
            );
            let lr = bets.likelihood_ratios(f64::from(n), f64::from(k), p0, 1.0);
            for j in 0..8 {
                mean[j] += mass * lr[j];
            }
            ln_choose += libm::log(f64::from(n - k)) - libm::log(f64::from(k + 1));
        }
        mean
    }

    proptest! {
        #[test]
        fn a_tick_keeps_the_mean_under_no_change(n in 1_u32..60, p0 in 0.02..0.98_f64) {
            for mean in mean_ratio(&Bets::drop(), n, p0, p0) {
                prop_assert!((mean - 1.0).abs() < 1e-10, "{mean}");
            }
        }

        #[test]
        fn a_better_rate_than_expected_never_gains(n in 1_u32..60, p0 in 0.02..0.9_f64, up in 0.0..0.09_f64) {
            for mean in mean_ratio(&Bets::drop(), n, p0 + up, p0) {
                prop_assert!(mean <= 1.0 + 1e-10, "{mean}");
            }
        }

        #[test]
        fn poisson_bets_keep_the_mean(mu in 0.1..40.0_f64) {
            let bets = RateBets::both_ways();
            let mut mean = [0.0; 8];
            let mut ln_mass = -mu;
            for c in 0..2_000 {
                let lr = bets.likelihood_ratios(mu, f64::from(c), 1.0);
                for j in 0..8 { mean[j] += libm::exp(ln_mass) * lr[j]; }
                ln_mass += libm::log(mu) - libm::log(f64::from(c + 1));
            }
            for m in mean { prop_assert!((m - 1.0).abs() < 1e-9, "{m}"); }
        }
    }

    #[test]
    fn weights_sum_to_one() {
        for total in [
            Bets::drop().weights().iter().sum::<f64>(),
            Bets::drop_coarse().weights().iter().sum(),
            Bets::rise().weights().iter().sum(),
            RateBets::both_ways().weights().iter().sum(),
        ] {
            assert!((total - 1.0).abs() < 1e-12);
        }
    }
}
