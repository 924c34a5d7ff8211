//! Cohorts: payments by the time at which they were decided.
//!
//! **Problem.** An outcome reports late, and how late depends on what it is: a decline within a second, a timeout after thirty. Comparing what is known
//! by now takes the arm with the slow failures for the better one.
//!
//! **Method.** Payments are grouped by the second of their *decision*; each cohort knows how many are pending. A payment's outcome is "approved within
//! the maturity horizon" (60 s), for both arms alike: what is pending then has failed. Younger cohorts are used at once, with their pending payments
//! filled in *against* what is to be shown: as one test or the other would like it least. Every bet is monotone in the outcomes, so the filled value never exceeds the true one,
//! and any beginning of the sequence of cohorts may be looked at, because the process's bound holds at all of its times at once: a young cohort that
//! is all pending is simply left out.
//!
//! The bets of a cohort (share, rates) are fixed when it opens, from cohorts before it: predictable.

use payments::Timestamp;
use routing::Arm;
use serde::{Deserialize, Serialize};

use super::bet::Outcomes;

/// How pending payments are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fill {
    /// Against the treatment: its pending ones fail, the control's are approved.
    AgainstTreatment,
    /// Against the control.
    AgainstControl,
    /// Time is up: all fail.
    Matured,
}

/// The payments of one second and one step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cohort {
    /// When it opens.
    pub start: Timestamp,
    /// Share of treatment in force.
    pub share: f64,
    /// Success rate of the control arm that is bet on.
    pub control_rate: f64,
    /// ... and of the treatment.
    pub treatment_rate: f64,
    /// Payments by arm.
    pub decided: [u32; 2],
    /// Failures and approvals known, by arm.
    pub known: [[u32; 2]; 2],
}

impl Cohort {
    /// Failures and approvals of an arm under this reading.
    pub fn outcomes(&self, arm: Arm, fill: Fill) -> Outcomes {
        let [failed, approved] = self.known[index(arm)].map(f64::from);
        let pending = f64::from(self.pending(arm));
        let approve = match fill {
            Fill::Matured => false,
            Fill::AgainstTreatment => arm == Arm::Control,
            Fill::AgainstControl => arm == Arm::Treatment,
        };
        if approve { [failed, approved + pending] } else { [failed + pending, approved] }
    }

    /// Payments of an arm whose outcome isn't known.
    pub fn pending(&self, arm: Arm) -> u32 {
        let known = self.known[index(arm)];
        self.decided[index(arm)].saturating_sub(known[0] + known[1])
    }

    /// Whether anything is known of it.
    pub fn is_silent(&self) -> bool {
        self.known.iter().flatten().all(|count| *count == 0)
    }
}

/// Place of an arm in a pair.
pub fn index(arm: Arm) -> usize {
    match arm {
        Arm::Control => 0,
        Arm::Treatment => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn filled_counts_bracket_every_later_truth(decided in 0_u32..50, failed in 0_u32..50, approved in 0_u32..50, later in 0_u32..50) {
            let failed = failed.min(decided);
            let approved = approved.min(decided - failed);
            let cohort = Cohort {
                start: Timestamp::from_millis(0), share: 0.5, control_rate: 0.7, treatment_rate: 0.9,
                decided: [decided; 2], known: [[failed, approved]; 2],
            };
            let pending = cohort.pending(Arm::Treatment);
            let truth = f64::from(approved + later.min(pending));
            let least = cohort.outcomes(Arm::Treatment, Fill::AgainstTreatment)[1];
            let most = cohort.outcomes(Arm::Treatment, Fill::AgainstControl)[1];
            prop_assert!(least <= truth && truth <= most);
            for fill in [Fill::AgainstTreatment, Fill::AgainstControl, Fill::Matured] {
                let [f, a] = cohort.outcomes(Arm::Control, fill);
                prop_assert_eq!(f + a, f64::from(decided));
            }
        }
    }
}
