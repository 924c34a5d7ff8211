//! What the operator would have saved: an estimate against what happened, with its assumptions.
//!
//! **Problem.** Nobody knows what the other gateways would have done with payments that they never saw. What is known is what the pilot expected of them when it decided, and what happened
//! to these payments where they were.
//!
//! **Method.** From the decision on, tick by tick: of `n` payments of the slice, `k` of which were approved (sooner or later), the share `s` would have been sent elsewhere and would have met the rate `r`:
//!
//! ```text
//! saved  =  sum of  s (n r - k)
//! ```
//!
//! `r` is what the pilot expected of its targets ([`pilot::Moved`]), `n` and `k` are counted, `s` is the ramp at the pace that this traffic's evidence allows ([`pilot::Pace`]), of the payments that
//! the targets can take at all. So what the targets really did later is not looked at, and a decision made at 19:00 saves nothing before. The 90 % interval takes the pilot's own for `r`, ramp included, and adds
//! the chance of the outcomes (variance `s n (r (1 - r) + o (1 - o))`, `o` the rate seen).
//!
//! **Guarantee.** Never more than was lost after the decision, by the incident's own account of its loss; nothing where nothing would have been moved. It may be below zero: an outage that ends as one
//! acts leaves only the cost. Money is payments at the mean worth of those that the incident lost, before fees.
//!
//! **Assumptions** are [`ASSUMPTIONS`], and every report says them. **Cost**: one more walk over the file, only if something would have been moved.

use analyst::Incident;
use payments::{Money, Timestamp};
use pilot::{Limits, Moved, Pace};
use serde::Serialize;

use super::operator::Move;
use super::passed::Passed;

/// What the estimate rests on.
pub const ASSUMPTIONS: [&str; 4] = [
    "the other gateways would have treated these payments as the pilot expected when it decided, and had room for them",
    "a merchant can use the gateways that its payments are seen at in the file",
    "payments move in steps (5, 20, 50, 98 %), as fast as the evidence of this traffic allows",
    "nobody had to approve, or did so at once",
];

/// Half of a 90 % interval in standard deviations.
const Z_90: f64 = 1.644_853_626_951_472_7;

/// Payments and money, each with a 90 % interval.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Saved {
    /// Payments.
    pub payments: f64,
    /// 90 % interval.
    pub interval: (f64, f64),
    /// Per currency.
    pub money: Vec<SavedMoney>,
}

/// Money of one currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct SavedMoney {
    /// How much.
    pub amount: Money,
    /// 90 % interval, minor units.
    pub interval_minor: (i64, i64),
}

/// What one move would have done.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Effect {
    /// Payments sent elsewhere.
    pub moved: f64,
    /// More of them approved.
    pub gained: f64,
    /// 90 % interval.
    pub interval: (f64, f64),
}

/// Values a move over what passed.
pub fn effect(it: &Move, passed: &[Passed], tick_ms: i64, limits: &Limits) -> Effect {
    let Some(elsewhere) = it.decision.gain.moved else { return Effect::default() };
    let at = |rate: f64| play(it, passed, tick_ms, limits, &Moved { rate, ..elsewhere });
    let (mean, low, high) =
        (at(elsewhere.rate), at(elsewhere.interval.0), at(elsewhere.interval.1));
    let chance = Z_90 * mean.variance.sqrt();
    Effect {
        moved: mean.moved,
        gained: mean.gained,
        interval: (
            mean.gained - (mean.gained - low.gained).max(0.0).hypot(chance),
            mean.gained + (high.gained - mean.gained).max(0.0).hypot(chance),
        ),
    }
}

#[derive(Default)]
struct Played {
    moved: f64,
    gained: f64,
    variance: f64,
}

fn play(it: &Move, passed: &[Passed], tick_ms: i64, limits: &Limits, elsewhere: &Moved) -> Played {
    let sum = |of: fn(&Passed) -> u64| passed.iter().map(of).sum::<u64>() as f64;
    let payments = sum(|p| p.payments);
    if payments == 0.0 {
        return Played::default();
    }
    let (at_first, seen) = (sum(|p| p.at_first) / payments, sum(|p| p.approved) / payments);
    let mut pace = Pace::new(limits, elsewhere.rate, at_first);
    let mut played = Played::default();
    let mut now_ms = it.from.as_millis();
    for tick in passed {
        pace.pass(0.0, (tick.starts_at_ms - now_ms).max(0) as f64);
        let n = tick.payments as f64;
        let share = elsewhere.open_to * pace.pass(n * elsewhere.open_to, tick_ms as f64);
        now_ms = tick.starts_at_ms + tick_ms;
        let rate = elsewhere.rate;
        played.moved += share * n;
        played.gained += share * (n * rate - tick.approved as f64);
        played.variance += share * n * (rate * (1.0 - rate) + seen * (1.0 - seen));
    }
    played
}

