//! What a detector bets on: a few sizes of change with their weights.
//!
//! The delay against a change of a given size is about (ln(A / weight_j) + const) / (drift of bet j under that change), so a bet
//! too far from it pays in drift and a bet too light pays at the start. What makes one grid serve every expectation is
//! the scale. In *lost shares* f ("of what should succeed, the share f fails": p1 = p0 (1 - f), the severity of an outage) drops of 2
//! to 60 points are f = 0.021 to 0.63 at 95 %, 0.025 to 0.75 at 80 %: the same bets at work. As odds ratios they
//! are 0.70 to 0.03 at 95 % but 0.89 to 0.06 at 80 %, and a quarter of the weight idles at either rate (eight bets so placed:
//! 1.27 times the delay of CUSUM at worst, against 1.24). A lost share follows the season as an odds ratio does.
//!
//! The constants are the minimax over drops of 2 to 60 points from 80, 90 and 95 %, and of at most two payments
//! more beyond that, found by random search from an even grid in ln f; `bench detect` prints them with what they reach.

use crate::elementary::{exp_each, ln_each};

use super::overdispersed;

/// Which way a success rate is bet to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    Drop,
    Rise,
}

/// Bets on the success rate of a Bernoulli stream, as shares lost against the expectation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bets<const N: usize> {
    direction: Direction,
    lost: [f64; N],
    ln_kept: [f64; N],
    weights: [f64; N],
}

impl Bets<8> {
    /// Eight bets on a drop: a fortieth of the successes lost, up to nearly all of them.
    pub fn drop() -> Self {
        Self::on_drop(
            [0.0235, 0.046, 0.066, 0.105, 0.18, 0.32, 0.59, 0.88],
            [0.20, 0.12, 0.08, 0.09, 0.105, 0.085, 0.10, 0.22],
        )
    }
}

impl Bets<4> {
    /// Four bets on a drop, for signals that back up another one.
    pub fn drop_coarse() -> Self {
        Self::on_drop([0.035, 0.11, 0.33, 0.85], [0.3, 0.2, 0.2, 0.3])
    }

    /// Four bets on a rise: `drop_coarse` for the share of what does *not* happen.
    pub fn rise() -> Self {
        Self { direction: Direction::Rise, ..Self::drop_coarse() }
    }
}

impl<const N: usize> Bets<N> {
    /// Bets on a drop by which these shares of the successes are lost, each in (0, 1); weights are scaled to sum
    /// to one.
    pub fn on_drop(lost: [f64; N], weights: [f64; N]) -> Self {
        assert!(lost.iter().all(|f| *f > 0.0 && *f < 1.0), "a lost share lies between 0 and 1");
        Self {
            direction: Direction::Drop,
            lost,
            ln_kept: lost.map(|f| libm::log1p(-f)),
            weights: scaled(weights),
        }
    }

    /// The same bets on a rise: of what should fail, these shares succeed.
    pub fn on_rise(gained: [f64; N], weights: [f64; N]) -> Self {
        Self { direction: Direction::Rise, ..Self::on_drop(gained, weights) }
    }

    /// The shares bet to be lost (or, on a rise, gained).
    pub fn lost(&self) -> &[f64; N] {
        &self.lost
    }

    /// The weights, which sum to one.
    pub fn weights(&self) -> &[f64; N] {
        &self.weights
    }

    /// Likelihood ratio of each bet for a tick of `n` attempts, `k` of them successes, where a share `p0` was expected
    /// (taken as at least 1e-6 away from 0 and 1) and the count's variance is `dispersion` times the binomial one.
    #[inline]
    pub fn likelihood_ratios(&self, n: f64, k: f64, p0: f64, dispersion: f64) -> [f64; N] {
        debug_assert!((0.0..=1.0).contains(&p0), "an expected share, got {p0}");
        debug_assert!(k >= 0.0 && k <= n, "{k} successes of {n}");
        debug_assert!(dispersion >= 1.0, "dispersion is at least 1, got {dispersion}");
        let p0 = p0.clamp(1e-6, 1.0 - 1e-6);
        let (k, p0) = match self.direction {
            Direction::Drop => (k, p0),
            Direction::Rise => (n - k, 1.0 - p0),
        };
        if let Some(size) = overdispersed::size(n, dispersion) {
            return overdispersed::likelihood_ratios(&self.lost, n, k, p0, size);
        }
        let odds = p0 / (1.0 - p0);
        let ln_failure = ln_each(self.lost.map(|f| 1.0 + f * odds));
        exp_each(std::array::from_fn(|j| k * self.ln_kept[j] + (n - k) * ln_failure[j]))
    }
}

