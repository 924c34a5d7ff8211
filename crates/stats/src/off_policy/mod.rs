//! Off-policy estimates: what another policy would have earned, from the log of the one that ran.
//!
//! **Problem.** A log holds the outcome of the action that was taken, with the probability that it was taken with. What would have happened on average under
//! another policy, how sure is that, and may one look at it every day?
//!
//! **Method.** With w the weight of a decision (the target's probability of the logged action over the logged one), r its reward in [0, 1], q a
//! prediction made before its outcome was known and v that prediction averaged over the target's actions:
//!
//! | estimator | mean of | |
//! |---|---|---|
//! | IPS (Horvitz and Thompson 1952) | w r | unbiased, restless where weights are large |
//! | SNIPS (Swaminathan and Joachims 2015) | w r over the mean of w | an error in the weights' level cancels |
//! | doubly robust (Dudík, Langford and Li 2011) | w (r - q) + v | unbiased, and calm where q is good |
//! | Switch-DR (Wang, Agarwal and Dudík 2017, arXiv 1612.01205) | the same, without the correction where w > tau | trades a bias for calm |
//!
//! **Intervals** hold at every time at once ([`LowerBound`]). The lower end comes from the rewards, the upper from what is missing to 1, each as a value that is bounded below: w r >= 0, and
//! with a control variate w (r - s q) + s v >= -k, where s <= 1 shrinks it in just those contexts whose largest possible weight would break the bound. s depends
//! on the context alone, so nothing is biased. SNIPS is the same with its own running value for q, which is its influence function. Switch-DR drops weights above tau from either side, so its interval
//! is valid and wider by what the target does there.
//!
//! **Guarantee.** P(an interval ever misses the mean of the target's value over the decisions so far) <= alpha, if the propensities are right and positive
//! wherever the target goes, and predictions and target depend on earlier decisions only. The fixed-n interval is the usual normal one, for comparison: it holds at one time, if at all.

mod bound;
mod contrast;
mod means;

pub use bound::LowerBound;
pub use contrast::Contrast;
pub use means::Means;

use libm::sqrt;

use crate::Z_95;

/// How far a control variate may take a value below 0.
const DEFICIT_MAX: f64 = 8.0;

/// A logged decision as the target policy sees it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Logged {
    /// What came of it, in [0, 1].
    pub reward: f64,
    /// Probability of the logged action under the target over that under the log.
    pub weight: f64,
    /// The greatest weight that any action has in this context.
    pub weight_max: f64,
    /// Prediction for the logged action, in [0, 1].
    pub predicted: f64,
    /// The prediction's mean over the target's actions.
    pub expected: f64,
    /// The least and the greatest prediction among the context's actions.
    pub predicted_range: (f64, f64),
}

/// Which estimate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Estimator {
    /// Inverse propensity scoring.
    Ips,
    /// Self-normalised.
    Snips,
    /// Doubly robust.
    DoublyRobust,
    /// Doubly robust up to a weight.
    SwitchDr,
}

impl Estimator {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Ips, Self::Snips, Self::DoublyRobust, Self::SwitchDr];

    /// The name in output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ips => "ips",
            Self::Snips => "snips",
            Self::DoublyRobust => "doubly_robust",
            Self::SwitchDr => "switch_dr",
        }
    }
}

/// A value with its intervals at 95 %.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The estimate.
    pub value: f64,
    /// Valid whenever one looks.
    pub interval: (f64, f64),
    /// The normal one, valid at one time at most.
    pub fixed_n: (f64, f64),
}

/// Mean and squares of one sequence.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Moments {
    n: f64,
    mean: f64,
    squares: f64,
}

impl Moments {
    fn push(&mut self, value: f64) {
        self.n += 1.0;
        let off = value - self.mean;
        self.mean += off / self.n;
        self.squares += off * (value - self.mean);
    }

    fn half_width(&self) -> f64 {
        Z_95 * sqrt(self.squares / (self.n - 1.0).max(1.0) / self.n.max(1.0))
    }
}

/// Sums over a log, for one target policy.
#[derive(Clone, Debug, PartialEq)]
pub struct OffPolicy {
    switch: f64,
    /// Of w r, w, w (r - q) + v, and the same switched.
    ips: Moments,
    weights: Moments,
    doubly: Moments,
    switched: Moments,
    squared: [f64; 3],
    weight_max: f64,
    /// By estimator: of the reward, and of what is missing to 1.
    bounds: [[LowerBound; 2]; 4],
}

impl OffPolicy {
    /// Before any decision; Switch-DR corrects up to the weight `switch`.
    pub fn new(switch: f64) -> Self {
        let [plain, controlled] = [0.0, DEFICIT_MAX].map(|deficit| LowerBound::new(deficit, 1.0));
        Self {
            switch,
            ips: Moments::default(),
            weights: Moments::default(),
            doubly: Moments::default(),
            switched: Moments::default(),
            squared: [0.0; 3],
            weight_max: 0.0,
            bounds: [[plain; 2], [controlled; 2], [controlled; 2], [controlled; 2]],
        }
    }

