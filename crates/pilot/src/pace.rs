//! How fast an intervention would have grown over traffic that took its own way.
//!
//! **Problem.** A recorded file tells what happened without the pilot. What it would have moved depends on how soon its tests would have let it: seconds where payments come by the
//! hundred, hours where they come one a minute.
//!
//! **Method.** Evidence at its expected growth. A payment of the slice, in one arm or the other by a coin of bias s, adds `s KL(a, m) + (1 - s) KL(b, m)` nats to the test of
//! benefit, where a and b are the rates of target and untouched path and m = s a + (1 - s) b (the block's rate, see `experiment::bet`; what a bet on the true effect weighs in its mixture is taken off). A
//! step lasts until that reaches its threshold, until enough payments were treated in it, and at least as long as the usual ramp takes where traffic is plenty, since outcomes need time to
//! come in. Without fresh evidence within its TTL an intervention ends, and begins anew after the cooldown; no life is longer than the maximum. Where the target is no better, no
//! evidence comes and it stays at the first step.
//!
//! **What it is not**: a test. It knows both rates, where the pilot learns them, and expects growth where the pilot meets chance; a ramp of this pace is a fair one, neither the luckiest nor the slowest.
//! **Units**: milliseconds, nats, shares of the slice. **Cost**: constant per step entered.

use libm::log;

use crate::Limits;
use crate::decide::gain::RAMP;
use crate::experiment::{BENEFIT_WEIGHTS, STEP_OUTCOMES_MIN};

/// The state of such a ramp.
#[derive(Clone, Debug)]
pub struct Pace {
    limits: Limits,
    treated_rate: f64,
    untouched_rate: f64,
    step: usize,
    /// Evidence of benefit, and that since the last renewal, nats.
    benefit: f64,
    fresh: f64,
    /// Treated payments of this step, and its age.
    treated: f64,
    step_ms: f64,
    /// Age of this life, and of its last renewal.
    life_ms: f64,
    renewed_ms: f64,
    /// Until the cooldown is over.
    rest_ms: f64,
}

impl Pace {
    /// At the first step; rates of target and untouched path.
    pub fn new(limits: &Limits, treated_rate: f64, untouched_rate: f64) -> Self {
        let edge = |rate: f64| rate.clamp(1e-3, 1.0 - 1e-3);
        Self {
            limits: limits.clone(),
            treated_rate: edge(treated_rate),
            untouched_rate: edge(untouched_rate),
            step: 0,
            benefit: -opening(),
            fresh: -opening(),
            treated: 0.0,
            step_ms: 0.0,
            life_ms: 0.0,
            renewed_ms: 0.0,
            rest_ms: 0.0,
        }
    }

    /// The share of the slice that is moved now.
    pub fn share(&self) -> f64 {
        if self.rest_ms > 0.0 {
            return 0.0;
        }
        self.limits.steps.get(self.step).map_or(0.0, |step| self.limits.share_of_step(*step))
    }

    /// Lets so many payments pass, evenly over a time; answers with the share of them that was moved.
    pub fn pass(&mut self, payments: f64, span_ms: f64) -> f64 {
        let (mut left, mut moved) = (span_ms, 0.0);
        let per_ms = if span_ms > 0.0 { payments.max(0.0) / span_ms } else { 0.0 };
        while left > 0.0 {
            let share = self.share();
            let nats = per_ms * self.growth(share);
            // No shorter than a tick: rounding must not make a stretch of nothing.
            let stretch =
                self.until_change(share * per_ms, nats).clamp(1.0, left.max(1.0)).min(left);
            moved += share * stretch;
            left -= stretch;
            self.wait(stretch, share * per_ms, nats);
        }
        if span_ms > 0.0 { moved / span_ms } else { 0.0 }
    }

    /// Nats per payment of the slice.
    fn growth(&self, share: f64) -> f64 {
        let (a, b) = (self.treated_rate, self.untouched_rate);
        if a <= b {
            return 0.0;
        }
        let mean = share * a + (1.0 - share) * b;
        share * divergence(a, mean) + (1.0 - share) * divergence(b, mean)
    }

    /// Time until the step, the life or the rest is over, at this pace.
    fn until_change(&self, treated_per_ms: f64, nats_per_ms: f64) -> f64 {
        if self.rest_ms > 0.0 {
            return self.rest_ms;
        }
        let expires = (self.limits.ttl_ms as f64 - (self.life_ms - self.renewed_ms))
            .min(self.limits.ttl_max_ms as f64 - self.life_ms);
        let Some(step) = self.next_step(treated_per_ms, nats_per_ms) else { return expires };
        step.min(expires)
    }

