//! New interventions on a slice per hour and per day.

use super::{Check, Guardrail, Held};

const HOUR_MS: i64 = 3_600_000;

pub(super) fn holds(check: &Check<'_>) -> Option<Held> {
    let hour = check.ledger.started(check.slice, HOUR_MS, check.now);
    let day = check.ledger.started(check.slice, 24 * HOUR_MS, check.now);
    let (hour_max, day_max) = (check.limits.actions_per_hour_max, check.limits.actions_per_day_max);
    if hour < hour_max && day < day_max {
        return None;
    }
    Held::by(
        Guardrail::Actions,
        format!(
            "{hour} interventions on the slice within the hour ({hour_max} at most), {day} within the day ({day_max})"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::super::fixture::Case;
    use super::*;
    use crate::Direction;
    use crate::ledger::Deed;

    #[test]
    fn the_fourth_of_an_hour_and_the_eleventh_of_a_day_are_held() {
        let mut case = Case::sound();
        for minutes in [50, 40, 30] {
            assert_eq!(case.held_by(), None);
            let at = case.now.plus_millis(-minutes * 60_000);
            case.ledger.write(&case.slice, Deed::Started, Direction::Out, at);
        }
        assert_eq!(case.held_by(), Some(Guardrail::Actions));
        let mut case = Case::sound();
        for hours in 2..12 {
            let at = case.now.plus_millis(-hours * HOUR_MS);
            case.ledger.write(&case.slice, Deed::Started, Direction::Out, at);
        }
        assert_eq!(case.held_by(), Some(Guardrail::Actions));
    }
}
