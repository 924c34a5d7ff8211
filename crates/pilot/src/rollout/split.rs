//! Which payment is whose: by a hash of its id with the roll-out's salt.
//!
//! A payment has one place in [0, 1), whatever the stage. The candidate has the beginning, as long as its share; the hold-out the end, for good; between them is the incumbent's. So
//! a growing share only adds payments, a retry falls as its payment did, and nobody who was held out is ever routed by the candidate.

use serde::{Deserialize, Serialize};

/// How many groups there are.
pub const GROUPS: usize = 3;

/// Whose payment it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Group {
    /// The policy on trial routes it.
    Candidate,
    /// The policy in force routes it.
    Incumbent,
    /// The policy in force routes it, even when the candidate has everything else.
    HoldOut,
}

impl Group {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; GROUPS] = [Self::Candidate, Self::Incumbent, Self::HoldOut];

    /// As it is written on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Candidate => "candidate",
            Self::Incumbent => "incumbent",
            Self::HoldOut => "hold_out",
        }
    }
}

/// Who gets how much.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Split {
    /// Of the hash.
    pub salt: u64,
    /// The candidate's share of all payments.
    pub candidate: f64,
    /// The hold-out's.
    pub hold_out: f64,
}

impl Split {
    /// The group of a payment.
    pub fn group(&self, payment_id: &str) -> Group {
        match routing::place_in_rollout(self.salt, payment_id) {
            place if place < self.candidate => Group::Candidate,
            place if place >= 1.0 - self.hold_out => Group::HoldOut,
            _ => Group::Incumbent,
        }
    }

    /// Shares by group.
    pub fn shares(&self) -> [f64; GROUPS] {
        let incumbent = 1.0 - self.hold_out - self.candidate;
        // What rounding leaves is no share.
        let incumbent = if incumbent > 1e-9 { incumbent } else { 0.0 };
        [self.candidate, incumbent, self.hold_out]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_growing_share_only_adds(salt in any::<u64>(), id in "[a-z0-9]{1,12}", less in 0.0..=0.98_f64, more in 0.0..=0.98_f64) {
            let of = |candidate: f64| Split { salt, candidate, hold_out: 0.02 }.group(&id);
            let (less, more) = (less.min(more), less.max(more));
            prop_assert!(of(less) != Group::Candidate || of(more) == Group::Candidate);
            prop_assert_eq!(of(less) == Group::HoldOut, of(more) == Group::HoldOut);
        }
    }

    #[test]
    fn groups_have_their_shares() {
        let split = Split { salt: 7, candidate: 0.2, hold_out: 0.02 };
        let mut counts = [0.0; GROUPS];
        for payment in 0..50_000 {
            counts[split.group(&format!("p_{payment}")) as usize] += 1.0 / 50_000.0;
        }
        for (count, share) in counts.iter().zip(split.shares()) {
            assert!((count - share).abs() < 0.01, "{counts:?}");
        }
        assert_eq!(Split { candidate: 0.98, ..split }.shares()[1], 0.0);
    }
}
