//! Latencies by quantile: one uniform number per attempt, one table per gateway.
//!
//! A log-normal latency drawn by inversion keeps common random numbers: the same number gives a latency
//! that grows with the factor of an incident, attempt by attempt. The table holds 4,096 equal steps of
//! probability, joined by straight lines and cut at 1/8192 on both sides (3.7 standard deviations).

use libm::{erfc, exp, log};

const STEPS: usize = 4_096;

/// The standard normal quantile, by bisection (used to build tables only).
pub(crate) fn normal_quantile(p: f64) -> f64 {
    let (mut low, mut high) = (-8.0, 8.0);
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if 0.5 * erfc(-middle / core::f64::consts::SQRT_2) < p {
            low = middle
        } else {
            high = middle
        }
    }
    0.5 * (low + high)
}

/// Normal quantiles at the table's knots.
pub(crate) fn normal_knots() -> Vec<f64> {
    let edge = 0.5 / STEPS as f64;
    (0..=STEPS)
        .map(|i| normal_quantile((i as f64 / STEPS as f64).clamp(edge, 1.0 - edge)))
        .collect()
}

/// Quantiles of a positive variable at equal steps of probability.
#[derive(Clone, Debug)]
pub(crate) struct Quantiles(Vec<f32>);

impl Quantiles {
    pub(crate) fn log_normal(knots: &[f64], median: f64, sigma: f64) -> Self {
        let mu = log(median);
        Self(knots.iter().map(|z| exp(mu + sigma * z) as f32).collect())
    }

    /// The value at the probability `bits / 2^32`.
    #[inline]
    pub(crate) fn at(&self, bits: u32) -> f64 {
        let step = (bits >> 20) as usize;
        let within = f64::from(bits & 0xF_FFFF) * (1.0 / 1_048_576.0);
        let (low, high) = (f64::from(self.0[step]), f64::from(self.0[step + 1]));
        low + (high - low) * within
    }

    /// The probability of a value of at most this.
    pub(crate) fn share_below(&self, value: f64) -> f64 {
        let above = self.0.partition_point(|knot| f64::from(*knot) <= value);
        if above == 0 {
            return 0.0;
        }
        if above > STEPS {
            return 1.0;
        }
        let (low, high) = (f64::from(self.0[above - 1]), f64::from(self.0[above]));
        (above as f64 - 1.0 + (value - low) / (high - low)) / STEPS as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_and_shares_are_inverse() {
        let table = Quantiles::log_normal(&normal_knots(), 900.0, 0.5);
        for percent in 1_u32..100 {
            let bits = (f64::from(percent) / 100.0 * 4_294_967_296.0) as u32;
            let value = table.at(bits);
            let exact = exp(log(900.0) + 0.5 * normal_quantile(f64::from(percent) / 100.0));
            assert!((value / exact - 1.0).abs() < 1e-3, "{percent} {value} {exact}");
            assert!((table.share_below(value) - f64::from(percent) / 100.0).abs() < 1e-6);
        }
        assert_eq!(table.share_below(1.0), 0.0);
        assert_eq!(table.share_below(1e9), 1.0);
    }
}