/// The moves of an incident together, never more than it lost after the first word.
pub fn saved(incident: &Incident, effects: &[Effect], lost_after: f64) -> Saved {
    if effects.is_empty() {
        return Saved { money: money(incident, 0.0, (0.0, 0.0)), ..Saved::default() };
    }
    let raw = effects.iter().map(|e| e.gained).sum::<f64>();
    let side = |of: fn(&Effect) -> f64| effects.iter().map(of).fold(0.0, f64::hypot);
    let cap = lost_after.max(0.0);
    let payments = raw.min(cap);
    let interval = (
        (raw - side(|e| e.gained - e.interval.0)).min(payments),
        (raw + side(|e| e.interval.1 - e.gained)).min(cap).max(payments),
    );
    Saved { payments, interval, money: money(incident, payments, interval) }
}

/// At the mean worth of the payments that were lost.
fn money(incident: &Incident, payments: f64, interval: (f64, f64)) -> Vec<SavedMoney> {
    let lost = incident.impact.lost_payments;
    let part = |minor: i64, payments: f64| {
        if lost > 0.0 { (minor as f64 * payments / lost).round() as i64 } else { 0 }
    };
    incident
        .impact
        .lost
        .iter()
        .map(|l| SavedMoney {
            amount: Money { minor: part(l.amount.minor, payments), ..l.amount },
            interval_minor: (part(l.amount.minor, interval.0), part(l.amount.minor, interval.1)),
        })
        .collect()
}

/// The part of an incident's loss that fell after an instant: its timeline says when approvals were missing.
pub fn lost_after(incident: &Incident, since: Timestamp) -> f64 {
    let lost = incident.impact.lost_payments.max(0.0);
    let points = &incident.timeline;
    let missing = |i: usize| points[i].expected - points[i].successes as f64;
    let all: f64 = (0..points.len()).map(missing).sum();
    if all <= 0.0 {
        return lost;
    }
    let since_ms = since.as_millis();
    let at = |i: usize| points[i].at.as_millis();
    let after: f64 = (0..points.len())
        .map(|i| {
            // Of the last point only the start is known: it counts whole, unless it is before.
            let ends = if i + 1 < points.len() { at(i + 1) } else { at(i) + 1 };
            let part = (ends - since_ms) as f64 / (ends - at(i)).max(1) as f64;
            missing(i) * part.clamp(0.0, 1.0)
        })
        .sum();
    lost * (after / all).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::report::sample;

    #[test]
    fn nothing_moved_saves_nothing() {
        let saved = saved(&sample::incident(), &[], 1_000.0);
        assert_eq!((saved.payments, saved.interval), (0.0, (0.0, 0.0)));
        assert!(saved.money.iter().all(|one| one.amount.minor == 0));
    }

    proptest! {
        #[test]
        fn never_more_than_was_lost_and_the_interval_holds_it(
            gained in -500.0..5_000.0_f64,
            sides in (0.0..800.0_f64, 0.0..800.0_f64),
            lost_after in 0.0..4_000.0_f64,
        ) {
            let interval = (gained - sides.0, gained + sides.1);
            let effect = Effect { moved: 6_000.0, gained, interval };
            let saved = saved(&sample::incident(), &[effect], lost_after);
            prop_assert!(saved.payments <= lost_after && saved.interval.1 <= lost_after.max(saved.payments));
            prop_assert!(saved.interval.0 <= saved.payments && saved.payments <= saved.interval.1);
            for one in &saved.money {
                prop_assert!(one.interval_minor.0 <= one.amount.minor && one.amount.minor <= one.interval_minor.1);
            }
        }

        /// Whoever acts later can save less.
        #[test]
        fn less_is_lost_after_a_later_moment(minutes in 0_i64..1_200, more in 0_i64..600) {
            let incident = sample::incident();
            let at = |minutes: i64| incident.started_at.plus_millis(minutes * 60_000);
            let (early, late) = (lost_after(&incident, at(minutes)), lost_after(&incident, at(minutes + more)));
            prop_assert!(late <= early + 1e-9);
            prop_assert!((0.0..=incident.impact.lost_payments).contains(&late));
        }
    }
}
