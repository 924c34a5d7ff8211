//! What a slice's own past allows at most.
//!
//! A slice that fails almost always carries almost no information on the log-odds scale, so its
//! learnt level lags behind: after a hundred failures in a row it may still be expected to approve
//! one in ten, and a hundred more would be an incident that never began. Its plain counts know
//! better: the expectation is held below their upper end (one standard error of the log-odds, with
//! a half success and a half failure added; Haldane 1956, Anscombe 1956).

use serde::{Deserialize, Serialize};

use crate::logistic::{logit, shift};

/// Attempts before its own past is held against a slice.
const SEEN_MIN: f64 = 30.0;

/// Attempts, approvals and approvals that the cells expected: learnt, held, running.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct OwnPast {
    past: [f64; 3],
    held: [f64; 3],
    window: [f64; 3],
}

impl OwnPast {
    /// Reads a little of each part.
    #[inline]
    pub fn touch(&self) -> f64 {
        self.past[0] + self.window[2]
    }

    /// Counts a tick: `k` of `n` where the cells expect `rate`.
    pub fn window(&mut self, n: f64, k: f64, rate: f64) {
        for (sum, value) in self.window.iter_mut().zip([n, k, n * rate]) {
            *sum += value;
        }
    }

    /// Closes a learning window: the one before is learnt, if nothing speaks against it, and of the
    /// past a share is kept.
    pub fn learn(&mut self, quiet: bool, keep: f64) {
        let window = std::mem::take(&mut self.window);
        let held = std::mem::replace(&mut self.held, if quiet { window } else { [0.0; 3] });
        if quiet {
            for (past, held) in self.past.iter_mut().zip(held) {
                *past = *past * keep + held;
            }
        }
    }

    /// The cells' expectation moved by `by` log-odds.
    pub fn rebase(&mut self, by: f64) {
        let [n, _, expected] = self.past;
        if n > 0.0 {
            self.past[2] = n * shift(expected / n, by);
        }
    }

    /// Offset from the cells' expectation that its past allows at most, log-odds.
    pub fn most(&self) -> f64 {
        let [n, k, expected] = self.past;
        if n < SEEN_MIN {
            return f64::MAX;
        }
        let (good, bad) = (k + 0.5, (n - k).max(0.0) + 0.5);
        let error = libm::sqrt(1.0 / good + 1.0 / bad);
        libm::log(good / bad) - logit(expected / n) + error
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(n: f64, k: f64, rate: f64) -> f64 {
        let mut own = OwnPast::default();
        own.window(n, k, rate);
        own.learn(true, 1.0);
        own.learn(true, 1.0);
        own.most()
    }

    #[test]
    fn a_slice_that_always_fails_is_not_expected_to_approve() {
        assert!(shift(0.12, after(150.0, 0.0, 0.12)) < 0.02);
    }

    #[test]
    fn an_ordinary_slice_is_not_held_down() {
        assert!(shift(0.7, after(300.0, 210.0, 0.7)) > 0.71);
        assert_eq!(after(10.0, 0.0, 0.7), f64::MAX);
    }
}
