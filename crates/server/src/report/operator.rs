//! What the operator would have done about an incident, in words.

use jiff::tz::TimeZone;
use pilot::words;

use super::words::{estimate, money, time};
use crate::backtest::Answer;
use crate::backtest::saved::Saved;
use crate::read::visible;

/// A line each: what would have been done and when, and what it would have saved.
pub fn lines(answer: &Answer, zone: &TimeZone) -> Vec<String> {
    let (action, _) = words(&answer.decision);
    let at = time(answer.at, zone);
    if answer.moves.is_empty() {
        return vec![format!("{at}: {}", visible(&action)), "nothing would have been moved".into()];
    }
    let approval = if answer.needs_approval() { ", once a person had agreed" } else { "" };
    vec![
        format!("{at}: {}{approval}", visible(&action)),
        format!(
            "{} of the {} payments lost after that saved; {} sent elsewhere",
            figures(&answer.saved),
            estimate(answer.lost_after),
            estimate(answer.moved())
        ),
    ]
}

/// Payments with their interval, then money.
pub fn figures(saved: &Saved) -> String {
    let (low, high) = saved.interval;
    let mut text =
        format!("{} ({} to {})", estimate(saved.payments), estimate(low), estimate(high));
    for one in saved.money.iter().filter(|one| one.amount.minor != 0) {
        let of = |minor| money(minor, one.amount.currency);
        let (low, high) = one.interval_minor;
        text += &format!(", {} ({} to {})", of(one.amount.minor), of(low), of(high));
    }
    text
}