    fn next_step(&self, treated_per_ms: f64, nats_per_ms: f64) -> Option<f64> {
        if self.step + 1 >= self.limits.steps.len() {
            return None;
        }
        let need = |missing: f64, per_ms: f64| {
            if missing <= 0.0 {
                0.0
            } else if per_ms > 0.0 {
                missing / per_ms
            } else {
                f64::INFINITY
            }
        };
        let evidence = need(log(self.limits.promote_e(self.step)) - self.benefit, nats_per_ms);
        let outcomes = need(STEP_OUTCOMES_MIN - self.treated, treated_per_ms);
        Some(evidence.max(outcomes).max(least_ms(self.step) - self.step_ms))
    }

    fn wait(&mut self, ms: f64, treated_per_ms: f64, nats_per_ms: f64) {
        if self.rest_ms > 0.0 {
            self.rest_ms = (self.rest_ms - ms).max(0.0);
            return;
        }
        self.benefit += nats_per_ms * ms;
        self.fresh += nats_per_ms * ms;
        self.treated += treated_per_ms * ms;
        self.step_ms += ms;
        self.life_ms += ms;
        const SOON: f64 = 1e-6;
        if self.next_step(treated_per_ms, nats_per_ms).is_some_and(|left| left <= SOON) {
            (self.step, self.treated, self.step_ms) = (self.step + 1, 0.0, 0.0);
        }
        let is_old = self.life_ms + SOON >= self.limits.ttl_max_ms as f64;
        if self.life_ms - self.renewed_ms + SOON >= self.limits.ttl_ms as f64 || is_old {
            if self.fresh >= log(self.limits.renew_e) && !is_old {
                (self.renewed_ms, self.fresh) = (self.life_ms, -opening());
            } else {
                let (rates, rest_ms) =
                    ((self.treated_rate, self.untouched_rate), self.limits.cooldown_ms as f64);
                *self = Self { rest_ms, ..Self::new(&self.limits.clone(), rates.0, rates.1) };
            }
        }
    }
}

/// What the mixture over effects takes off the bet on the true one, nats.
fn opening() -> f64 {
    -log(BENEFIT_WEIGHTS[0])
}

/// The usual ramp's stay in a step.
fn least_ms(step: usize) -> f64 {
    let began = if step == 0 { 0.0 } else { RAMP[(step - 1).min(RAMP.len() - 1)].0 };
    RAMP.get(step).map_or(0.0, |(until, _)| (until - began) * 1_000.0)
}

/// Of one coin from another, nats.
fn divergence(a: f64, m: f64) -> f64 {
    a * log(a / m) + (1.0 - a) * log((1.0 - a) / (1.0 - m))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn plenty_of_traffic_climbs_as_the_usual_ramp_does() {
        let mut pace = Pace::new(&Limits::default(), 0.88, 0.41);
        let shares: Vec<f64> = (0..12)
            .map(|_| {
                pace.pass(1_000.0, 10_000.0);
                pace.share()
            })
            .collect();
        assert_eq!(shares[3], 0.05);
        assert_eq!([shares[4], shares[7], shares[9]], [0.2, 0.5, 0.98]);
    }

    #[test]
    fn a_payment_a_minute_hardly_leaves_the_first_step_and_no_better_target_never_does() {
        let mut thin = Pace::new(&Limits::default(), 0.85, 0.6);
        assert!(thin.pass(60.0, 3_600_000.0) < 0.06);
        let mut alike = Pace::new(&Limits::default(), 0.6, 0.6);
        alike.pass(1e6, 1_200_000.0);
        assert_eq!(alike.share(), 0.05);
    }

    proptest! {
        #[test]
        fn more_traffic_and_a_better_target_move_no_less(
            untouched in 0.05..0.9_f64, rate in 0.05..0.95_f64, better in 0.0..0.3_f64,
            payments in 0.0..50_000.0_f64, more in 1.0..4.0_f64, minutes in 1_u32..29
        ) {
            let ms = f64::from(minutes) * 60_000.0;
            let moved = |rate: f64, payments: f64| Pace::new(&Limits::default(), rate, untouched).pass(payments, ms);
            let base = moved(rate, payments);
            prop_assert!((0.0..=0.98).contains(&base));
            prop_assert!(moved(rate, payments * more) >= base - 1e-6);
            prop_assert!(moved((rate + better).min(0.95), payments) >= base - 1e-6);
        }

        #[test]
        fn the_same_traffic_in_pieces_is_the_same_pace(pieces in 1_usize..50, payments in 1.0..5_000.0_f64) {
            let whole = Pace::new(&Limits::default(), 0.8, 0.4).pass(payments, 7_200_000.0);
            let mut pace = Pace::new(&Limits::default(), 0.8, 0.4);
            let n = pieces as f64;
            let parts: f64 = (0..pieces).map(|_| pace.pass(payments / n, 7_200_000.0 / n)).sum();
            prop_assert!((parts / n - whole).abs() < 1e-3);
        }
    }
}