/// Bets on the rate of a Poisson stream: ratios against the expected rate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RateBets<const N: usize> {
    ratios: [f64; N],
    ln_ratios: [f64; N],
    weights: [f64; N],
}

impl RateBets<8> {
    /// Four bets on less and four on more. Less traffic is the outage nobody reports: its bets go
    /// down to one attempt in twenty.
    pub fn both_ways() -> Self {
        Self::of(
            [0.05, 0.25, 0.55, 0.80, 1.25, 1.80, 3.0, 8.0],
            [0.15, 0.11, 0.11, 0.13, 0.13, 0.11, 0.11, 0.15],
        )
    }
}

impl<const N: usize> RateBets<N> {
    /// Bets on these ratios, each positive and not 1; weights are scaled to sum to one.
    pub fn of(ratios: [f64; N], weights: [f64; N]) -> Self {
        assert!(ratios.iter().all(|w| w.is_finite() && *w > 0.0 && *w != 1.0));
        Self { ratios, ln_ratios: ratios.map(libm::log), weights: scaled(weights) }
    }

    /// The ratios bet on.
    pub fn ratios(&self) -> &[f64; N] {
        &self.ratios
    }

    /// The weights, which sum to one.
    pub fn weights(&self) -> &[f64; N] {
        &self.weights
    }

    /// Likelihood ratio of each bet for a tick with `count` events where `mean` were expected and the
    /// count's variance is `dispersion` times its mean.
    ///
    /// Over-dispersed, the count is negative binomial: a Poisson whose mean is multiplied by a gamma
    /// burst of shape r = mean / (dispersion - 1), whatever the mean; LR = w^c ((r + mean) / (r + w mean))^(r + c).
    #[inline]
    pub fn likelihood_ratios(&self, mean: f64, count: f64, dispersion: f64) -> [f64; N] {
        debug_assert!(mean >= 0.0 && count >= 0.0, "{count} events, {mean} expected");
        debug_assert!(dispersion >= 1.0, "dispersion is at least 1, got {dispersion}");
        if dispersion > 1.0 + 1e-6 {
            let shape = mean / (dispersion - 1.0);
            let ln_means = ln_each(self.ratios.map(|w| (shape + mean) / (shape + w * mean)));
            return exp_each(std::array::from_fn(|j| {
                count * self.ln_ratios[j] + (shape + count) * ln_means[j]
            }));
        }
        exp_each(std::array::from_fn(|j| count * self.ln_ratios[j] - mean * (self.ratios[j] - 1.0)))
    }
}

fn scaled<const N: usize>(weights: [f64; N]) -> [f64; N] {
    assert!(weights.iter().all(|w| w.is_finite() && *w > 0.0), "weights are positive");
    let total: f64 = weights.iter().sum();
    weights.map(|w| w / total)
}

#[cfg(test)]
mod tests {
    use super::*;
    use libm::{exp, lgamma, log};
    use proptest::prelude::*;

    fn ln_choose(n: f64, k: f64) -> f64 {
        lgamma(n + 1.0) - lgamma(k + 1.0) - lgamma(n - k + 1.0)
    }

    fn binomial(n: f64, p: f64) -> impl Fn(f64) -> f64 {
        move |k| exp(ln_choose(n, k) + k * log(p) + (n - k) * log(1.0 - p))
    }

    fn beta_binomial(n: f64, p: f64, dispersion: f64) -> impl Fn(f64) -> f64 {
        let size = (n - dispersion) / (dispersion - 1.0);
        let (a, b) = (p * size, (1.0 - p) * size);
        let ln_beta = |a: f64, b: f64| lgamma(a) + lgamma(b) - lgamma(a + b);
        move |k| exp(ln_choose(n, k) + ln_beta(a + k, b + n - k) - ln_beta(a, b))
    }

