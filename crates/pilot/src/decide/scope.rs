//! Whose loss it is: the hit gateway's own, or one that all share.
//!
//! **Problem.** When every gateway loses (payday, a bank, a bad deployment upstream), the one that shows first is the one with most traffic or least luck, not the cause. Its loss
//! has to be told apart from what the others lose at the same time.
//!
//! **Method.** A shift common to all, in log-odds: none with probability 0.8, else uniform between nothing and a little more than what the hit gateway shows. Each other gateway speaks
//! by its beta-binomial likelihood, the expectation's own error included, or has trouble of its own (one in ten), so that a second failing gateway isn't taken for the
//! world. The hit gateway's loss is normal about what was counted. The answer is the posterior probability that at least half of it is its own.
//!
//! **Cost.** 25 points times the gateways, three log-gammas each: 30 us.

use libm::{erfc, exp, log, sqrt};
use stats::posterior::Beta;

use crate::experiment::{logistic, logit};
use crate::situation::Outcomes;
use crate::{Path, Situation};

/// Grid points between nothing and [`BEYOND`] times the hit gateway's loss.
const POINTS: usize = 24;
const BEYOND: f64 = 1.2;
/// Probability that the loss is shared, before the others are looked at: the analyst has looked and has named the gateway.
const SHARED: f64 = 0.2;
/// The expectation of the hit gateway is doubted at so many standard deviations: of thousands of slices and hours the one is looked at whose
/// expectation happens to be furthest off.
const DOUBT: f64 = 2.0;
/// Probability that another gateway has trouble of its own.
const OWN_TROUBLE: f64 = 0.1;

/// Probability that at least half of the loss is the hit gateway's own; none where no gateway is named or nothing was seen there.
pub fn own_half(situation: &Situation) -> Option<f64> {
    let hit = situation.hit()?;
    if hit.attempts < 1.0 {
        return None;
    }
    let n = hit.attempts / hit.dispersion.max(1.0);
    let rate = ((hit.successes + 0.5) / (hit.attempts + 1.0)).clamp(0.005, 0.995);
    let loss = logit(rate) - logit((hit.expected_successes / hit.attempts).clamp(0.005, 0.995));
    let doubt = DOUBT * hit.baseline_sd;
    let variance = 1.0 / (n * rate * (1.0 - rate)).max(1e-9) + doubt * doubt;
    if loss >= 0.0 {
        return Some(0.0);
    }
    let shifts = (0..=POINTS).map(|i| BEYOND * loss * i as f64 / POINTS as f64);
    let weighted: Vec<(f64, f64)> = shifts
        .enumerate()
        .map(|(i, shift)| {
            let prior = if i == 0 { 1.0 - SHARED } else { SHARED / POINTS as f64 };
            let others = situation.paths.iter().filter(|path| !path.hit);
            (shift, log(prior) + others.map(|path| ln_likelihood(path, shift)).sum::<f64>())
        })
        .collect();
    let most = weighted.iter().map(|(_, ln)| *ln).fold(f64::NEG_INFINITY, f64::max);
    let (mut own, mut all) = (0.0, 0.0);
    for (shift, ln) in weighted {
        let weight = exp(ln - most);
        all += weight;
        own += weight * normal_cdf((2.0 * shift - loss) / sqrt(variance));
    }
    Some(own / all)
}

fn ln_likelihood(path: &Path, shift: f64) -> f64 {
    let Outcomes { attempts, successes, expected_successes } = path.meanwhile();
    if attempts < 1.0 {
        return 0.0;
    }
    let phi = path.dispersion.max(1.0);
    let (n, k) = (attempts / phi, successes.clamp(0.0, attempts) / phi);
    let expected = (expected_successes / attempts).clamp(0.01, 0.99);
    let mean = logistic(logit(expected) + shift).clamp(0.01, 0.99);
    let sd = (path.baseline_sd * path.baseline_sd).max(9e-4);
    let size = (1.0 / (sd * mean * (1.0 - mean)) - 1.0).clamp(2.0, 5_000.0);
    let alike = Beta::with_mean(mean, size).ln_marginal(n, k);
    let apart = Beta::with_mean(0.5, 2.0).ln_marginal(n, k);
    let most = alike.max(apart);
    most + log((1.0 - OWN_TROUBLE) * exp(alike - most) + OWN_TROUBLE * exp(apart - most))
}

fn normal_cdf(z: f64) -> f64 {
    0.5 * erfc(-z / core::f64::consts::SQRT_2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::situation::example;
    use payments::Timestamp;

    /// Losses in points of razorpay, payu and stripe, and the answer.
    fn own(hit: f64, payu: f64, stripe: f64, attempts: f64) -> f64 {
        let mut situation = example::situation(Timestamp::from_millis(0));
        for (path, loss) in situation.paths.iter_mut().zip([hit, payu, stripe]) {
            path.attempts = attempts;
            path.expected_successes = attempts * path.baseline_rate;
            path.successes = attempts * (path.baseline_rate - loss);
        }
        own_half(&situation).unwrap()
    }

    #[test]
    fn a_loss_is_its_own_where_the_others_are_well() {
        assert!(own(0.2, 0.0, 0.0, 60.0) > 0.9);
        assert!(own(0.5, 0.02, 0.0, 30.0) > 0.9);
    }

    #[test]
    fn a_loss_that_all_share_is_nobodys_own() {
        assert!(own(0.14, 0.14, 0.14, 300.0) < 0.2);
        assert!(own(0.07, 0.04, 0.03, 600.0) < 0.8);
        assert!(own(-0.05, 0.0, 0.0, 100.0) < 0.1);
    }

    #[test]
    fn another_gateway_that_fails_by_itself_is_not_the_world() {
        assert!(own(0.4, 0.5, 0.0, 200.0) > 0.8);
    }
}
