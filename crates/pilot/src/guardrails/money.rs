//! Money that may be under way on moved traffic, per minute and currency.

use payments::Money;

use super::{Check, Guardrail, Held, Moved};
use crate::Limits;

pub(super) fn holds(check: &Check<'_>) -> Option<Held> {
    let left = left(check.limits, check.others, &check.situation.money_per_minute);
    if !check.action.moves_payments() || check.share <= left {
        return None;
    }
    let percent = check.share * 100.0;
    Held::by(
        Guardrail::Money,
        format!("{percent:.0} % of the slice is more money per minute than the cap leaves"),
    )
}

/// The largest share of a slice with so much money per minute that still fits.
pub(super) fn left(limits: &Limits, others: &[Moved], money: &[Money]) -> f64 {
    let mut left = 1.0_f64;
    for money in money {
        let Some(&cap) = limits.money_per_minute_max.get(money.currency.as_str()) else {
            continue;
        };
        let moved: f64 = others
            .iter()
            .filter(|moved| moved.moves_payments)
            .filter_map(|moved| moved.money_per_minute.get(&money.currency))
            .sum();
        if money.minor > 0 {
            left = left.min((cap as f64 - moved).max(0.0) / money.minor as f64);
        }
    }
    left
}

#[cfg(test)]
mod tests {
    use super::super::fixture::Case;
    use super::*;

    #[test]
    fn a_cap_holds_and_other_currencies_do_not_count() {
        let mut case = Case::sound();
        case.limits.money_per_minute_max.insert("USD".into(), 1);
        assert_eq!(case.held_by(), None);
        let minor = case.situation.money_per_minute[0].minor;
        case.limits.money_per_minute_max.insert("INR".into(), minor / 50);
        assert_eq!(case.held_by(), Some(Guardrail::Money));
        case.share = 0.02;
        assert_eq!(case.held_by(), None);
    }
}
