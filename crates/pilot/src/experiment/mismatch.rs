//! Sample-ratio mismatch: do the arms have the sizes that the coin says?
//!
//! A mismatch means that assignment and measurement disagree (arms that lose events, a router with another allocation), and then nothing that the arms say is to
//! be believed. The test is the beta-binomial mixture against the known share s: B(a + t, b + c) / B(a, b) / (s^t (1 - s)^c) with the prior's mean at s, an e-process for a fair coin of
//! that bias (Lindon and Malek 2022, arXiv 2011.03567). One per step, because the share changes; their product is an e-process again.

use libm::{log, log1p};
use serde::{Deserialize, Serialize};
use stats::posterior::Beta;

/// Payments that the prior over the true share is worth: it looks for ratios a tenth off and more.
const PRIOR_PAYMENTS: f64 = 40.0;

/// Sizes of the arms of one experiment.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mismatch {
    ln_past: f64,
    share: f64,
    control: u64,
    treatment: u64,
}

impl Mismatch {
    /// A step with this share of treatment begins.
    pub fn new(share: f64) -> Self {
        Self { ln_past: 0.0, share, control: 0, treatment: 0 }
    }

    /// The next step begins; what was seen carries over.
    pub fn step(&mut self, share: f64) {
        *self = Self { ln_past: self.ln_e(), ..Self::new(share) };
    }

    /// A payment went into an arm under this share; one that is reported after its step doesn't count.
    pub fn count(&mut self, treated: bool, share: f64) {
        if share != self.share {
            return;
        }
        if treated {
            self.treatment += 1;
        } else {
            self.control += 1;
        }
    }

    /// ln of the evidence against the coin.
    pub fn ln_e(&self) -> f64 {
        if !(self.share > 0.0 && self.share < 1.0) {
            return self.ln_past;
        }
        let (control, treatment) = (self.control as f64, self.treatment as f64);
        let prior = Beta::with_mean(self.share, PRIOR_PAYMENTS);
        self.ln_past + prior.ln_marginal(control + treatment, treatment)
            - treatment * log(self.share)
            - control * log1p(-self.share)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stats::stream::Stream;

    #[test]
    fn a_fair_coin_passes_and_a_bent_one_is_found() {
        let mut stream = Stream::named(1, "mismatch");
        let mut crossed = 0;
        for _ in 0..500 {
            let mut mismatch = Mismatch::new(0.05);
            let mut worst = 0.0_f64;
            for payment in 0..2_000 {
                if payment == 1_000 {
                    mismatch.step(0.5);
                }
                let share = if payment < 1_000 { 0.05 } else { 0.5 };
                mismatch.count(stream.bernoulli(share), share);
                worst = worst.max(mismatch.ln_e());
            }
            crossed += u32::from(worst >= log(20.0));
        }
        assert!(crossed <= 35, "{crossed} of 500 at level 1/20");
        let mut bent = Mismatch::new(0.05);
        for payment in 0..1_000 {
            bent.count(payment % 8 == 0, 0.05);
        }
        assert!(bent.ln_e() > log(1_000.0), "{}", bent.ln_e());
    }
}
