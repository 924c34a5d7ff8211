//! The detector of a Poisson stream: attempts per time.

use serde::{Deserialize, Serialize};

use super::bets::RateBets;
use super::statistic::Sums;

/// Mixture Shiryaev-Roberts detector of a rate, both ways.
///
/// Its time is measured in *expected* events: `R_j <- (R_j + mean) LR_j`, ln `LR_j` = c ln `w_j` - mean (`w_j` - 1). The
/// average run length is at least A expected events, and a stream that falls silent still runs towards its
/// alarm, for silence is evidence in proportion to what should have come.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PoissonDetector<const N: usize> {
    r: Sums<N>,
}

impl<const N: usize> Default for PoissonDetector<N> {
    fn default() -> Self {
        Self { r: Sums::ZERO }
    }
}

impl<const N: usize> PoissonDetector<N> {
    /// Takes in a tick with `count` events where `mean` were expected and the variance is `dispersion` times the
    /// mean; gives the statistic. Events that nobody expected (`mean` = 0) are counted by no bet: `E[LR]` = 1
    /// only leaves room for them where the mean is positive.
    #[inline]
    pub fn update(&mut self, bets: &RateBets<N>, mean: f64, count: f64, dispersion: f64) -> f64 {
        if mean <= 0.0 {
            return self.statistic(bets);
        }
        let lr = bets.likelihood_ratios(mean, count, dispersion);
        self.r.advance(bets.weights(), mean, &lr)
    }

    /// The weighted sum over the bets: alarm when it reaches the threshold.
    #[inline]
    pub fn statistic(&self, bets: &RateBets<N>) -> f64 {
        self.r.mixed(bets.weights())
    }

    /// Starts again from zero, as after an alarm.
    pub fn reset(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_and_flood_both_raise_it() {
        let bets = RateBets::both_ways();
        for count in [0.0, 30.0] {
            let mut detector = PoissonDetector::default();
            for _ in 0..10 {
                detector.update(&bets, 5.0, count, 1.0);
            }
            assert!(detector.statistic(&bets) > 1e9, "{count}");
        }
    }

    #[test]
    fn the_expected_count_keeps_it_low() {
        let bets = RateBets::both_ways();
        let mut detector = PoissonDetector::default();
        for _ in 0..1_000 {
            assert!(detector.update(&bets, 5.0, 5.0, 1.0) < 1e3);
        }
    }

    #[test]
    fn unexpected_events_where_nothing_was_expected_are_finite() {
        let bets = RateBets::both_ways();
        let mut detector = PoissonDetector::default();
        assert_eq!(detector.update(&bets, 0.0, 10.0, 1.0), 0.0);
    }
}
