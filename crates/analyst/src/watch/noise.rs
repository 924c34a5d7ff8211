//! Over-dispersion of a slice, estimated and not assumed away.
//!
//! Retries, bursts and slow wander correlate attempts, so a tick's count varies more than a
//! binomial's. A detector that ignores it alarms every day. The factor phi = E[(k - e)^2] / V is
//! estimated at three time scales, because positively correlated ticks look independent at a short
//! scale and add up at a long one: ten seconds (bursts), a minute, ten minutes (wander); in units
//! of the tick where ticks are longer. The detectors take it as the dispersion of their
//! beta-binomial likelihood (`stats::edetector`), whose ratio has mean 1 under its own null.
//!
//! Robust: a window that an incident touched is not taken, and one window counts at most four
//! times the current estimate. A scale that has seen little leans on the next shorter one.

use serde::{Deserialize, Serialize};

/// Scales in units of the shortest.
pub const SCALES: [i64; 3] = [1, 6, 60];
/// What is expected before anything is known, for retries and bursts are the rule, and the windows
/// that this is worth.
const PRIOR: f64 = 1.3;
const PRIOR_WINDOWS: f64 = 6.0;
/// Past windows remembered: the error of a variance from as many is 10 %.
const MEMORY_WINDOWS: f64 = 200.0;
/// One window counts at most this many times the current estimate, and what that takes from the
/// mean of a chi-squared variable with one degree of freedom.
const OUTLIER: f64 = 4.0;
const OUTLIER_BIAS: f64 = 0.92;
/// Wander from window to window that is taken for granted, log-odds: a point at a rate of 70 %. It
/// matters for slices so busy that chance alone would be smaller.
const WANDER_SD: f64 = 0.05;
/// A window holds information about phi from this binomial variance on.
pub const VARIANCE_MIN: f64 = 1.0;

/// What goes beyond bursts this strong, and wander this wide (log-odds), is no noise: a small slice
/// that fails for hours must not learn its outage.
const MOST: f64 = 6.0;
const WANDER_MOST_SD: f64 = 0.15;

/// Time passed in which nothing was seen: the windows, by number, that are open at each scale stay open.
pub fn pass_over(windows_at: &mut [i64; 3], ms: i64, scale_ms: i64) {
    let begun = windows_at.iter_mut().zip(SCALES).filter(|(at, _)| **at != i64::MIN);
    for (at, length) in begun {
        *at = at.saturating_add(ms.div_euclid(scale_ms * length));
    }
}

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Scale {
    residual: f64,
    variance: f64,
    systematic: f64,
    sum: f64,
    weight: f64,
    typical: f64,
    windows: f64,
}

/// Dispersion of one stream of counts at three scales.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Noise {
    scales: [Scale; 3],
    /// What `at` answers, formed when a window closes.
    estimates: [f64; 3],
}

impl Default for Noise {
    fn default() -> Self {
        let mut noise = Self { scales: Default::default(), estimates: [1.0; 3] };
        noise.estimate();
        noise
    }
}

impl Noise {
    /// Adds a judged tick: residual and binomial variance, and the variance of the expectation
    /// itself (log-odds), which is the baseline's and not the stream's.
    pub fn add(&mut self, residual: f64, variance: f64, expectation_variance: f64) {
        for scale in &mut self.scales {
            scale.residual += residual;
            scale.variance += variance;
            scale.systematic = expectation_variance;
        }
    }

    /// Closes the window of a scale; `quiet` says that nothing speaks against learning from it.
    /// A window of less than `least` binomial variance is prolonged: too small to say anything, or cut
    /// short because failures piled up, which would count bad luck more than good.
    pub fn close(&mut self, scale: usize, quiet: bool, least: f64) {
        let current = self.at(scale);
        let scale = &mut self.scales[scale];
        if scale.variance < least && quiet {
            return;
        }
        if quiet {
            // The residual holds chance and the error of the expectation; what it is in units of
            // both tells of chance as far as chance is the larger part.
            let both = current + scale.variance * scale.systematic;
            let squared = scale.residual * scale.residual / (scale.variance * both);
            let weight = current / both;
            scale.sum += weight * current * squared.min(OUTLIER) / OUTLIER_BIAS;
            scale.weight += weight;
            scale.windows += 1.0;
            scale.typical += (scale.variance - scale.typical) / scale.windows.min(50.0);
            if scale.weight > MEMORY_WINDOWS {
                scale.sum *= 0.5;
                scale.weight *= 0.5;
            }
        }
        scale.residual = 0.0;
        scale.variance = 0.0;
        if quiet {
            self.estimate();
        }
    }

    /// Dispersion at a scale, at least 1: its windows, leaning on the next shorter scale, plus a quarter
    /// of a standard error, for an underestimate costs more than an overestimate.
    #[inline]
    pub fn at(&self, scale: usize) -> f64 {
        self.estimates[scale]
    }

    fn estimate(&mut self) {
        let mut estimate = PRIOR + self.scales[0].typical * WANDER_SD * WANDER_SD;
        for (scale, answer) in self.scales.iter().zip(&mut self.estimates) {
            let weight = scale.weight + PRIOR_WINDOWS;
            estimate = (scale.sum + PRIOR_WINDOWS * estimate) / weight;
            let most = MOST + scale.typical * WANDER_MOST_SD * WANDER_MOST_SD;
            let error = libm::sqrt(2.0 / weight);
            *answer = (estimate.min(most) * (1.0 + 0.25 * error)).max(1.0);
        }
    }

    /// Binomial variance of a typical window of a scale; 0 before the first.
    pub fn typical_variance(&self, scale: usize) -> f64 {
        self.scales[scale].typical
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_wander_that_short_windows_miss() {
        let mut noise = Noise::default();
        for i in 0..60_000_i64 {
            let wander = if i / 60 % 2 == 0 { 0.5 } else { -0.5 };
            let jitter = if i % 2 == 0 { 3.0 } else { -3.0 };
            noise.add(wander + jitter, 9.0, 0.0);
            for (scale, length) in SCALES.iter().enumerate() {
                if (i + 1) % length == 0 {
                    noise.close(scale, true, VARIANCE_MIN);
                }
            }
        }
        assert!(noise.at(0) < 1.2, "{}", noise.at(0));
        assert!(noise.at(2) > 1.5, "{}", noise.at(2));
    }

    #[test]
    fn never_below_one() {
        assert!(Noise::default().at(0) >= 1.0);
    }
}
