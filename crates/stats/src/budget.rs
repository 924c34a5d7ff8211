//! The alert budget: users set false pages per week for the whole system, not a threshold per slice.
//!
//! **Problem.** An average run length of 1e6 sounds long; for 41 subsets of 6 dimensions on 5 million payments a day it is 200
//! false alarms a day.
//!
//! **Method.** Every alarm of stream i at threshold `T_i` was paid for: R less the attempts counted is a supermartingale, and
//! each alarm takes at least `T_i` out of R. So in `N_i` attempts, resets included and under any dependence between
//! streams,
//!
//! ```text
//! E[false alarms of i] <= N_i / T_i        (weights: alarm when w_i R_i >= A is T_i = A / w_i)
//! E[false alarms]      <= sum_i w_i N_i / A
//! ```
//!
//! All slices of one subset of dimensions (`{gateway, issuer}`, say) partition the traffic: their attempts sum to N, the
//! whole system's. One threshold for all of them therefore spends N / T, however many values there are or
//! will be; a subset with a share s of the budget B gets T = N / (s B), and shares that sum to one spend B exactly.
//! Small slices are not priced out, and nothing needs to be known about them beforehand.
//!
//! **Guarantee.** At most B expected false pages per week at N attempts a week; with N' attempts, B N' / N. Volume
//! detectors count expected instead of real attempts, which is the same N. It takes a right expectation (`p0` not above the
//! truth); what the baseline adds in error is the baseline's to answer for.
//!
//! **Cost.** A division per signal and subset at start. The price is delay: about 20.8 nats for one page a week against 13.8 for a single
//! stream at 1e6, half as much again.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// What may be spent: false pages per week over the whole system's attempts per week.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct AlertBudget {
    false_pages_per_week: f64,
    attempts_per_week: f64,
}

/// Why a budget makes no sense.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
pub enum BudgetError {
    /// Zero, negative or not a number: no finite threshold keeps it.
    #[error("alerts.false_pages_per_week must be a positive number, got {0}")]
    FalsePages(f64),
    /// Zero, negative or not a number.
    #[error("attempts per week must be a positive number, got {0}")]
    Attempts(f64),
}

impl AlertBudget {
    /// A budget of `false_pages_per_week` for a system with `attempts_per_week`.
    pub fn new(false_pages_per_week: f64, attempts_per_week: f64) -> Result<Self, BudgetError> {
        let positive = |x: f64| x.is_finite() && x > 0.0;
        if !positive(false_pages_per_week) {
            return Err(BudgetError::FalsePages(false_pages_per_week));
        }
        if !positive(attempts_per_week) {
            return Err(BudgetError::Attempts(attempts_per_week));
        }
        Ok(Self { false_pages_per_week, attempts_per_week })
    }

    /// The threshold on R of every stream of a family whose attempts sum to the whole system's, with this share of
    /// the budget.
    ///
    /// ```
    /// use stats::budget::AlertBudget;
    /// let budget = AlertBudget::new(1.0, 35e6).unwrap();
    /// assert_eq!(budget.threshold(0.5), 70e6);
    /// ```
    pub fn threshold(&self, share: f64) -> f64 {
        debug_assert!(share > 0.0 && share <= 1.0, "a share of the budget, got {share}");
        self.attempts_per_week / (self.false_pages_per_week * share)
    }

    /// Bound on the false pages that streams with `attempts` in all spend at this threshold.
    pub fn false_alarms(attempts: f64, threshold: f64) -> f64 {
        attempts / threshold
    }
}

/// How a budget is shared between signals and, within each, subsets of dimensions.
///
/// Weights should follow harm and what can be gained by an early word: they enter the delay only as
/// -ln(share), so halving a share costs 0.7 nats of some 21.
#[derive(Clone, Debug, PartialEq)]
pub struct Shares {
    signals: Vec<f64>,
    subsets: Vec<f64>,
}

