//! What every cell is expected to approve: a random-effects logistic regression over slices.
//!
//! The problem: a leaf cell has too few attempts for a rate of its own, and every slice that
//! contains it knows something. The method: log-odds of a leaf = sum of the effects of all slices
//! that contain it (up to three attributes), each effect drawn from a normal distribution whose
//! variance is shared by its subset of dimensions and estimated from the data (empirical Bayes by
//! EM; Gelman and Hill 2007, ch. 12). So a slice leans on its parents exactly as far as its own
//! evidence is weak, and a slice's sum of expectations agrees with its history.
//!
//! Fitting: block coordinate Newton, one block per subset (its slices don't overlap), a few
//! sweeps from the last fit, which is close. Cost: leaves x subsets per sweep, 20,000 x 42 additions and one exponential
//! per leaf. History is exact counts with a half-life, less the season's offset.

use crate::cells::Cells;
use crate::logistic::expit;
use serde::{Deserialize, Serialize};

/// First guesses of the effects' standard deviations by order: slices differ more than their
/// interactions.
const SD_FIRST: [f64; 4] = [2.0, 0.5, 0.3, 0.2];
/// The variance a subset is never taken below or above.
const VARIANCE: (f64, f64) = (1e-4, 4.0);
/// A Newton step in log-odds is held to this.
const STEP_MAX: f64 = 1.5;

/// The variances of the effects, by subset.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Effects {
    variances: Vec<f64>,
}

impl Effects {
    /// For these subsets of dimensions.
    pub fn new(subsets: &[Vec<u8>]) -> Self {
        Self { variances: subsets.iter().map(|s| SD_FIRST[s.len()] * SD_FIRST[s.len()]).collect() }
    }

    /// Variance of the effects of a subset, log-odds.
    pub fn variance(&self, subset: usize) -> f64 {
        self.variances[subset]
    }

    /// Fits effects and bases of all leaves to their past.
    pub fn fit(&mut self, cells: &mut Cells, sweeps: usize) {
        let live: Vec<u32> = cells.live().collect();
        let mut gradient = vec![0.0; cells.slices.len()];
        let mut weight = vec![0.0; cells.slices.len()];
        let mut step = vec![0.0; cells.slices.len()];
        let mut residual = vec![0.0; live.len()];
        let mut information = vec![0.0; live.len()];
        for _ in 0..sweeps {
            for (i, &leaf) in live.iter().enumerate() {
                let leaf = &cells.leaves[leaf as usize];
                let offset = if leaf.past.n > 0.0 { leaf.past.offset / leaf.past.n } else { 0.0 };
                let p = expit(leaf.base + offset);
                residual[i] = leaf.past.k - leaf.past.n * p;
                information[i] = leaf.past.n * p * (1.0 - p);
            }
            for subset in 0..self.variances.len() {
                for (i, &leaf) in live.iter().enumerate() {
                    let slice = cells.slots(leaf)[subset] as usize;
                    gradient[slice] += residual[i];
                    weight[slice] += information[i];
                }
                let precision = 1.0 / self.variances[subset];
                let (mut squares, mut count) = (0.0, 0.0);
                for &leaf in &live {
                    let slice = cells.slots(leaf)[subset] as usize;
                    if weight[slice] < 0.0 {
                        continue;
                    }
                    let entry = &mut cells.slices[slice];
                    let total = weight[slice] + precision;
                    let by = ((gradient[slice] - entry.effect * precision) / total)
                        .clamp(-STEP_MAX, STEP_MAX);
                    entry.effect += by;
                    step[slice] = by;
                    if weight[slice] > 0.0 {
                        squares += entry.effect * entry.effect + 1.0 / total;
                        count += 1.0;
                    }
                    gradient[slice] = 0.0;
                    weight[slice] = -1.0;
                }
                for (i, &leaf) in live.iter().enumerate() {
                    let slice = cells.slots(leaf)[subset] as usize;
                    weight[slice] = 0.0;
                    cells.leaves[leaf as usize].base += step[slice];
                    residual[i] -= information[i] * step[slice];
                }
                if subset > 0 && count > 1.0 {
                    self.variances[subset] = (squares / count).clamp(VARIANCE.0, VARIANCE.1);
                }
            }
        }
    }
}
