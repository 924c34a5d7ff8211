//! How long an outage that has lasted so long will last on.
//!
//! Outages end at rates that differ from one to the next: with a gamma(alpha, beta) law over the rate the duration is Lomax (Pareto II), whose hazard alpha / (beta + age) falls with age:
//! what has lasted an hour will likely last another. The prior is worth one outage and a bit; each remembered one of the pattern adds 1 to alpha and its minutes to beta,
//! which is the exact posterior. P(lasts r longer | age a) = ((beta + a) / (beta + a + r))^alpha.

use libm::pow;
use serde::{Deserialize, Serialize};

const PRIOR_ALPHA: f64 = 1.3;
/// Median of the prior: (2^(1/1.3) - 1) * 15 min, some eleven minutes.
const PRIOR_BETA_MIN: f64 = 15.0;

/// Outages of a pattern that are over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Durations {
    /// How many.
    pub outages: f64,
    /// Their minutes together.
    pub minutes: f64,
}

impl Durations {
    /// Minutes that it lasts on, not exceeded with probability `q`, when it has lasted `age_min`.
    pub fn remaining_min(&self, age_min: f64, q: f64) -> f64 {
        let alpha = PRIOR_ALPHA + self.outages;
        let beta = PRIOR_BETA_MIN + self.minutes + age_min.max(0.0);
        beta * (pow(1.0 - q, -1.0 / alpha) - 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn older_outages_last_longer_and_memory_shortens() {
        let none = Durations::default();
        assert!((none.remaining_min(0.0, 0.5) - 10.6).abs() < 0.1);
        assert!(none.remaining_min(60.0, 0.5) > 40.0);
        let short = Durations { outages: 10.0, minutes: 20.0 };
        assert!(short.remaining_min(0.0, 0.5) < 3.0);
    }
}