impl Shares {
    /// From weights of each signal (or signal and tier) and of each subset; all positive, on any scale.
    pub fn of(signals: &[f64], subsets: &[f64]) -> Self {
        let scaled = |weights: &[f64]| {
            assert!(weights.iter().all(|w| w.is_finite() && *w > 0.0), "weights are positive");
            let total: f64 = weights.iter().sum();
            weights.iter().map(|w| w / total).collect()
        };
        Self { signals: scaled(signals), subsets: scaled(subsets) }
    }

    /// The share of one signal on all slices of one subset.
    pub fn of_pair(&self, signal: usize, subset: usize) -> f64 {
        self.signals[signal] * self.subsets[subset]
    }
}

/// Weights of subsets given how many dimensions each has: `depth_weights[d]` is split evenly between the subsets of depth d.
///
/// The last entry serves all deeper ones.
pub fn weights_by_depth(depths: &[usize], depth_weights: &[f64]) -> Vec<f64> {
    let at = |depth: usize| depth.min(depth_weights.len() - 1);
    let mut count = vec![0.0; depth_weights.len()];
    for depth in depths {
        count[at(*depth)] += 1.0;
    }
    depths.iter().map(|depth| depth_weights[at(*depth)] / count[at(*depth)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edetector::{BernoulliDetector, Bets};
    use crate::stream::Stream;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn everything_together_spends_the_budget(
            pages in 0.01..100.0_f64,
            attempts in 1e3..1e12_f64,
            signals in prop::collection::vec(0.01..10.0_f64, 1..8),
            subsets in prop::collection::vec(0.01..10.0_f64, 1..100),
        ) {
            let budget = AlertBudget::new(pages, attempts).unwrap();
            let shares = Shares::of(&signals, &subsets);
            let mut spent = 0.0;
            for signal in 0..signals.len() {
                for subset in 0..subsets.len() {
                    let threshold = budget.threshold(shares.of_pair(signal, subset));
                    spent += AlertBudget::false_alarms(attempts, threshold);
                }
            }
            prop_assert!((spent / pages - 1.0).abs() < 1e-9);
        }

        #[test]
        fn splitting_a_subset_into_more_slices_spends_no_more(
            parts in prop::collection::vec(1.0..1e6_f64, 1..50),
        ) {
            let attempts: f64 = parts.iter().sum();
            let threshold = AlertBudget::new(1.0, attempts).unwrap().threshold(0.1);
            let spent: f64 = parts.iter().map(|n| AlertBudget::false_alarms(*n, threshold)).sum();
            prop_assert!((spent - 0.1).abs() < 1e-12);
        }

        #[test]
        fn a_smaller_share_never_lowers_the_threshold(a in 0.001..1.0_f64, b in 0.001..1.0_f64) {
            let budget = AlertBudget::new(1.0, 1e6).unwrap();
            prop_assert_eq!(a <= b, budget.threshold(a) >= budget.threshold(b));
        }
    }

    #[test]
    fn depths_share_their_weight() {
        let weights = weights_by_depth(&[0, 1, 1, 2, 3], &[1.0, 2.0, 3.0]);
        assert_eq!(weights, [1.0, 1.0, 1.0, 1.5, 1.5]);
    }

    #[test]
    fn nonsense_is_refused_by_name() {
        assert_eq!(AlertBudget::new(0.0, 1.0), Err(BudgetError::FalsePages(0.0)));
        assert!(AlertBudget::new(1.0, f64::NAN).unwrap_err().to_string().contains("NaN"));
    }

    /// The bound itself, on detectors that start again after each alarm.
    #[test]
    fn null_streams_stay_within_the_bound() {
        let bets = Bets::drop();
        let mut stream = Stream::named(11, "budget");
        let (attempts, threshold) = (400_000, 500.0);
        for p0 in [0.7, 0.95] {
            let mut detector = BernoulliDetector::default();
            let mut alarms = 0.0_f64;
            for _ in 0..attempts / 4 {
                let k = stream.binomial(4, p0) as f64;
                if detector.update(&bets, 4.0, k, p0, 1.0) >= threshold {
                    alarms += 1.0;
                    detector.reset();
                }
            }
            let bound = AlertBudget::false_alarms(f64::from(attempts), threshold);
            assert!(alarms <= bound && alarms > 0.3 * bound, "{alarms} of at most {bound}");
        }
    }
}
