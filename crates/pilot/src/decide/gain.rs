//! What an action gains: payments and money per minute over its life, with an interval, and the probability that it helps.
//!
//! Over the TTL an action first grows (as the ramp usually does), then holds; the trouble ends at some time in it or doesn't; after that traffic still takes some
//! minutes to return, and what was moved does as well as its target, better or worse than at home. The gain is the sum of both parts, per draw. Confidence is the share of
//! draws in which it is positive: the probability that acting now beats leaving things as they are.

use libm::{floor, log};
use payments::Currency;
use serde::{Deserialize, Serialize};

use super::Outlook;
use crate::experiment::{logistic, logit};
use crate::{Path, Situation, Target, calibration};

/// Seconds after which the usual ramp has left 5, 20 and 50 %.
pub(crate) const RAMP: [(f64, f64); 3] = [(50.0, 0.05), (80.0, 0.2), (100.0, 0.5)];
/// Minutes between the end of an outage and the return of its traffic.
const RETURN_MIN: f64 = 3.0;

/// What is expected of an action.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gain {
    /// Approved payments per minute more than without it, averaged over its life.
    pub payments_per_minute: f64,
    /// 90 % interval.
    pub interval: (f64, f64),
    /// Money per minute, fees deducted, minor units of the main currency; `None` where amounts aren't known.
    pub minor_per_minute: Option<f64>,
    /// Its currency.
    pub currency: Option<Currency>,
    /// What becomes of the payments that are moved, where any are.
    pub moved: Option<Moved>,
}

/// What is expected of payments that leave for the targets.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Moved {
    /// Share of the slice's payments that the targets can take.
    pub open_to: f64,
    /// Success rate there.
    pub rate: f64,
    /// 90 % interval.
    pub interval: (f64, f64),
}

impl Gain {
    /// Of doing nothing.
    pub const NONE: Self = Self {
        payments_per_minute: 0.0,
        interval: (0.0, 0.0),
        minor_per_minute: None,
        currency: None,
        moved: None,
    };

    /// What actions are ranked by: money where it is known for all, else payments.
    pub fn value(&self) -> f64 {
        self.minor_per_minute.unwrap_or(self.payments_per_minute)
    }
}

/// A gain and the probability that there is one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Valued {
    /// What is gained.
    pub gain: Gain,
    /// Probability that the action helps, calibrated.
    pub confidence: f64,
}

/// Values sending a slice's payments to `to`, or to the router's next best where `to` names all that are left.
pub fn of_moving(
    situation: &Situation,
    outlook: &Outlook,
    to: &[Target],
    plan_ttl_min: f64,
    lesson: f64,
) -> Valued {
    let places: Vec<(usize, f64)> = {
        let eligible: Vec<f64> = to
            .iter()
            .map(|t| situation.path(&t.gateway).map_or(0.0, |p| p.eligible_share))
            .collect();
        let (loads, _) = super::targets::loads(to, &eligible);
        to.iter()
            .zip(loads)
            .filter_map(|(t, load)| situation.place(&t.gateway).map(|place| (place, load)))
            .collect()
    };
    let per_min = situation.attempts_per_s * 60.0;
    let hit_fee = situation.hit().map_or(0.0, |path| path.fee_minor);
    let amount = situation.mean_amount_minor();
    let per_draw: Vec<(f64, f64)> = outlook
        .draws
        .iter()
        .map(|draw| {
            let bad = exposure(draw.remaining_min.min(plan_ttl_min));
            let good = exposure((draw.remaining_min + RETURN_MIN).min(plan_ttl_min)) - bad;
            let (mut payments, mut fees) = (0.0, 0.0);
            for &(place, load) in &places {
                let (rate, fee) = (draw.paths[place], situation.paths[place].fee_minor);
                let moved = per_min * load / plan_ttl_min;
                payments += moved * (bad * (rate - draw.now) + good * (rate - draw.after));
                fees += moved
                    * (bad * (rate * fee - draw.now * hit_fee)
                        + good * (rate * fee - draw.after * hit_fee));
            }
            (payments, fees)
        })
        .collect();
    let mut valued = valued(per_draw, amount, situation.main_currency(), lesson);
    valued.gain.moved = moved(outlook, &places);
    valued
}

/// The targets' rate over the draws, each target with the load it gets.
fn moved(outlook: &Outlook, places: &[(usize, f64)]) -> Option<Moved> {
    let open_to: f64 = places.iter().map(|(_, load)| load).sum();
    if open_to <= 0.0 {
        return None;
    }
    let rate = |draw: &super::Draw| {
        places.iter().map(|&(place, load)| load * draw.paths[place]).sum::<f64>() / open_to
    };
    let rates = outlook.draws.iter().map(rate).collect();
    Some(Moved { open_to, rate: outlook.mean(rate), interval: interval(rates) })
}

/// Tries beyond the second of a storm that still earn an approval.
const LATE_TRIES_EARN: f64 = 0.01;
/// Loss that a storm is taken to cause at the least.
const STORM_LOSS_MIN: f64 = 0.02;

