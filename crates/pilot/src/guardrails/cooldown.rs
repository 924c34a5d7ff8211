//! Time between interventions on a slice; the steps of one ramp are none. What narrows an intervention needn't wait: it gives back.

use super::{Check, Guardrail, Held};

pub(super) fn holds(check: &Check<'_>) -> Option<Held> {
    let last = check.ledger.last(check.slice, check.now)?;
    let since_ms = check.now.millis_since(last);
    if check.narrows || since_ms >= check.limits.cooldown_ms {
        return None;
    }
    Held::by(
        Guardrail::Cooldown,
        format!(
            "{} s since the last intervention on the slice, {} s are asked for",
            since_ms / 1_000,
            check.limits.cooldown_ms / 1_000
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
    fn an_intervention_that_just_ended_holds_the_next() {
        let mut case = Case::sound();
        let at = case.now.plus_millis(-59_000);
        case.ledger.write(&case.slice, Deed::Ended, Direction::Home, at);
        assert_eq!(case.held_by(), Some(Guardrail::Cooldown));
        case.narrows = true;
        assert_eq!(case.held_by(), None);
        case.narrows = false;
        case.now = case.now.plus_millis(1_000);
        assert_eq!(case.held_by(), None);
    }
}
