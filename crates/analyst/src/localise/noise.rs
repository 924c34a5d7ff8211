//! How much a healthy cell's rate wobbles beyond binomial chance.
//!
//! Retries, bursts and a hundred small things make counts scatter more than their binomial. The
//! measure used here is the standard deviation of the log-odds, one figure for all cells. It is
//! the value at which the *median* squared residual is what a chi-square of one degree of freedom
//! has: half of all samples may be from incidents and it still stands.

/// A count of one cell in one past window, beside what its baseline expected.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NoiseSample {
    /// Attempts with an outcome.
    pub attempts: u64,
    /// Bad ones.
    pub bad: u64,
    /// Bad ones expected.
    pub expected_bad: f64,
}

/// Median of the chi-square distribution with one degree of freedom.
const CHI_SQUARE_MEDIAN: f64 = 0.454_936;

/// Below this binomial variance a count is too coarse for its residual to say anything.
const VARIANCE_MIN: f64 = 3.0;

/// Fewer samples than this and `fallback` is answered.
const SAMPLES_MIN: usize = 10;

/// Wobble is never taken to be nothing, nor to be more than a factor of e^2 in the odds.
const RANGE: (f64, f64) = (0.02, 2.0);

/// Standard deviation of healthy cells' log-odds beyond binomial chance, by samples of the past.
pub fn noise_sd(samples: impl IntoIterator<Item = NoiseSample>, fallback: f64) -> f64 {
    let usable: Vec<(f64, f64)> = samples
        .into_iter()
        .filter(|sample| sample.attempts > 0)
        .filter_map(|sample| {
            let rate = sample.expected_bad / sample.attempts as f64;
            let variance = sample.expected_bad * (1.0 - rate);
            let residual = sample.bad as f64 - sample.expected_bad;
            (variance > VARIANCE_MIN).then_some((residual * residual, variance))
        })
        .collect();
    if usable.len() < SAMPLES_MIN {
        return fallback;
    }
    let mut scaled = vec![0.0; usable.len()];
    let mut median = |sd: f64| {
        for (s, (square, variance)) in scaled.iter_mut().zip(&usable) {
            *s = square / (variance + variance * variance * sd * sd);
        }
        let middle = scaled.len() / 2;
        *scaled.select_nth_unstable_by(middle, f64::total_cmp).1
    };
    let (mut low, mut high) = RANGE;
    if median(low) <= CHI_SQUARE_MEDIAN {
        return low;
    }
    // The median falls as sd grows; 30 halvings are beyond what the samples can tell.
    for _ in 0..30 {
        let middle = 0.5 * (low + high);
        if median(middle) > CHI_SQUARE_MEDIAN {
            low = middle;
        } else {
            high = middle;
        }
    }
    0.5 * (low + high)
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
                NoiseSample { attempts, bad, expected_bad: expected }
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