    /// The next decision, in the order of time.
    pub fn push(&mut self, logged: &Logged) {
        let Logged { reward, weight, weight_max, predicted, expected, predicted_range } = *logged;
        debug_assert!(
            (0.0..=1.0).contains(&reward) && weight >= 0.0 && weight <= weight_max * 1.000_001
        );
        let own = self.snips().clamp(0.0, 1.0);
        let (lowest, highest) = predicted_range;
        // A prediction is of the reward; for what is missing to 1 it is turned round.
        let sides = [
            [(reward, own, own, own), (reward, predicted, expected, highest)],
            [
                (1.0 - reward, 1.0 - own, 1.0 - own, 1.0 - own),
                (1.0 - reward, 1.0 - predicted, 1.0 - expected, 1.0 - lowest),
            ],
        ];
        for (side, [normalised, modelled]) in sides.into_iter().enumerate() {
            self.bounds[0][side].push(weight * normalised.0);
            self.bounds[1][side].push(controlled(weight, weight_max, normalised));
            self.bounds[2][side].push(controlled(weight, weight_max, modelled));
            let switched = match (weight_max <= self.switch, weight <= self.switch) {
                (true, _) => controlled(weight, weight_max, modelled),
                (false, true) => weight * modelled.0,
                (false, false) => 0.0,
            };
            self.bounds[3][side].push(switched);
        }
        self.ips.push(weight * reward);
        self.weights.push(weight);
        let correction = weight * (reward - predicted);
        self.doubly.push(correction + expected);
        let kept = if weight <= self.switch { correction } else { 0.0 };
        self.switched.push(kept + expected);
        for (sum, reward) in self.squared.iter_mut().zip([1.0, reward, reward * reward]) {
            *sum += weight * weight * reward;
        }
        self.weight_max = self.weight_max.max(weight);
    }

    fn snips(&self) -> f64 {
        if self.weights.mean > 0.0 { self.ips.mean / self.weights.mean } else { 0.5 }
    }

    /// Decisions so far.
    pub fn decisions(&self) -> f64 {
        self.weights.n
    }

    /// The weights' mean, which is 1 but for chance if the propensities are right and the log goes wherever the target does; and its standard error.
    pub fn mean_weight(&self) -> (f64, f64) {
        (self.weights.mean, self.weights.half_width() / Z_95)
    }

    /// The greatest weight of a logged action.
    pub fn weight_max(&self) -> f64 {
        self.weight_max
    }

    /// How many decisions of the target itself the log is worth (Kish 1965).
    pub fn effective_size(&self) -> f64 {
        let sum = self.weights.mean * self.weights.n;
        if sum > 0.0 { sum * sum / self.squared[0] } else { 0.0 }
    }

    /// The estimate, its interval at level 1 - `alpha`.
    pub fn estimate(&self, estimator: Estimator, alpha: f64) -> Estimate {
        let (value, half) = match estimator {
            Estimator::Ips => (self.ips.mean, self.ips.half_width()),
            Estimator::Snips => {
                let value = self.snips();
                let [one, r, rr] = self.squared;
                let squares = (rr - 2.0 * value * r + value * value * one).max(0.0);
                let sum = (self.weights.mean * self.weights.n).max(f64::MIN_POSITIVE);
                (value, Z_95 * sqrt(squares) / sum)
            }
            Estimator::DoublyRobust => (self.doubly.mean, self.doubly.half_width()),
            Estimator::SwitchDr => (self.switched.mean, self.switched.half_width()),
        };
        let [low, missing] = self.bounds[estimator as usize].map(|bound| bound.lower(alpha / 2.0));
        Estimate {
            value,
            interval: (low, (1.0 - missing).max(low)),
            fixed_n: (value - half, value + half),
        }
    }

    /// Whether the interval at level 1 - `alpha` leaves this value out.
    pub fn misses(&self, estimator: Estimator, value: f64, alpha: f64) -> bool {
        let [low, missing] = &self.bounds[estimator as usize];
        low.refutes(value, alpha / 2.0) || missing.refutes(1.0 - value, alpha / 2.0)
    }
}

/// `w (r - s q) + s v` with the greatest `s` that keeps it above `-DEFICIT_MAX` whatever the action.
fn controlled(
    weight: f64,
    weight_max: f64,
    (reward, predicted, expected, predicted_max): (f64, f64, f64, f64),
) -> f64 {
    let deficit = weight_max * predicted_max - expected;
    let shrink = if deficit > DEFICIT_MAX { DEFICIT_MAX / deficit } else { 1.0 };
    weight * (reward - shrink * predicted) + shrink * expected
}

#[cfg(test)]
mod tests;
