//! One bet on one payment of one arm.
//!
//! **Problem.** Two arms, a stream of payments, and the claim "arm A is no better than arm B less a margin". How much should a payment's outcome
//! count against that claim, so that one may look after every payment?
//!
//! **Method.** The 2x2 e-value of Turner, Ly and Grünwald (arXiv 2106.02693; with a margin arXiv 2203.09785): the likelihood under an alternative
//! (a, b) over that under its projection (a0, b0) onto the claim's edge a0 = b0 - margin, where the arms weigh as in a block. Their blocks hold fixed
//! numbers of each arm (1 + 19 for a step of 5 %). Here the arm of each payment is a coin of known bias s (the hash of its id), so a block is *one* payment whose arm is
//! drawn: the same proportions 1:19, 1:4, 1:1, 49:1 as shares of a mean instead of places in a block. With success rates (x, y) the factor's expectation over arm and outcome is
//!
//! ```text
//! s [1 + (x - a0)(a - a0) / (a0 (1 - a0))] + (1 - s) [1 + (y - b0)(b - b0) / (b0 (1 - b0))]  =  1 + c [(x - y) + margin]
//! ```
//!
//! because the projection makes both slopes equal and opposite (c >= 0). It is at most 1 exactly where the claim holds.
//!
//! **Guarantee.** Exact at any sample size and stopping time, and for rates that change from payment to payment, which a block needs to be constant:
//! what strikes both arms at once (a burst, a recovery) is no evidence. No payment waits for its block to fill. What it rests on is the coin; the sample-ratio test watches that. Per payment it grows as fast as the block does:
//! s KL(a, a0) + (1 - s) KL(b, b0).
//!
//! **Cost.** Closed form without margin, some six Newton steps with one.

use libm::log;
use routing::Arm;

/// Rates are kept this far from 0 and 1.
const EDGE: f64 = 1e-3;

/// ln of the factor by arm and outcome.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bet {
    ln: [[f64; 2]; 2],
}

/// Counts of one arm: how many failed and how many were approved.
pub type Outcomes = [f64; 2];

impl Bet {
    /// Against "`claimed` is at most as good as the other arm less `margin`", betting on the rate `better` for the claimed arm and `worse` for the other.
    /// `treatment_share` is the coin's bias. A bet that the claim doesn't contradict is no bet: factor 1.
    pub fn new(claimed: Arm, better: f64, worse: f64, margin: f64, treatment_share: f64) -> Self {
        let (a, b) = (better.clamp(EDGE, 1.0 - EDGE), worse.clamp(EDGE, 1.0 - EDGE));
        let share = match claimed {
            Arm::Treatment => treatment_share,
            Arm::Control => 1.0 - treatment_share,
        };
        if a <= b - margin || !(share > 0.0 && share < 1.0) {
            return Self { ln: [[0.0; 2]; 2] };
        }
        let a0 = if margin == 0.0 {
            share * a + (1.0 - share) * b
        } else {
            projected(a, b, margin, share)
        };
        let b0 = a0 + margin;
        let claimed_ln = [log((1.0 - a) / (1.0 - a0)), log(a / a0)];
        let other_ln = [log((1.0 - b) / (1.0 - b0)), log(b / b0)];
        match claimed {
            Arm::Treatment => Self { ln: [other_ln, claimed_ln] },
            Arm::Control => Self { ln: [claimed_ln, other_ln] },
        }
    }

    /// ln of the product of the factors of these outcomes.
    pub fn ln_factor(&self, control: Outcomes, treatment: Outcomes) -> f64 {
        control[0] * self.ln[0][0]
            + control[1] * self.ln[0][1]
            + treatment[0] * self.ln[1][0]
            + treatment[1] * self.ln[1][1]
    }
}

/// The claim's point nearest to (a, b) in weighted Kullback-Leibler divergence, which is convex along the edge: Newton's steps on its slope, kept between the bounds that they tighten.
fn projected(a: f64, b: f64, margin: f64, share: f64) -> f64 {
    // Slope of one arm's part, and how that changes.
    let part = |rate: f64, n: f64| {
        let v = n * (1.0 - n);
        ((rate - n) / v, -(v + (rate - n) * (1.0 - 2.0 * n)) / (v * v))
    };
    let (mut low, mut high) = (1e-9, 1.0 - margin - 1e-9);
    let mut n = (share * a + (1.0 - share) * (b - margin)).clamp(low, high);
    for _ in 0..60 {
        let (slope_a, bend_a) = part(a, n);
        let (slope_b, bend_b) = part(b, n + margin);
        let slope = share * slope_a + (1.0 - share) * slope_b;
        if slope > 0.0 {
            low = n;
        } else {
            high = n;
        }
        let step = n - slope / (share * bend_a + (1.0 - share) * bend_b);
        let next = if step > low && step < high { step } else { 0.5 * (low + high) };
        if (next - n).abs() < 1e-13 {
            break;
        }
        n = next;
    }
    n
}

#[cfg(test)]
mod tests {
    use super::*;
    use libm::exp;
    use proptest::prelude::*;

    fn expectation(bet: &Bet, control: f64, treatment: f64, share: f64) -> f64 {
        let arm = |ln: [f64; 2], rate: f64| rate * exp(ln[1]) + (1.0 - rate) * exp(ln[0]);
        (1.0 - share) * arm(bet.ln[0], control) + share * arm(bet.ln[1], treatment)
    }

    proptest! {
        #[test]
        fn never_expected_to_gain_where_the_claim_holds(
            better in 0.01..0.99_f64, worse in 0.01..0.99_f64, margin in prop_oneof![Just(0.0), 0.01..0.3_f64],
            share in 0.01..0.99_f64, other in 0.0..=1.0_f64, below in 0.0..=1.0_f64, on_treatment in any::<bool>(),
        ) {
            let claimed = if on_treatment { Arm::Treatment } else { Arm::Control };
            let bet = Bet::new(claimed, better, worse, margin, share);
            let rate = (other - margin) * below;
            prop_assume!(rate >= 0.0);
            let (control, treatment) = if on_treatment { (other, rate) } else { (rate, other) };
            prop_assert!(expectation(&bet, control, treatment, share) <= 1.0 + 1e-6);
        }

        #[test]
        fn approvals_of_the_claimed_arm_never_count_against_it(
            better in 0.01..0.99_f64, worse in 0.01..0.99_f64, margin in prop_oneof![Just(0.0), 0.01..0.3_f64], share in 0.01..0.99_f64,
        ) {
            let bet = Bet::new(Arm::Treatment, better, worse, margin, share);
            prop_assert!(bet.ln[1][1] >= bet.ln[1][0] - 1e-7 && bet.ln[0][0] >= bet.ln[0][1] - 1e-7);
        }
    }

    #[test]
    fn gains_where_the_alternative_holds() {
        let bet = Bet::new(Arm::Treatment, 0.88, 0.68, 0.0, 0.05);
        let grows = 0.05 * (0.88 * bet.ln[1][1] + 0.12 * bet.ln[1][0])
            + 0.95 * (0.68 * bet.ln[0][1] + 0.32 * bet.ln[0][0]);
        // 0.1 nats per treated payment: some eleven of them for the first promotion.
        assert!((grows / 0.05 - 0.104).abs() < 0.003, "{}", grows / 0.05);
    }
}
