//! Season and slow drift of a rate, learnt on the log-odds scale.
//!
//! The problem: an error of half a point in the expected rate multiplies false alarms by fourteen,
//! one week of history holds every hour of the week only once, and the next day's expectation must
//! come with its own error. A mean per hour of the week has 168 parameters and an error of 0.6
//! points after a week at one attempt a second; a smooth season needs about 15.
//!
//! The method: a Bayesian dynamic logistic regression (West, Harrison, Migon 1985, *Dynamic
//! generalized linear models*, JASA 80) on an intercept, four harmonics of the day and three of the
//! week, as an extended Kalman filter. Harmonic j has a prior standard deviation that falls as 1/j:
//! what the data does not show stays flat. The intercept walks randomly (drift), the harmonics
//! slowly. The predictive variance x'Px is what the detector's guard is made of.
//!
//! Cost: 15^2 multiplications per learnt block of ten minutes, 2 KB per season.

use serde::{Deserialize, Serialize};

const DAY_MS: f64 = 86_400_000.0;
const WEEK_MS: f64 = 7.0 * DAY_MS;
/// Harmonics of the day: down to six hours.
const DAILY: usize = 4;
/// Harmonics of the week.
const WEEKLY: usize = 3;
const TERMS: usize = 1 + 2 * (DAILY + WEEKLY);
/// Prior standard deviations in log-odds: half a unit of level is 45 to 57 %, or 90 to 94 %.
const LEVEL_SD: f64 = 0.5;
const DAILY_SD: f64 = 0.15;
const WEEKLY_SD: f64 = 0.08;
/// A value's season differs from that of all traffic by this part of it.
const OWN_SHARE: f64 = 0.4;
/// How open the level is after an accepted shift.
const UNSETTLED_SD: f64 = 0.1;
/// Level of a value's season, where the cells' effects carry the level.
const OWN_LEVEL_SD: f64 = 0.02;
/// Drift in log-odds per square root of a day: 0.02 is 0.2 points a day at a rate of 0.9.
const LEVEL_DRIFT_SD: f64 = 0.02;
const SHAPE_DRIFT_SD: f64 = 0.005;
/// A single block moves the linearisation by at most this much.
const STEP_MAX: f64 = 2.0;

/// A learnt season with its uncertainty.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Season {
    mean: Vec<f64>,
    covariance: Vec<f64>,
    learnt_at_ms: Option<i64>,
    own: bool,
}

/// Prior standard deviations of all traffic's season, or of a value's own.
fn prior_sd(own: bool) -> impl Iterator<Item = f64> {
    let (level, share) = if own { (OWN_LEVEL_SD, OWN_SHARE) } else { (LEVEL_SD, 1.0) };
    let pairs = move |sd: f64, count: usize| {
        (1..=count).flat_map(move |j| std::iter::repeat_n(share * sd / j as f64, 2))
    };
    std::iter::once(level).chain(pairs(DAILY_SD, DAILY)).chain(pairs(WEEKLY_SD, WEEKLY))
}

fn terms(at_ms: i64) -> [f64; TERMS] {
    let mut x = [1.0; TERMS];
    let mut place = 1;
    for (period, count) in [(DAY_MS, DAILY), (WEEK_MS, WEEKLY)] {
        let phase = (at_ms as f64).rem_euclid(period) / period * std::f64::consts::TAU;
        for j in 1..=count {
            let (sin, cos) = libm::sincos(phase * j as f64);
            x[place] = cos;
            x[place + 1] = sin;
            place += 2;
        }
    }
    x
}

impl Season {
    /// Of all traffic.
    pub fn of_all() -> Self {
        Self::with_prior(false)
    }

    /// Of one value, beyond that of all traffic.
    pub fn of_value() -> Self {
        Self::with_prior(true)
    }

