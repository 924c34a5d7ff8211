//! Normal laws over effects that come and go, in several memories at once.
//!
//! An effect has a part that lasts (it forgets over days) and one that passes. Between outcomes what lasts is an
//! Ornstein-Uhlenbeck process: its mean falls back to 0, its variance to what such effects have,
//!
//! > mean <- mean k,  variance <- s^2 + (variance - s^2) k^2,  k = 2^(-time / half-life).
//!
//! What passes does so at a blow: at a constant hazard it is gone and another takes its place, so that with probability 1 - k it is any such effect.
//! The law is the normal one with that mixture's mean and variance (they compose: two spans give what their sum gives),
//!
//! > mean <- mean k,  variance <- s^2 + (variance - s^2) k + mean^2 k (1 - k).
//!
//! The last term is doubt whether what was large is still there.
//!
//! How much passes, and how fast, isn't set: each memory supposes another pace, and their weights ([`super::weights`]) follow from what
//! each foretold.

use serde::{Deserialize, Serialize};
use stats::elementary::{exp_each, ln_each};

/// Memories that run side by side.
pub const MEMORIES: usize = 4;

/// One number per memory.
pub(crate) type Each = [f64; MEMORIES];

/// A normal law per memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Laws {
    pub mean: Each,
    pub variance: Each,
}

impl Laws {
    fn at_rest(variance: Each) -> Self {
        Self { mean: [0.0; MEMORIES], variance }
    }

    /// Lets it fade: a share `kept` of it is left.
    fn fade(&mut self, rest: &Each, kept: f64) {
        for (at, rest) in rest.iter().enumerate() {
            self.mean[at] *= kept;
            self.variance[at] = rest + (self.variance[at] - rest) * kept * kept;
        }
    }

    /// Lets it pass at a blow: with probability `kept` all of it is left.
    fn pass(&mut self, rest: &Each, kept: &Each) {
        for (at, (rest, kept)) in rest.iter().zip(kept).enumerate() {
            let (mean, variance) = (self.mean[at], self.variance[at]);
            let doubt = mean * mean * kept * (1.0 - kept);
            self.variance[at] = rest + (variance - rest) * kept + doubt;
            self.mean[at] = mean * kept;
        }
    }

    /// Takes its part of a step of the sum that it belongs to.
    fn step(&mut self, step: &Step) {
        for at in 0..MEMORIES {
            let own = self.variance[at];
            self.mean[at] += own * step.per_variance[at];
            self.variance[at] = own - own * own * step.shrink[at];
        }
    }
}

/// Variances at rest.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rest {
    pub lasting: Each,
    pub passing: Each,
}

/// How soon it is gone, as rates of exponential decay per millisecond.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    pub lasting: f64,
    pub passing: Each,
}

/// One effect.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Effects {
    pub at_ms: i64,
    pub lasting: Laws,
    pub passing: Laws,
}

impl Effects {
    pub fn new(at_ms: i64, rest: &Rest) -> Self {
        let (lasting, passing) = (Laws::at_rest(rest.lasting), Laws::at_rest(rest.passing));
        Self { at_ms, lasting, passing }
    }

    /// Lets time pass; it doesn't run backwards.
    pub fn age(&mut self, at_ms: i64, pace: &Pace, rest: &Rest) {
        let ms = at_ms.saturating_sub(self.at_ms);
        if ms <= 0 {
            return;
        }
        self.at_ms = at_ms;
        let ms = ms as f64;
        let passing = exp_each(pace.passing.map(|rate| -rate * ms));
        let lasting = exp_each([-pace.lasting * ms]);
        self.lasting.fade(&rest.lasting, lasting[0]);
        self.passing.pass(&rest.passing, &passing);
    }

    pub fn add_to(&self, sum: &mut Laws) {
        for at in 0..MEMORIES {
            sum.mean[at] += self.lasting.mean[at] + self.passing.mean[at];
            sum.variance[at] += self.lasting.variance[at] + self.passing.variance[at];
        }
    }

    pub fn step(&mut self, step: &Step) {
        self.lasting.step(step);
        self.passing.step(step);
    }

    /// What passes here isn't what it was: better by `gain`, and as open as such things are.
    pub fn reopen(&mut self, gain: f64, rest: &Rest) {
        for (at, rest) in rest.passing.iter().enumerate() {
            self.passing.mean[at] += gain;
            self.passing.variance[at] = self.passing.variance[at].max(*rest);
        }
    }

