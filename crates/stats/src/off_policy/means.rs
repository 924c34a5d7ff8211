//! Predictions by counting: what an action earned in a context, leaning on what it earned elsewhere.
//!
//! **Method.** A mean per context and action with a prior of ten decisions at the action's mean, and that with a prior of ten at the mean of all. Asked before it is told of an
//! outcome, it is predictable, which is all that the intervals need; the better it is, the narrower they are.

use std::collections::BTreeMap;

/// Decisions that a prior is worth.
const LEAN: f64 = 10.0;

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Sum {
    n: f64,
    reward: f64,
}

impl Sum {
    fn add(&mut self, reward: f64) {
        self.n += 1.0;
        self.reward += reward;
    }

    fn mean(self, prior: f64) -> f64 {
        (self.reward + LEAN * prior) / (self.n + LEAN)
    }
}

/// Running means by context and action.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Means {
    all: Sum,
    actions: BTreeMap<u32, Sum>,
    cells: BTreeMap<(u32, u32), Sum>,
}

impl Means {
    /// Of an action in a context, by what was told so far.
    pub fn mean(&self, context: u32, action: u32) -> f64 {
        let sum = |sum: Option<&Sum>| sum.copied().unwrap_or_default();
        let of_action = sum(self.actions.get(&action)).mean(self.all.mean(0.5));
        sum(self.cells.get(&(context, action))).mean(of_action)
    }

    /// An outcome in [0, 1].
    pub fn add(&mut self, context: u32, action: u32, reward: f64) {
        self.all.add(reward);
        self.actions.entry(action).or_default().add(reward);
        self.cells.entry((context, action)).or_default().add(reward);
    }
}