    /// Variance of a value's own season at any instant, before anything is learnt of it: a cosine and a
    /// sine of one size are that size together.
    pub fn own_prior_variance() -> f64 {
        let squares: f64 = prior_sd(true).skip(1).map(|sd| sd * sd).sum();
        OWN_LEVEL_SD * OWN_LEVEL_SD + squares / 2.0
    }

    fn with_prior(own: bool) -> Self {
        let mut covariance = vec![0.0; TERMS * TERMS];
        for (i, sd) in prior_sd(own).enumerate() {
            covariance[i * TERMS + i] = sd * sd;
        }
        Self { mean: vec![0.0; TERMS], covariance, learnt_at_ms: None, own }
    }

    /// Offset in log-odds at an instant, and its variance.
    pub fn at(&self, at_ms: i64) -> (f64, f64) {
        let x = terms(at_ms);
        let offset = dot(&self.mean, &x);
        let variance = (0..TERMS)
            .map(|i| x[i] * dot(&self.covariance[i * TERMS..(i + 1) * TERMS], &x))
            .sum::<f64>();
        (offset, variance.max(0.0))
    }

    /// Learns a block: the residual `excess = k - e` in counts, its binomial variance at the
    /// expectation that this season was part of, and the over-dispersion.
    pub fn learn(&mut self, at_ms: i64, excess: f64, variance: f64, dispersion: f64) {
        if variance <= 0.0 {
            return;
        }
        self.drift_to(at_ms);
        let x = terms(at_ms);
        let mut px = [0.0; TERMS];
        for (i, value) in px.iter_mut().enumerate() {
            *value = dot(&self.covariance[i * TERMS..(i + 1) * TERMS], &x);
        }
        let total = dot(&px, &x) + dispersion / variance;
        let innovation = (excess / variance).clamp(-STEP_MAX, STEP_MAX);
        for (mean, value) in self.mean.iter_mut().zip(&px) {
            *mean += value / total * innovation;
        }
        for i in 0..TERMS {
            for j in 0..TERMS {
                self.covariance[i * TERMS + j] -= px[i] * px[j] / total;
            }
        }
    }

    /// The level may have changed.
    pub fn unsettle(&mut self) {
        self.covariance[0] += UNSETTLED_SD * UNSETTLED_SD;
    }

    fn drift_to(&mut self, at_ms: i64) {
        let days = self.learnt_at_ms.map_or(0.0, |from| (at_ms - from).max(0) as f64 / DAY_MS);
        self.learnt_at_ms = Some(self.learnt_at_ms.map_or(at_ms, |from| from.max(at_ms)));
        for (i, prior) in prior_sd(self.own).enumerate() {
            let sd = if i == 0 { LEVEL_DRIFT_SD } else { SHAPE_DRIFT_SD };
            let place = &mut self.covariance[i * TERMS + i];
            *place = (*place + sd * sd * days).min(prior * prior);
        }
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logistic::{expit, logit};

    #[test]
    fn the_prior_is_as_wide_at_any_hour() {
        for hour in 0..168 {
            let (offset, variance) = Season::of_value().at(hour * 3_600_000);
            assert_eq!(offset, 0.0);
            assert!((variance - Season::own_prior_variance()).abs() < 1e-12);
        }
    }

    #[test]
    fn learns_a_daily_wave_and_knows_how_well() {
        let truth =
            |t: i64| logit(0.9) + 0.2 * libm::sin(t as f64 / DAY_MS * std::f64::consts::TAU) + 0.1;
        let mut season = Season::of_all();
        let before = season.at(0).1;
        for block in 0..7 * 144 {
            let at = block * 600_000;
            let p = expit(logit(0.9) + season.at(at).0);
            let n = 600.0;
            season.learn(at, n * (expit(truth(at)) - p), n * p * (1.0 - p), 1.0);
        }
        for hour in 0..24 {
            let at = (7 * 24 + hour) * 3_600_000;
            let (offset, variance) = season.at(at);
            assert!((logit(0.9) + offset - truth(at)).abs() < 0.02, "hour {hour}");
            assert!(variance < before / 10.0);
        }
    }
}
