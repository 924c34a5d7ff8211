//! Changes of direction on a slice per hour: what flaps is left where it is. Turning home is always allowed, turning out again isn't; so
//! a return that would use up the last change waits for its time to be up instead ([`may_come_back`]).

use analyst::Slice;
use payments::Timestamp;

use super::{Check, Guardrail, Held};
use crate::ledger::Ledger;
use crate::{Direction, Limits};

const HOUR_MS: i64 = 3_600_000;

pub(super) fn holds(check: &Check<'_>) -> Option<Held> {
    let turns = check.ledger.last_direction(check.slice, check.now) == Some(Direction::Home);
    let flips = check.ledger.flips(check.slice, HOUR_MS, check.now) + u32::from(turns);
    let max = check.limits.flips_per_hour_max;
    if flips <= max {
        return None;
    }
    Held::by(
        Guardrail::Flips,
        format!("{flips} changes of direction within the hour, {max} at most"),
    )
}

/// Whether traffic that turns home now could still go out again, should the path fail under it.
pub fn may_come_back(limits: &Limits, ledger: &Ledger, slice: &Slice, now: Timestamp) -> bool {
    ledger.flips(slice, HOUR_MS, now) + 2 <= limits.flips_per_hour_max
}

#[cfg(test)]
mod tests {
    use super::super::fixture::Case;
    use super::*;
    use crate::ledger::Deed;

    #[test]
    fn what_went_out_and_home_twice_stays_home() {
        let mut case = Case::sound();
        for (minutes, direction) in [(40, Direction::Out), (30, Direction::Home)] {
            let at = case.now.plus_millis(-minutes * 60_000);
            case.ledger.write(&case.slice, Deed::Turned, direction, at);
        }
        assert_eq!(case.held_by(), None, "one flip, and this would be the second");
        for (minutes, direction) in [(20, Direction::Out), (10, Direction::Home)] {
            let at = case.now.plus_millis(-minutes * 60_000);
            case.ledger.write(&case.slice, Deed::Turned, direction, at);
        }
        assert_eq!(case.held_by(), Some(Guardrail::Flips));
    }

    #[test]
    fn the_last_change_is_kept_for_going_out_again() {
        let case = Case::sound();
        let limits = Limits::default();
        let mut ledger = Ledger::default();
        let write = |ledger: &mut Ledger, direction| {
            ledger.write(&case.slice, Deed::Turned, direction, case.now);
        };
        write(&mut ledger, Direction::Out);
        assert!(may_come_back(&limits, &ledger, &case.slice, case.now));
        write(&mut ledger, Direction::Home);
        write(&mut ledger, Direction::Out);
        assert!(!may_come_back(&limits, &ledger, &case.slice, case.now), "two changes are used up");
        let later = case.now.plus_millis(HOUR_MS);
        assert!(may_come_back(&limits, &ledger, &case.slice, later), "an hour later they aren't");
    }
}
