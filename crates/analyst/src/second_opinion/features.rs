//! What the forests see of a slice: five numbers, each zero when all is as usual.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How many numbers describe a slice.
pub const FEATURES: usize = 5;

/// A point of the forests, in units that make the features comparable.
pub(super) type Point = [f64; FEATURES];

/// One of the five.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Feature {
    /// log10 of the success detector's statistic.
    SuccessEvidence,
    /// Success rate less its expectation, in standard errors.
    SuccessResidual,
    /// Natural log of latency over its expectation.
    LatencyShift,
    /// Jensen-Shannon divergence of the failure mix from its baseline, in nats.
    MixDivergence,
    /// Natural log of volume over its expectation.
    VolumeRatio,
}

impl Feature {
    /// All, in the order of [`SliceFeatures`].
    pub const ALL: [Self; FEATURES] = [
        Self::SuccessEvidence,
        Self::SuccessResidual,
        Self::LatencyShift,
        Self::MixDivergence,
        Self::VolumeRatio,
    ];
}

impl fmt::Display for Feature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SuccessEvidence => "success evidence",
            Self::SuccessResidual => "success rate",
            Self::LatencyShift => "latency",
            Self::MixDivergence => "failure mix",
            Self::VolumeRatio => "volume",
        })
    }
}

/// What a person would call a notable change of each feature. A random cut forest cuts the widest
/// range most often, so features need one unit; a fixed one, because a scale learnt from the stream
/// would move under the trees that were cut in it.
const NOTABLE: Point = [2.0, 3.0, 0.2, 0.05, 0.4];

/// Beyond this many units a point is as far out as can be; one such value must not stretch every
/// tree until nothing else is ever cut.
const UNITS_MAX: f64 = 20.0;

/// A slice as the forests see it, in the order of [`Feature::ALL`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SliceFeatures(pub [f64; FEATURES]);

impl SliceFeatures {
    /// In comparable units; what is not a number counts as usual.
    pub(super) fn point(&self) -> Point {
        let mut point = self.0;
        for (value, unit) in point.iter_mut().zip(NOTABLE) {
            *value =
                if value.is_nan() { 0.0 } else { (*value / unit).clamp(-UNITS_MAX, UNITS_MAX) };
        }
        point
    }
}

/// Jensen-Shannon divergence between two mixes given as weights, in nats: 0 where they are alike,
/// ln 2 where they share nothing. Nothing on either side counts as alike.
pub fn mix_divergence(observed: &[f64], expected: &[f64]) -> f64 {
    let total = |weights: &[f64]| weights.iter().map(|w| w.max(0.0)).sum::<f64>();
    let (all_p, all_q) = (total(observed), total(expected));
    if all_p <= 0.0 || all_q <= 0.0 {
        return 0.0;
    }
    let term = |part: f64, middle: f64| {
        if part > 0.0 { part * libm::log(part / middle) } else { 0.0 }
    };
    let sum: f64 = observed
        .iter()
        .zip(expected)
        .map(|(p, q)| {
            let (p, q) = (p.max(0.0) / all_p, q.max(0.0) / all_q);
            let middle = 0.5 * (p + q);
            0.5 * (term(p, middle) + term(q, middle))
        })
        .sum();
    sum.max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn divergence_is_zero_for_alike_and_ln_2_for_disjoint_mixes() {
        assert!(mix_divergence(&[2.0, 6.0], &[1.0, 3.0]).abs() < 1e-12);
        let disjoint = mix_divergence(&[5.0, 0.0], &[0.0, 1.0]);
        assert!((disjoint - core::f64::consts::LN_2).abs() < 1e-12);
        assert_eq!(mix_divergence(&[0.0, 0.0], &[1.0, 1.0]), 0.0);
    }

    #[test]
    fn no_value_leaves_the_box() {
        let point = SliceFeatures([f64::NAN, f64::INFINITY, -1e300, 0.05, -0.4]).point();
        assert_eq!(point, [0.0, UNITS_MAX, -UNITS_MAX, 1.0, -1.0]);
    }
}
