//! How much one cell speaks for a shift of its failure rate: log likelihood ratios over a grid.
//!
//! The rate of a cell in this window is random: its log-odds scatter around the expected ones with
//! a standard deviation `sd`, as a beta distribution of the same mean and (to first order) the same
//! spread, so the count is beta-binomial:
//!
//! * healthy: `sd^2 = noise^2 + 1 / (m q (1 - q))`, the second term being the error of a baseline
//!   rate `q` learnt from `m` attempts;
//! * hit: the mean moves by `shift`, and `sd^2` grows by `(unevenness x shift)^2`.
//!
//! The grid is averaged, not maximised: the average of likelihood ratios is a Bayes factor and
//! pays for its own freedom. Units: nats.

use stats::elementary::ln_each;

use super::LeafCell;

/// Common shifts of the log-odds, each twice the one before: from a quarter (4 % failing become
/// 5 %) to fifty times as many. Between two of them no evidence worth mentioning is lost.
pub(super) const SHIFTS: [f64; 5] = [0.25, 0.5, 1.0, 2.0, 4.0];

/// Common shares of what should have been approved that now fail. Below a quarter they are told
/// from shifts of the log-odds by nothing.
pub(super) const SHARES: [f64; 3] = [1.0 / 4.0, 1.0 / 2.0, 15.0 / 16.0];

/// How differently a cause hits the cells of its slice: standard deviation as a share of the shift.
/// No fault hits all cells quite alike, and a quarter also bridges the gaps of the grid.
const UNEVENNESS: f64 = 0.25;

/// Size of the grid.
pub(super) const GRID: usize = SHIFTS.len() + SHARES.len();

/// Log likelihood ratio of a cell against health at each point of the grid.
pub(super) type Evidence = [f64; GRID];

/// Rates closer to 0 or 1 than this are not told apart from it.
const RATE_MARGIN: f64 = 1e-6;

/// A beta distribution is never made more spread than the uniform one, nor so narrow that the
/// Stirling series of its parameters cancel (the likelihood is binomial long before).
const PRECISION_RANGE: (f64, f64) = (1.0, 1e9);

/// Computes the evidence of cells under one noise.
pub(super) struct Shifts {
    noise_variance: f64,
    odds_factors: [f64; SHIFTS.len()],
}

impl Shifts {
    pub fn new(noise_sd: f64) -> Self {
        Self { noise_variance: noise_sd * noise_sd, odds_factors: SHIFTS.map(libm::exp) }
    }

    /// The evidence of one cell.
    pub fn evidence(&self, cell: &LeafCell) -> Evidence {
        let count = Count { attempts: cell.attempts, bad: cell.bad };
        let q = (cell.expected_bad / cell.attempts as f64).clamp(RATE_MARGIN, 1.0 - RATE_MARGIN);
        let odds = q / (1.0 - q);
        let hit: [f64; GRID] = std::array::from_fn(|i| {
            let rate = match self.odds_factors.get(i) {
                Some(factor) => odds * factor / (1.0 + odds * factor),
                None => q + SHARES[i - SHIFTS.len()] * (1.0 - q),
            };
            rate.min(1.0 - RATE_MARGIN)
        });
        if cell.attempts == 1 {
            // One attempt shows a mean and no spread.
            let of = |p: f64| if cell.bad == 1 { p } else { 1.0 - p };
            let healthy = 1.0 / of(q);
            return ln_each(hit.map(|p| of(p) * healthy));
        }
        let variance =
            self.noise_variance + 1.0 / (cell.baseline_attempts.max(1.0) * q * (1.0 - q));
        let [healthy] = count.ln_likelihood([q], [variance]);
        let lost: [f64; SHARES.len()] = std::array::from_fn(|i| {
            let p = hit[SHIFTS.len() + i];
            p / ((1.0 - p) * odds)
        });
        let lost = ln_each(lost);
        let spread: [f64; GRID] = std::array::from_fn(|i| {
            let shift = SHIFTS.get(i).copied().unwrap_or_else(|| lost[i - SHIFTS.len()]);
            variance + (UNEVENNESS * shift) * (UNEVENNESS * shift)
        });
        count.ln_likelihood(hit, spread).map(|likelihood| likelihood - healthy)
    }
}

/// ln of the mean over the grid of `exp(sums)`.
pub(super) fn ln_mean_exp(sums: &[f64]) -> f64 {
    let top = sums.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if !top.is_finite() {
        return top;
    }
    let sum: f64 =
        sums.iter().map(|&s| if s < top - 40.0 { 0.0 } else { libm::exp(s - top) }).sum();
    top + libm::log(sum / sums.len() as f64)
}

/// `bad` of `attempts`.
#[derive(Clone, Copy)]
struct Count {
    attempts: u64,
    bad: u64,
}

impl Count {
    /// ln of the beta-binomial likelihood without the binomial coefficient, for rates of mean `p`
    /// whose log-odds have these variances.
    #[inline]
    fn ln_likelihood<const M: usize>(self, p: [f64; M], log_odds_variance: [f64; M]) -> [f64; M] {
        // A beta of mean p and precision s has variance p (1 - p) / (s + 1); the log-odds'
        // variance maps to (p (1 - p))^2 times itself.
        let precision: [f64; M] = std::array::from_fn(|j| {
            (1.0 / (p[j] * (1.0 - p[j]) * log_odds_variance[j]) - 1.0)
                .clamp(PRECISION_RANGE.0, PRECISION_RANGE.1)
        });
        let alpha: [f64; M] = std::array::from_fn(|j| p[j] * precision[j]);
        let beta: [f64; M] = std::array::from_fn(|j| (1.0 - p[j]) * precision[j]);
        let good = self.attempts - self.bad;
        if self.attempts <= PRODUCT_MAX {
            let (a, b) = (rising(alpha, self.bad), rising(beta, good));
            let all = rising(precision, self.attempts);
            return ln_each(std::array::from_fn(|j| a[j] * b[j] / all[j]));
        }
        let (a, b) = (ln_rising(alpha, self.bad), ln_rising(beta, good));
        let all = ln_rising(precision, self.attempts);
        std::array::from_fn(|j| a[j] + b[j] - all[j])
    }
}