    /// E[LR] of each bet where k follows `mass`.
    fn mean_ratios<const N: usize>(
        bets: &Bets<N>,
        n: u32,
        p0: f64,
        dispersion: f64,
        mass: impl Fn(f64) -> f64,
    ) -> [f64; N] {
        let mut mean = [0.0; N];
        for k in (0..=n).map(f64::from) {
            let lr = bets.likelihood_ratios(f64::from(n), k, p0, dispersion);
            for (mean, lr) in mean.iter_mut().zip(lr) {
                *mean += mass(k) * lr;
            }
        }
        mean
    }

    proptest! {
        #[test]
        fn a_tick_keeps_the_mean_under_no_change(n in 1_u32..60, p0 in 0.02..0.98_f64) {
            let mass = binomial(f64::from(n), p0);
            for mean in mean_ratios(&Bets::drop(), n, p0, 1.0, &mass) {
                prop_assert!((mean - 1.0).abs() < 1e-9, "{mean}");
            }
            for mean in mean_ratios(&Bets::rise(), n, p0, 1.0, &mass) {
                prop_assert!((mean - 1.0).abs() < 1e-9, "{mean}");
            }
        }

        #[test]
        fn a_better_rate_than_expected_never_gains(n in 1_u32..60, p0 in 0.02..0.9_f64, up in 0.0..0.09_f64) {
            for mean in mean_ratios(&Bets::drop(), n, p0, 1.0, binomial(f64::from(n), p0 + up)) {
                prop_assert!(mean <= 1.0 + 1e-9, "{mean}");
            }
        }

        /// Short ticks take the product form, long ones Stirling's series.
        #[test]
        fn an_overdispersed_tick_keeps_the_mean(n in 3_u32..200, p0 in 0.05..0.97_f64, part in 0.001..0.4_f64) {
            let dispersion = 1.0 + part * f64::from(n - 1);
            let mass = beta_binomial(f64::from(n), p0, dispersion);
            for mean in mean_ratios(&Bets::drop(), n, p0, dispersion, &mass) {
                prop_assert!((mean - 1.0).abs() < 1e-4, "{mean}");
            }
        }

        /// As long as the law assumed is bell-shaped; see `overdispersed`.
        #[test]
        fn assuming_too_much_dispersion_costs_little(n in 3_u32..100, p0 in 0.3..0.97_f64, bell in 2.0..20.0_f64) {
            let dispersion = 1.0 + f64::from(n - 1) / (1.0 + bell / (1.0 - p0).min(p0));
            for mean in mean_ratios(&Bets::drop(), n, p0, dispersion, binomial(f64::from(n), p0)) {
                prop_assert!(mean <= 1.05, "{mean}");
            }
        }

        #[test]
        fn poisson_bets_keep_the_mean(mu in 0.1..40.0_f64, dispersion in 1.0..4.0_f64) {
            let bets = RateBets::both_ways();
            let mut mean = [0.0; 8];
            let shape = mu / (dispersion - 1.0).max(1e-9);
            for c in (0..4_000).map(f64::from) {
                let ln_mass = if dispersion < 1.0 + 1e-6 {
                    c * log(mu) - mu - lgamma(c + 1.0)
                } else {
                    lgamma(shape + c) - lgamma(shape) - lgamma(c + 1.0)
                        + shape * log(shape / (shape + mu)) + c * log(mu / (shape + mu))
                };
                for (mean, lr) in mean.iter_mut().zip(bets.likelihood_ratios(mu, c, dispersion)) {
                    *mean += exp(ln_mass) * lr;
                }
            }
            // The bet on eight times the rate has its mass far out: its tail beyond 4,000 is cut off.
            for mean in mean { prop_assert!((mean - 1.0).abs() < 1e-5, "{mean}"); }
        }
    }

    #[test]
    fn weights_sum_to_one() {
        for total in [
            Bets::drop().weights().iter().sum::<f64>(),
            Bets::rise().weights().iter().sum(),
            RateBets::both_ways().weights().iter().sum(),
        ] {
            assert!((total - 1.0).abs() < 1e-12);
        }
    }
}
