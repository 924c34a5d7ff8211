//! Likelihood ratios of a tick whose attempts share a burst.
//!
//! **Problem.** Retries and bursts make a tick's count vary more than a binomial. Dividing the log likelihood ratio by
//! the dispersion ("tempering") has mean 1 only near the expectation: under a beta-binomial of ten attempts at 90 % with variance
//! x 1.5, a tempered bet on half of the successes has mean 2.3 per tick, so its R grows without any change.
//!
//! **Method.** The beta-binomial's own ratio (Skellam 1948 for the law): the tick's rate is drawn from a beta law with mean p and
//! size s, p = p0 before and p0 (1 - f) after, with the same s = (n - phi) / (phi - 1), the intra-class correlation being
//! rho = 1 / (s + 1):
//!
//! ```text
//! LR = prod_{i<k} (s p1 + i) / (s p0 + i)  *  prod_{i<n-k} (s (1-p1) + i) / (s (1-p0) + i)
//! ```
//!
//! **Guarantee.** Mean exactly 1 under the law assumed. Where less dispersion is real than assumed, the mean is below 1 for a
//! bell-shaped law, and at worst 1.01, 1.04 and 1.10 where s (1 - p0) is 4, 2 and 1 (computed over n up to 300): an
//! L-shaped law says that most ticks have no failure at all, so that a few in every tick look like a change. More
//! dispersion than assumed breaks the guarantee as well, so estimate it (`dispersion`) and don't guess. Ticks are
//! taken as independent: they should not be shorter than the bursts.
//!
//! **Cost.** Up to 32 whole attempts the product itself, about 3 ns per attempt for eight bets and no transcendental; beyond, and for
//! fractional counts, Stirling's series to 1e-6, about 250 ns.

use crate::elementary::{exp_each, ln_each};

const PRODUCT_MAX: f64 = 32.0;

/// The beta law's size for a tick of `n` attempts, or `None` where a binomial will do: a single attempt can't be
/// over-dispersed, and below rho = 1e-6 nothing is left of it. A correlation above one half is taken as one half.
#[inline]
pub(super) fn size(n: f64, dispersion: f64) -> Option<f64> {
    if n <= 1.0 {
        return None;
    }
    let rho = (dispersion - 1.0) / (n - 1.0);
    (rho > 1e-6).then(|| 1.0 / rho.min(0.5) - 1.0)
}

/// Likelihood ratio of each bet on a lost share.
pub(super) fn likelihood_ratios<const N: usize>(
    lost: &[f64; N],
    n: f64,
    k: f64,
    p0: f64,
    size: f64,
) -> [f64; N] {
    let (a0, b0) = (size * p0, size * (1.0 - p0));
    let moved = lost.map(|f| f * a0);
    if n <= PRODUCT_MAX && libm::floor(k) == k && libm::floor(n) == n {
        let mut lr = [1.0; N];
        rise(&mut lr, a0, moved.map(|m| -m), k as u32);
        rise(&mut lr, b0, moved, (n - k) as u32);
        return lr;
    }
    let a = ln_rising(moved.map(|m| a0 - m), k);
    let b = ln_rising(moved.map(|m| b0 + m), n - k);
    let [null] = ln_rising([a0], k);
    let [null_b] = ln_rising([b0], n - k);
    exp_each(std::array::from_fn(|j| a[j] + b[j] - null - null_b))
}

/// Multiplies `lr` by prod_{i<m} (base + shift + i) / (base + i) = prod (1 + shift / (base + i)).
#[inline(always)]
fn rise<const N: usize>(lr: &mut [f64; N], base: f64, shift: [f64; N], m: u32) {
    for i in 0..m {
        let inverse = 1.0 / (base + f64::from(i));
        for j in 0..N {
            lr[j] *= 1.0 + shift[j] * inverse;
        }
    }
}

/// ln of the rising factorial x (x+1) ... (x+m-1) = lgamma(x + m) - lgamma(x), each shifted up by four so
/// that two terms of Stirling's series leave less than 1e-6.
#[inline(always)]
fn ln_rising<const N: usize>(x: [f64; N], m: f64) -> [f64; N] {
    let low = x.map(|x| x + 4.0);
    let high = low.map(|x| x + m);
    let series = |x: f64| (1.0 - 1.0 / (30.0 * x * x)) / (12.0 * x);
    let product = |x: f64| x * (x + 1.0) * (x + 2.0) * (x + 3.0);
    let ln_low = ln_each(low);
    let ln_high = ln_each(high);
    let ln_step = ln_each(x.map(|x| product(x) / product(x + m)));
    std::array::from_fn(|j| {
        (high[j] - 0.5) * ln_high[j] - (low[j] - 0.5) * ln_low[j] - m
            + (series(high[j]) - series(low[j]))
            + ln_step[j]
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn rising_factorials_keep_their_bound(x in 1e-3..1e5_f64, m in 0.0..1e4_f64) {
            let want = libm::lgamma(x + m) - libm::lgamma(x);
            let [got] = ln_rising([x], m);
            prop_assert!((got - want).abs() < 2e-6 + 1e-11 * want.abs(), "{got} for {want}");
        }

        #[test]
        fn both_forms_agree(n in 2_u32..=32, failed in 0_u32..=32, p0 in 0.01..0.99_f64, size in 1.0..1e5_f64) {
            let k = f64::from(n - failed.min(n));
            let lost = [0.02, 0.3, 0.9];
            let product = likelihood_ratios(&lost, n.into(), k, p0, size);
            // A count off by 1e-9 is not whole: the series answers.
            let series = likelihood_ratios(&lost, f64::from(n) + 1e-9, k, p0, size);
            for (p, s) in product.iter().zip(series) {
                prop_assert!((p / s - 1.0).abs() < 1e-4, "{p} and {s}");
            }
        }
    }
}
