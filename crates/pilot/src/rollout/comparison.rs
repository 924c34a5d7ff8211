//! One yes-or-no fact of a payment, compared between candidate and the rest: was it approved, was it slow.
//!
//! **Method.** The pilot's bets ([`crate::experiment`]): a payment is a coin toss of known bias, so that each factor is exact for rates that change from payment to payment, and what strikes
//! both arms at once is no evidence. Rates that are bet on are those of payments before. Worse is watched from any payment on (a policy may go wrong late); better, from the first on. Effects are small ones:
//! a policy that loses half a point is to be found as well, in time.
//!
//! **Guarantee.** P(evidence that the candidate is worse ever reaches 1/alpha) <= alpha where it isn't; and so for better.

use routing::Arm;
use serde::{Deserialize, Serialize};

use crate::experiment::{Bet, Process, Start, logistic, logit};

/// Effects that are bet on, in log odds.
const EFFECTS: [f64; 4] = [0.06, 0.2, 0.6, 1.8];
const WEIGHTS: [f64; 4] = [0.25; 4];

/// What is known of one fact.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// Bad and good, by arm: control, then candidate.
    counts: [[u64; 2]; 2],
    worse: Process<4>,
    better: Process<4>,
}

impl Default for Comparison {
    fn default() -> Self {
        Self {
            counts: [[0; 2]; 2],
            worse: Process::new(Start::AnyTime),
            better: Process::new(Start::Once),
        }
    }
}

impl Comparison {
    /// The next payment: whether the candidate had it, at which share, and whether the fact is good.
    pub fn push(&mut self, is_candidate: bool, share: f64, is_good: bool) {
        let rate = self.control_rate();
        let mut outcomes = [[0.0; 2]; 2];
        outcomes[usize::from(is_candidate)][usize::from(is_good)] = 1.0;
        let [control, candidate] = outcomes;
        let factor = |claimed: Arm, effect: f64| {
            let moved = logistic(logit(rate) + effect);
            let (better, worse) = if effect > 0.0 { (moved, rate) } else { (rate, moved) };
            Bet::new(claimed, better, worse, 0.0, share).ln_factor(control, candidate)
        };
        self.worse.advance(&EFFECTS.map(|effect| factor(Arm::Control, -effect)));
        self.better.advance(&EFFECTS.map(|effect| factor(Arm::Treatment, effect)));
        self.counts[usize::from(is_candidate)][usize::from(is_good)] += 1;
    }

    /// What is good of the control's payments, leaning on one half by two of them.
    fn control_rate(&self) -> f64 {
        let [bad, good] = self.counts[0].map(|count| count as f64);
        (good + 1.0) / (bad + good + 2.0)
    }

    /// Bad and good of the control, then of the candidate.
    pub fn counts(&self) -> [[u64; 2]; 2] {
        self.counts
    }

    /// ln of the evidence that the candidate is worse.
    pub fn ln_worse(&self) -> f64 {
        self.worse.ln_e(&WEIGHTS)
    }

    /// ln of the evidence that it is better.
    pub fn ln_better(&self) -> f64 {
        self.better.ln_e(&WEIGHTS)
    }
}
