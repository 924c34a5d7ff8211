//! How far each memory is believed: at each gateway, and in the world.
//!
//! The weights follow what each memory foretold, by Bayes' rule, and a fixed share of them is dealt out anew with each attempt (Herbster and
//! Warmuth 1998), so that the pace that fits now is found whatever fitted before: a gateway's falls back to the world's weights, the world's
//! to equal ones. So a gateway that was not used for long is thought as changeable as gateways have shown to be.

use serde::{Deserialize, Serialize};
use stats::elementary::exp_each;

use super::effects::{Each, MEMORIES};

/// Weights that sum to 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Weights(pub Each);

impl Default for Weights {
    fn default() -> Self {
        Self([1.0 / MEMORIES as f64; MEMORIES])
    }
}

impl Weights {
    /// After outcomes of this log likelihood; `dealt` of the weights goes to `home`.
    pub fn learn(&mut self, ln_likelihood: &Each, dealt: f64, home: &Self) {
        let top = ln_likelihood.iter().fold(f64::NEG_INFINITY, |top, ln| top.max(*ln));
        let likelihood = exp_each(ln_likelihood.map(|ln| (ln - top).max(-30.0)));
        let mut total = 0.0;
        for (weight, likelihood) in self.0.iter_mut().zip(likelihood) {
            *weight *= likelihood;
            total += *weight;
        }
        for (weight, home) in self.0.iter_mut().zip(home.0) {
            *weight = (1.0 - dealt) * *weight / total + dealt * home;
        }
    }
}