    /// Mean and variance over the memories.
    pub fn mixed(&self, weights: &Each) -> (f64, f64) {
        let mut sum = Laws::default();
        self.add_to(&mut sum);
        let mean: f64 = sum.mean.iter().zip(weights).map(|(m, w)| m * w).sum();
        let spread = |at: usize| sum.variance[at] + (sum.mean[at] - mean) * (sum.mean[at] - mean);
        let variance = (0..MEMORIES).map(|at| weights[at] * spread(at)).sum();
        (mean, variance)
    }
}

/// What outcomes do to a sum of effects.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    /// How far a mean moves, per variance of its own.
    per_variance: Each,
    /// What a variance loses, per its square.
    shrink: Each,
    /// ln P(outcomes), by memory.
    pub ln_likelihood: Each,
}

impl Step {
    /// After `k` successes of `n` with the log odds at this sum: the mode of the posterior along it (Newton's method on a concave
    /// function), its curvature there, and Laplace's evidence.
    pub fn of(sum: &Laws, n: f64, k: f64) -> Self {
        let mut moved = [0.0; MEMORIES];
        for _ in 0..if n > 1.0 { 6 } else { 3 } {
            let p = rates(sum, &moved);
            for at in 0..MEMORIES {
                let precision = 1.0 / sum.variance[at].max(1e-12);
                let slope = k - n * p[at] - moved[at] * precision;
                let curve = n * p[at] * (1.0 - p[at]) + precision;
                moved[at] += (slope / curve).clamp(-2.0, 2.0);
            }
        }
        let p = rates(sum, &moved).map(|p| p.clamp(1e-9, 1.0 - 1e-9));
        let (won, lost) = (ln_each(p), ln_each(p.map(|p| 1.0 - p)));
        let information = p.map(|p| n * p * (1.0 - p));
        let widths: Each = std::array::from_fn(|at| 1.0 + information[at] * sum.variance[at]);
        let ln_widths = ln_each(widths);
        let each = |f: &dyn Fn(usize) -> f64| -> Each { std::array::from_fn(f) };
        let precision = |at: usize| 1.0 / sum.variance[at].max(1e-12);
        Self {
            per_variance: each(&|at| moved[at] * precision(at)),
            shrink: each(&|at| information[at] / widths[at]),
            ln_likelihood: each(&|at| {
                k * won[at] + (n - k) * lost[at]
                    - 0.5 * moved[at] * moved[at] * precision(at)
                    - 0.5 * ln_widths[at]
            }),
        }
    }
}

fn rates(sum: &Laws, moved: &Each) -> Each {
    let odds: Each = std::array::from_fn(|at| -(sum.mean[at] + moved[at]));
    exp_each(odds).map(|odds| 1.0 / (1.0 + odds))
}

#[cfg(test)]
mod tests {
    use super::*;

    const REST: Rest = Rest { lasting: [0.25; MEMORIES], passing: [0.01, 0.16, 0.64, 2.25] };
    const PACE: Pace = Pace { lasting: 4e-9, passing: [2e-7, 4e-7, 1.4e-6, 4e-7] };

    fn fallen() -> Effects {
        let law = Laws { mean: [-0.1, -0.8, -1.5, -3.0], variance: [0.01, 0.1, 0.2, 0.1] };
        Effects { at_ms: 0, lasting: Laws::at_rest(REST.lasting), passing: law }
    }

    #[test]
    fn two_spans_are_one() {
        let (mut one, mut two) = (fallen(), fallen());
        one.age(500_000, &PACE, &REST);
        for ms in [70_000, 70_001, 400_000, 500_000] {
            two.age(ms, &PACE, &REST);
        }
        for (one, two) in [(one.passing, two.passing), (one.lasting, two.lasting)] {
            for at in 0..MEMORIES {
                assert!((one.mean[at] - two.mean[at]).abs() < 1e-12);
                assert!((one.variance[at] - two.variance[at]).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn what_fell_far_is_soon_in_doubt_and_in_the_end_at_rest() {
        let mut effect = fallen();
        effect.age(120_000, &PACE, &REST);
        let deviation = effect.passing.variance[3].sqrt();
        assert!(deviation > 0.6 && effect.passing.mean[3] < -2.8, "{effect:?}");
        effect.age(100_000_000, &PACE, &REST);
        for at in 0..MEMORIES {
            assert!((effect.passing.variance[at] - REST.passing[at]).abs() < 1e-6);
        }
    }
}
