//! How much a healthy cell's rate wobbles beyond binomial chance.
//!
//! Retries, bursts and a hundred small things make counts scatter more than their binomial. The
//! measure used here is the standard deviation of the log-odds, one figure for all cells. It is
//! the value at which the *median* squared residual is what a chi-square of one degree of freedom
//! has: nearly half of all samples may be from incidents and it still stands.

use super::LeafCell;

/// A count of one cell in one window, beside what its baseline expected.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NoiseSample {
    /// Attempts with an outcome.
    pub attempts: u64,
    /// Bad ones.
    pub bad: u64,
    /// Bad ones expected.
    pub expected_bad: f64,
    /// How many attempts that expectation was learnt from; infinity where it is known.
    pub baseline_attempts: f64,
}

impl NoiseSample {
    /// A cell of the window that is judged.
    pub(super) fn of(cell: &LeafCell) -> Self {
        Self {
            attempts: cell.attempts,
            bad: cell.bad,
            expected_bad: cell.expected_bad,
            baseline_attempts: cell.baseline_attempts,
        }
    }
}

/// Median of the chi-square distribution with one degree of freedom.
const CHI_SQUARE_MEDIAN: f64 = 0.454_936;

/// Below this binomial variance a count is too coarse for its residual to say anything.
const VARIANCE_MIN: f64 = 3.0;

/// Fewer samples than this and `fallback` is answered.
const SAMPLES_MIN: usize = 10;

/// Wobble is never taken to be nothing, nor to be more than a factor of e^2 in the odds.
const RANGE: (f64, f64) = (0.02, 2.0);

/// Standard deviation of healthy cells' log-odds beyond binomial chance.
pub fn noise_sd(samples: impl IntoIterator<Item = NoiseSample>, fallback: f64) -> f64 {
    // The scaled square z^2 / (v + v^2 sd^2) falls as sd grows, so its median is the chi-square's
    // where sd^2 is the median of each sample's own solution.
    let mut solutions: Vec<f64> = samples
        .into_iter()
        .filter(|sample| sample.attempts > 0)
        .filter_map(|sample| {
            let rate = sample.expected_bad / sample.attempts as f64;
            let variance = sample.expected_bad * (1.0 - rate);
            let residual = sample.bad as f64 - sample.expected_bad;
            // The error of the expectation scatters the residual as well.
            let share = 1.0 / (1.0 + sample.attempts as f64 / sample.baseline_attempts);
            let square = residual * residual * share / CHI_SQUARE_MEDIAN;
            (variance > VARIANCE_MIN).then_some((square - variance) / (variance * variance))
        })
        .collect();
    if solutions.len() < SAMPLES_MIN {
        return fallback;
    }
    let middle = solutions.len() / 2;
    let median = *solutions.select_nth_unstable_by(middle, f64::total_cmp).1;
    median.max(0.0).sqrt().clamp(RANGE.0, RANGE.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Residuals at the normal quantiles of (i + 1/2) / n: a sample without luck.
    fn samples(sd: f64, outliers: usize) -> Vec<NoiseSample> {
        let n = 400;
        (0..n)
            .map(|i| {
                let u = (i as f64 + 0.5) / n as f64;
                // Logistic approximation of the normal quantile, good to a few per cent.
                let z = libm::log(u / (1.0 - u)) / 1.702;
                let (attempts, expected) = (10_000, 1_000.0);
                let variance: f64 = 900.0;
                let spread = (variance + (variance * sd) * (variance * sd)).sqrt();
                let jump = if i < outliers { 4_000.0 } else { 0.0 };
                let bad = (expected + z * spread + jump).clamp(0.0, 10_000.0).round() as u64;
                NoiseSample {
                    attempts,
                    bad,
                    expected_bad: expected,
                    baseline_attempts: f64::INFINITY,
                }
            })
            .collect()
    }

    #[test]
    fn finds_the_wobble() {
        for sd in [0.05, 0.1, 0.3] {
            let found = noise_sd(samples(sd, 0), 1.0);
            assert!((found / sd - 1.0).abs() < 0.2, "{sd} {found}");
        }
        assert!(noise_sd(samples(0.0, 0), 1.0) < 0.03);
    }

    #[test]
    fn incidents_in_the_past_move_it_little() {
        let clean = noise_sd(samples(0.1, 0), 1.0);
        let dirty = noise_sd(samples(0.1, 80), 1.0);
        assert!(dirty < 1.6 * clean, "{clean} {dirty}");
    }

    #[test]
    fn too_few_samples_answer_the_fallback() {
        assert_eq!(noise_sd(samples(0.1, 0).into_iter().take(5), 0.3), 0.3);
    }
}
