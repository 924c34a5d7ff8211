//! The Shiryaev-Roberts recursion shared by the detectors.

use serde::{Deserialize, Serialize};

/// Far above any threshold and far below overflow: 1e300 * e^7 is still finite.
pub(super) const R_MAX: f64 = 1e300;

/// One Shiryaev-Roberts sum per bet.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(into = "Vec<f64>", try_from = "Vec<f64>")]
pub(super) struct Sums<const N: usize>(pub(super) [f64; N]);

impl<const N: usize> Sums<N> {
    pub(super) const ZERO: Self = Self([0.0; N]);

    /// `R_j <- (R_j + time) * LR_j` for every bet; the weighted sum.
    #[inline(always)]
    pub(super) fn advance(
        &mut self,
        weights: &[f64; N],
        time: f64,
        likelihood_ratios: &[f64; N],
    ) -> f64 {
        for (r, lr) in self.0.iter_mut().zip(likelihood_ratios) {
            *r = ((*r + time) * lr).min(R_MAX);
        }
        self.mixed(weights)
    }

    #[inline(always)]
    pub(super) fn mixed(&self, weights: &[f64; N]) -> f64 {
        self.0.iter().zip(weights).map(|(r, weight)| r * weight).sum()
    }
}

impl<const N: usize> From<Sums<N>> for Vec<f64> {
    fn from(sums: Sums<N>) -> Self {
        sums.0.to_vec()
    }
}

impl<const N: usize> TryFrom<Vec<f64>> for Sums<N> {
    type Error = String;

    fn try_from(values: Vec<f64>) -> Result<Self, String> {
        let got = values.len();
        let sums: [f64; N] =
            values.try_into().map_err(|_| format!("a detector of {N} bets got {got} sums"))?;
        match sums.iter().find(|r| !(0.0..=R_MAX).contains(*r)) {
            Some(r) => Err(format!("a detector's sum lies in 0..=1e300, got {r}")),
            None => Ok(Self(sums)),
        }
    }
}