/// Values waiting before retries and making fewer of them.
///
/// A retry that waits finds the trouble over with the probability that it ends meanwhile, and the payer still there with a probability that is drawn around 0.6; a retry
/// at once finds things as they are. A storm of retries loads what fails under load: capping it gives back a part, drawn between none and all, of what is lost, and costs the few
/// approvals that third and later tries would have earned.
pub fn of_retrying(
    situation: &Situation,
    outlook: &Outlook,
    retry: crate::Retry,
    is_storm: bool,
    lesson: f64,
) -> Valued {
    let per_min = situation.attempts_per_s * 60.0;
    let retries = (situation.attempts_per_payment - 1.0).clamp(0.0, 10.0);
    let delay_min = f64::from(retry.delay_s_min) / 60.0;
    let per_draw = outlook
        .draws
        .iter()
        .map(|draw| {
            let failing = per_min * (1.0 - draw.now);
            if is_storm {
                let loss = (draw.after - draw.now).max(STORM_LOSS_MIN);
                let forgone = failing * (retries - 1.0).clamp(0.0, 3.0) * LATE_TRIES_EARN;
                return (per_min * loss * draw.spare - forgone, 0.0);
            }
            let later = if draw.remaining_min <= delay_min { draw.after } else { draw.now };
            let stays = 0.4 + 0.4 * draw.spare;
            (failing * retries.min(1.0) * (stays * later - draw.now), 0.0)
        })
        .collect();
    valued(per_draw, situation.mean_amount_minor(), situation.main_currency(), lesson)
}

fn valued(
    per_draw: Vec<(f64, f64)>,
    amount: Option<f64>,
    currency: Option<Currency>,
    lesson: f64,
) -> Valued {
    let n = per_draw.len() as f64;
    let helped = per_draw.iter().filter(|(payments, _)| *payments > 0.0).count() as f64;
    let mean = per_draw.iter().map(|(payments, _)| payments).sum::<f64>() / n;
    let fees = per_draw.iter().map(|(_, fees)| fees).sum::<f64>() / n;
    let payments = per_draw.into_iter().map(|(payments, _)| payments).collect();
    let confidence = (helped + 0.5) / (n + 1.0);
    Valued {
        gain: Gain {
            payments_per_minute: mean,
            interval: interval(payments),
            minor_per_minute: amount.map(|amount| amount * mean - fees),
            currency: currency.filter(|_| amount.is_some()),
            moved: None,
        },
        confidence: calibration::calibrated(logistic(logit(confidence) + lesson)),
    }
}

/// 90 % of what was drawn.
fn interval(mut drawn: Vec<f64>) -> (f64, f64) {
    drawn.sort_by(f64::total_cmp);
    let at = |q: f64| drawn[floor(q * (drawn.len() - 1) as f64 + 0.5) as usize];
    (at(0.05), at(0.95))
}

/// Minutes at full share that a life of so many minutes amounts to.
fn exposure(minutes: f64) -> f64 {
    let seconds = minutes * 60.0;
    let (mut total, mut from) = (0.0, 0.0);
    for (until, share) in RAMP {
        total += (seconds.min(until) - from).max(0.0) * share;
        from = until;
    }
    (total + (seconds - from).max(0.0)) / 60.0
}

/// What a lesson adds to the log-odds of helping: Beta(4, 1) beforehand, less what that says by itself.
pub fn lesson_ln(helped: f64, not_helped: f64) -> f64 {
    log((helped + 4.0) / (not_helped + 1.0)) - log(4.0)
}

impl Situation {
    /// The path that the slice names.
    pub fn hit(&self) -> Option<&Path> {
        self.paths.iter().find(|path| path.hit)
    }

    /// The path through a gateway.
    pub fn path(&self, gateway: &str) -> Option<&Path> {
        self.paths.iter().find(|path| path.gateway == gateway)
    }

    fn place(&self, gateway: &str) -> Option<usize> {
        self.paths.iter().position(|path| path.gateway == gateway)
    }

    fn main_currency(&self) -> Option<Currency> {
        self.money_per_minute.iter().max_by_key(|money| money.minor).map(|money| money.currency)
    }

    /// Mean amount in the slice's main currency, where it is the only one.
    pub fn mean_amount_minor(&self) -> Option<f64> {
        let [money] = self.money_per_minute.as_slice() else { return None };
        let per_min = self.attempts_per_s * 60.0;
        (money.minor > 0 && per_min > 0.0).then(|| money.minor as f64 / per_min)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_ramp_costs_a_minute_and_a_half() {
        assert_eq!(exposure(0.0), 0.0);
        assert!((exposure(30.0) - (30.0 - 1.358)).abs() < 0.001, "{}", exposure(30.0));
    }

    #[test]
    fn no_lesson_says_nothing_and_failures_say_no() {
        assert_eq!(lesson_ln(0.0, 0.0), 0.0);
        assert!(lesson_ln(0.0, 2.0) < -1.0 && lesson_ln(6.0, 0.0) > 0.9);
    }
}
