//! Whether a gateway that fell behind is back.
//!
//! **Problem.** After a fall there are two hypotheses: the gateway is as it was seen last, or what had befallen it is over. The filters make one broad hump of
//! them, from whose upper end a choice that explores little hardly ever draws: with a payment now and then it took them up to ten minutes to come back.
//!
//! **Method.** A second hypothesis is kept apart: *it does as well as the best of the others again*. Probability moves to it at the pace at which
//! things pass at this gateway, times the share of all attempts that were its own (who led comes back to lead; who never did has no such past), times
//! [`super::LearnerSettings::returns`]; each outcome where it is behind moves it by Bayes' rule, and one where it leads ends it. The choice gives the gateway half of that
//! probability, as to one of two equals. When it is likelier than not, what is believed of the gateway is put where the others are, and opened.
//!
//! **Guarantee.** A probability, whatever is told. It never grows but by time and by outcomes that are likelier at the best of the others.
//!
//! **What it supposes.** That a gateway comes back everywhere at once: at one issuer alone it is noticed as slowly as before.

use serde::{Deserialize, Serialize};
use stats::elementary::{exp_each, ln_each};

/// Better by less than this, others lead by nothing that outcomes could tell.
const LEAD_MIN: f64 = 0.02;

/// The second hypothesis on a gateway.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Comeback {
    probability: f64,
    at_ms: i64,
}

impl Comeback {
    /// Of a gateway that is seen for the first time: nothing has befallen it.
    pub fn new(at_ms: i64) -> Self {
        Self { probability: 0.0, at_ms }
    }

    /// Its probability at an instant, `per_ms` being the rate at which it comes back.
    pub fn at(&self, at_ms: i64, per_ms: f64) -> f64 {
        let ms = at_ms.saturating_sub(self.at_ms).max(0) as f64;
        1.0 - (1.0 - self.probability) * exp_each([-per_ms * ms])[0]
    }

    /// After `k` successes of `n` where this gateway is expected to have `now` of them, and the best of the others, if any is known there, `best`. Whether it is back.
    pub fn learn(
        &mut self,
        at_ms: i64,
        per_ms: f64,
        (n, k): (f64, f64),
        [now, best]: [f64; 2],
    ) -> bool {
        let before = self.at(at_ms, per_ms);
        self.at_ms = self.at_ms.max(at_ms);
        self.probability = 0.0;
        if best < now + LEAD_MIN {
            return false;
        }
        let [won_now, won_best, lost_now, lost_best] =
            ln_each([now, best, 1.0 - now, 1.0 - best].map(|p| p.max(1e-9)));
        let ln_odds = k * (won_best - won_now) + (n - k) * (lost_best - lost_now);
        let odds = exp_each([ln_odds.clamp(-30.0, 30.0)])[0] * before / (1.0 - before).max(1e-9);
        let after = odds / (1.0 + odds);
        if after > 0.5 {
            return true;
        }
        self.probability = after;
        false
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Comes back once in ten minutes.
    const PER_MS: f64 = 1.0 / 600_000.0;

    #[test]
    fn a_few_successes_after_a_while_are_believed_and_failures_are_not() {
        let mut comeback = Comeback::new(0);
        for second in 0..60 {
            assert!(!comeback.learn(second * 1_000, PER_MS, (1.0, 0.0), [0.2, 0.9]));
        }
        assert!(comeback.probability < 0.001, "{comeback:?}");
        let mut told = 0;
        while !comeback.learn(60_000 + told * 10_000, PER_MS, (1.0, 1.0), [0.2, 0.9]) {
            told += 1;
        }
        assert!((2..6).contains(&told), "{told}");
        assert_eq!(comeback.probability, 0.0, "another hypothesis begins");
    }

    proptest! {
        #[test]
        fn it_is_a_probability_that_only_time_and_better_outcomes_raise(
            tellings in prop::collection::vec((0..600_000_i64, 0..20_u64, 0.0..1.0_f64, 0.0..1.0_f64, 0.0..1.0_f64), 1..40),
        ) {
            let (mut comeback, mut at_ms) = (Comeback::new(0), 0);
            for (ms, n, share, now, best) in tellings {
                at_ms += ms;
                let k = (share * n as f64).floor();
                let before = comeback.at(at_ms, PER_MS);
                let is_back = comeback.learn(at_ms, PER_MS, (n as f64, k), [now, best]);
                let after = comeback.at(at_ms, PER_MS);
                prop_assert!((0.0..=0.5).contains(&after), "{}", after);
                if k == 0.0 && n > 0 {
                    prop_assert!(!is_back || before > 0.5);
                    prop_assert!(after <= before + 1e-12);
                }
            }
        }
    }
}
