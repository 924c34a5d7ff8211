//! The detector told the season and the dispersion: what mixing costs, before any learning.

use stats::dispersion;
use stats::edetector::{BernoulliDetector, Bets};

use super::ARL;
use super::learnt::Learner;
use super::traffic::{Block, Traffic};

/// Knows what a learner can only estimate.
#[derive(Clone, Debug)]
pub struct Told {
    bets: Bets<8>,
    detector: BernoulliDetector<8>,
    rho: f64,
}

impl Told {
    /// For this traffic.
    pub fn of(traffic: &Traffic) -> Self {
        Self { bets: Bets::drop(), detector: BernoulliDetector::default(), rho: traffic.rho() }
    }
}

impl Learner for Told {
    fn learn(&mut self, _: &Block) {}

    fn judge(&mut self, block: &Block) -> bool {
        let (n, k) = (block.n as f64, block.k as f64);
        let dispersion = dispersion::of_correlated(n, self.rho);
        if self.detector.update(&self.bets, n, k, block.rate, dispersion) < ARL {
            return false;
        }
        self.detector.reset();
        true
    }
}