/// Up to here a rising factorial is multiplied out: faster, and far from overflow.
const PRODUCT_MAX: u64 = 8;

/// `x (x + 1) ... (x + k - 1)` of each.
#[inline]
fn rising<const M: usize>(x: [f64; M], k: u64) -> [f64; M] {
    (0..k).fold([1.0; M], |product, i| std::array::from_fn(|j| product[j] * (x[j] + i as f64)))
}

/// ln of [`rising`]: beyond the product's eight factors by Stirling's series, which begins at 8 or more.
#[inline]
fn ln_rising<const M: usize>(x: [f64; M], k: u64) -> [f64; M] {
    let first = ln_each(rising(x, k.min(PRODUCT_MAX)));
    if k <= PRODUCT_MAX {
        return first;
    }
    let end = ln_gamma_stirling(x.map(|x| x + k as f64));
    let start = ln_gamma_stirling(x.map(|x| x + PRODUCT_MAX as f64));
    std::array::from_fn(|j| first[j] + end[j] - start[j])
}

/// ln gamma without its constant; for x >= 8 the error is below 1e-10.
#[inline]
fn ln_gamma_stirling<const M: usize>(x: [f64; M]) -> [f64; M] {
    let ln = ln_each(x);
    std::array::from_fn(|j| {
        let r = 1.0 / x[j];
        let r2 = r * r;
        (x[j] - 0.5) * ln[j] - x[j] + r * (1.0 / 12.0 - r2 * (1.0 / 360.0 - r2 * (1.0 / 1260.0)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cell(attempts: u64, bad: u64, rate: f64, baseline_attempts: f64) -> LeafCell {
        LeafCell {
            values: Box::new([0]),
            attempts,
            bad,
            expected_bad: attempts as f64 * rate,
            baseline_attempts,
        }
    }

    proptest! {
        /// A likelihood sums to one over the counts, binomial coefficients put back.
        #[test]
        fn likelihood_is_a_distribution(n in 1u64..60, p in 0.001f64..0.999, sd in 0.01f64..2.0) {
            let total: f64 = (0..=n)
                .map(|b| {
                    let choose = libm::lgamma(n as f64 + 1.0)
                        - libm::lgamma(b as f64 + 1.0)
                        - libm::lgamma((n - b) as f64 + 1.0);
                    let [likelihood] = Count { attempts: n, bad: b }.ln_likelihood([p], [sd * sd]);
                    libm::exp(choose + likelihood)
                })
                .sum();
            prop_assert!((total - 1.0).abs() < 1e-6, "{total}");
        }

        /// The mean of a likelihood ratio under health is one: the guarantee rests on it.
        #[test]
        fn ratio_has_mean_one_under_health(n in 1u64..40, q in 0.01f64..0.9, noise in 0.01f64..0.5) {
            let mut mean = [0.0; GRID];
            let variance = noise * noise + 1.0 / (200.0 * q * (1.0 - q));
            for b in 0..=n {
                let choose = libm::lgamma(n as f64 + 1.0)
                    - libm::lgamma(b as f64 + 1.0)
                    - libm::lgamma((n - b) as f64 + 1.0);
                let [likelihood] = Count { attempts: n, bad: b }.ln_likelihood([q], [variance]);
                let healthy = choose + likelihood;
                for (m, e) in mean.iter_mut().zip(Shifts::new(noise).evidence(&cell(n, b, q, 200.0))) {
                    *m += libm::exp(healthy + e);
                }
            }
            for m in mean {
                prop_assert!((m - 1.0).abs() < 1e-6, "{m}");
            }
        }
    }

    #[test]
    fn rising_factorials_agree_with_ln_gamma() {
        for x in [1e-4, 0.3, 2.0, 7.9, 8.1, 150.0, 1e6] {
            for k in [0, 1, 8, 9, 40, 5_000] {
                let want = libm::lgamma(x + k as f64) - libm::lgamma(x);
                let [got] = ln_rising([x], k);
                assert!((got - want).abs() < 1e-8 * (1.0 + want.abs()), "{x} {k}");
            }
        }
    }

    #[test]
    fn noise_caps_what_one_huge_cell_can_say() {
        // 2 % expected, 2.4 % seen in a million: certain without noise, unremarkable with 20 %.
        let huge = cell(1_000_000, 24_000, 0.02, f64::INFINITY);
        let best = |noise| ln_mean_exp(&Shifts::new(noise).evidence(&huge));
        assert!(best(0.01) > 100.0);
        assert!(best(0.2) < 1.0);
    }

    #[test]
    fn a_poorly_known_baseline_says_less() {
        let best = |known| ln_mean_exp(&Shifts::new(0.05).evidence(&cell(200, 30, 0.05, known)));
        assert!(best(f64::INFINITY) > 10.0);
        assert!(best(20.0) < 3.0);
    }
}
