//! The detector of a Bernoulli stream: success, "slower than p95", "failed with a code of class c".

use serde::{Deserialize, Serialize};

use super::bets::Bets;
use super::statistic::Sums;

/// Mixture Shiryaev-Roberts detector; its whole state is one sum per bet.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BernoulliDetector<const N: usize> {
    r: Sums<N>,
}

impl<const N: usize> Default for BernoulliDetector<N> {
    fn default() -> Self {
        Self { r: Sums::ZERO }
    }
}

impl<const N: usize> BernoulliDetector<N> {
    /// Takes in a tick of `n` attempts, `k` of them successes, where a share `p0` was expected and the
    /// tick's variance is `dispersion` times the binomial one; gives the statistic.
    ///
    /// Two-decimal example: with 95 % expected, twenty failures in a row leave no doubt.
    /// ```
    /// use stats::edetector::{BernoulliDetector, Bets};
    /// let bets = Bets::drop();
    /// let mut detector = BernoulliDetector::default();
    /// assert!(detector.update(&bets, 1_000.0, 950.0, 0.95, 1.0) < 1e4);
    /// assert!(detector.update(&bets, 20.0, 0.0, 0.95, 1.0) > 1e9);
    /// ```
    #[inline]
    pub fn update(&mut self, bets: &Bets<N>, n: f64, k: f64, p0: f64, dispersion: f64) -> f64 {
        if n <= 0.0 {
            return self.statistic(bets);
        }
        self.advance(bets, n, &bets.likelihood_ratios(n, k, p0, dispersion))
    }

    /// `update` with likelihood ratios that the caller already holds: an over-dispersed likelihood, or one kept
    /// because expectation and tick never change.
    #[inline]
    pub fn advance(&mut self, bets: &Bets<N>, n: f64, likelihood_ratios: &[f64; N]) -> f64 {
        self.r.advance(bets.weights(), n, likelihood_ratios)
    }

    /// The weighted sum over the bets: alarm when it reaches the threshold.
    #[inline]
    pub fn statistic(&self, bets: &Bets<N>) -> f64 {
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
    use proptest::prelude::*;

    #[test]
    fn an_empty_tick_changes_nothing() {
        let bets = Bets::drop();
        let mut detector = BernoulliDetector::default();
        detector.update(&bets, 10.0, 3.0, 0.9, 1.0);
        let before = detector;
        assert_eq!(detector.update(&bets, 0.0, 0.0, 0.9, 1.0), before.statistic(&bets));
        assert_eq!(detector, before);
    }

    #[test]
    fn a_day_of_total_outage_does_not_overflow() {
        let bets = Bets::drop();
        let mut detector = BernoulliDetector::default();
        for _ in 0..86_400 {
            assert!(detector.update(&bets, 1e6, 0.0, 0.999_999, 1.0).is_finite());
        }
        assert!(detector.statistic(&bets) > 1e299);
    }

    #[test]
    fn certainty_breaks_nothing() {
        let bets = Bets::drop();
        for p0 in [0.0, 1.0] {
            for k in [0.0, 50.0] {
                let mut detector = BernoulliDetector::default();
                assert!(detector.update(&bets, 50.0, k, p0, 1.0).is_finite());
            }
        }
    }

    proptest! {
        #[test]
        fn more_failures_never_lower_the_statistic(n in 1_u32..500, k in 0_u32..500, p0 in 0.0..1.0_f64, phi in 1.0..5.0_f64) {
            let bets = Bets::drop();
            let k = k.min(n - 1);
            let [worse, better] = [k, k + 1].map(|k| {
                BernoulliDetector::default().update(&bets, f64::from(n), f64::from(k), p0, phi)
            });
            prop_assert!(worse >= better);
        }

        #[test]
        fn state_survives_a_round_trip(n in 1_u32..100, p0 in 0.1..0.9_f64) {
            let bets = Bets::drop();
            let mut detector = BernoulliDetector::default();
            detector.update(&bets, f64::from(n), 0.0, p0, 1.0);
            let text = serde_json::to_string(&detector).unwrap();
            let back: BernoulliDetector<8> = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(back, detector);
        }
    }

    #[test]
    fn a_damaged_state_is_refused() {
        for (text, reason) in [
            ("[0,0,0,0,0,0,0]", "8 bets got 7 sums"),
            ("[0,0,0,0,0,0,0,-1]", "got -1"),
            ("[0,0,0,0,0,0,0,1e301]", "0..=1e300"),
        ] {
            let error = serde_json::from_str::<BernoulliDetector<8>>(text).unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
        }
    }
}
