//! One target policy against another, on the same log.
//!
//! **Method.** `w_a r + w_b (1 - r)` is never negative and has the mean `value(a) + 1 - value(b)`; the mirrored one has 1 less the difference. Both
//! with a control variate, as in the estimates: where the policies agree nothing is left but the difference 0, so that what they have in common costs no width.

use super::bound::LowerBound;
use super::{DEFICIT_MAX, Estimate, Logged, Moments};

/// Sums over a log, for the difference of two target policies.
#[derive(Clone, Debug, PartialEq)]
pub struct Contrast {
    difference: Moments,
    bounds: [LowerBound; 2],
}

impl Default for Contrast {
    fn default() -> Self {
        Self { difference: Moments::default(), bounds: [LowerBound::new(DEFICIT_MAX, 2.0); 2] }
    }
}

impl Contrast {
    /// The next decision, as each of the two policies sees it; `agree`: they do the same in this context.
    pub fn push(&mut self, a: &Logged, b: &Logged, agree: bool) {
        debug_assert!(a.reward == b.reward && a.predicted == b.predicted, "one decision");
        for (bound, (a, b)) in self.bounds.iter_mut().zip([(a, b), (b, a)]) {
            let (lowest, highest) = a.predicted_range;
            let value = a.weight * a.reward + b.weight * (1.0 - a.reward);
            let control = a.weight * a.predicted + b.weight * (1.0 - a.predicted);
            let expected = a.expected + 1.0 - b.expected;
            let deficit = match agree {
                // The control is the value itself, whatever the action.
                true => 0.0,
                false => a.weight_max * highest + b.weight_max * (1.0 - lowest) - expected,
            };
            let shrink = if deficit > DEFICIT_MAX { DEFICIT_MAX / deficit } else { 1.0 };
            bound.push(value - shrink * (control - expected));
        }
        let correction = (a.weight - b.weight) * (a.reward - a.predicted);
        self.difference.push(correction + a.expected - b.expected);
    }

    /// The first less the second, its interval at level 1 - `alpha`.
    pub fn estimate(&self, alpha: f64) -> Estimate {
        let [low, high] = self.bounds.map(|bound| bound.lower(alpha / 2.0) - 1.0);
        let (value, half) = (self.difference.mean, self.difference.half_width());
        Estimate { value, interval: (low, (-high).max(low)), fixed_n: (value - half, value + half) }
    }

    /// Whether the interval at level 1 - `alpha` leaves this difference out.
    pub fn misses(&self, difference: f64, alpha: f64) -> bool {
        let [low, high] = &self.bounds;
        low.refutes(1.0 + difference, alpha / 2.0) || high.refutes(1.0 - difference, alpha / 2.0)
    }
}
