//! Sample-ratio mismatch among several groups: do they have the sizes that the split says?
//!
//! **Method.** The likelihood of the groups' counts averaged over a Dirichlet law around the split's own shares p, over that under p:
//!
//! ```text
//! e = G(k) / G(k + n) * prod G(k p_i + n_i) / (G(k p_i) p_i^(n_i)),     n = sum n_i,  G the gamma function
//! ```
//!
//! a martingale that begins at 1 if payments fall independently by p (Lindon and Malek 2022, arXiv 2011.03567). One per stage, for shares change; their product is an e-process
//! again. A payment in a group without a share refutes the split at once.

use libm::{lgamma, log};
use serde::{Deserialize, Serialize};

use super::split::{GROUPS, Group};

/// Payments that the law around the split is worth: it looks for shares a tenth off and more.
const PRIOR_PAYMENTS: f64 = 40.0;
/// ln of evidence that ends every doubt, still a number in JSON.
const LN_REFUTED: f64 = 1e9;

/// Sizes of the groups of one roll-out.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ratio {
    ln_past: f64,
    shares: [f64; GROUPS],
    counts: [u64; GROUPS],
}

impl Ratio {
    /// A stage with these shares begins.
    pub fn new(shares: [f64; GROUPS]) -> Self {
        Self { ln_past: 0.0, shares, counts: [0; GROUPS] }
    }

    /// The next stage begins; what was seen carries over.
    pub fn step(&mut self, shares: [f64; GROUPS]) {
        *self = Self { ln_past: self.ln_e(), ..Self::new(shares) };
    }

    /// A payment fell into a group.
    pub fn count(&mut self, group: Group) {
        self.counts[group as usize] += 1;
    }

    /// ln of the evidence against the split.
    pub fn ln_e(&self) -> f64 {
        let n: u64 = self.counts.iter().sum();
        let mut ln = lgamma(PRIOR_PAYMENTS) - lgamma(PRIOR_PAYMENTS + n as f64);
        for (share, count) in self.shares.iter().zip(self.counts) {
            match (*share > 0.0, count) {
                (true, _) => {
                    let (prior, count) = (PRIOR_PAYMENTS * share, count as f64);
                    ln += lgamma(prior + count) - lgamma(prior) - count * log(*share);
                }
                (false, 0) => {}
                (false, _) => return LN_REFUTED,
            }
        }
        self.ln_past + ln
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stats::stream::Stream;

    const SHARES: [f64; GROUPS] = [0.05, 0.93, 0.02];

    #[test]
    fn a_fair_split_is_left_alone_and_a_bent_one_is_found() {
        let mut stream = Stream::named(1, "ratio");
        let mut crossed = 0;
        for _ in 0..500 {
            let mut ratio = Ratio::new(SHARES);
            let mut worst = 0.0_f64;
            for payment in 0..2_000 {
                if payment == 1_000 {
                    ratio.step([0.5, 0.48, 0.02]);
                }
                let shares = ratio.shares;
                ratio.count(Group::ALL[stream.weighted(&shares)]);
                worst = worst.max(ratio.ln_e());
            }
            crossed += u32::from(worst >= log(20.0));
        }
        assert!(crossed <= 25 + 14, "{crossed} of 500 at level 1/20");
        // A twelfth of the candidate's payments never arrive.
        let mut bent = Ratio::new([0.49, 0.49, 0.02]);
        let mut found = None;
        for payment in 0..20_000 {
            let group = Group::ALL[stream.weighted(&[0.45, 0.49, 0.02])];
            bent.count(group);
            if bent.ln_e() > log(1_000.0) {
                found = Some(payment);
                break;
            }
        }
        assert!(found.is_some_and(|payments| payments > 100), "{found:?}");
    }

    #[test]
    fn a_group_that_has_no_share_has_no_payments() {
        let mut ratio = Ratio::new([0.98, 0.0, 0.02]);
        ratio.count(Group::Candidate);
        assert!(ratio.ln_e().abs() < 1.0);
        ratio.count(Group::Incumbent);
        assert_eq!(ratio.ln_e(), LN_REFUTED);
    }

    #[test]
    fn one_payment_is_never_expected_to_gain() {
        for seen in 0..30_u64 {
            let mut before = Ratio::new(SHARES);
            before.counts = [seen % 3, seen * 5 % 17, seen % 2];
            let expected: f64 = Group::ALL
                .iter()
                .zip(SHARES)
                .map(|(group, share)| {
                    let mut after = before;
                    after.count(*group);
                    share * libm::exp(after.ln_e() - before.ln_e())
                })
                .sum();
            assert!((expected - 1.0).abs() < 1e-9, "{expected}");
        }
    }
}
