//! Fixes of an incident that failed: after so many a person decides.

use super::{Check, Guardrail, Held};

pub(super) fn holds(check: &Check<'_>) -> Option<Held> {
    let failures = check.ledger.failures(&check.situation.incident.id);
    if check.approved || failures < check.limits.failed_fixes_max {
        return None;
    }
    Held::by(Guardrail::FailedFixes, format!("{failures} fixes of this incident failed"))
}

#[cfg(test)]
mod tests {
    use super::super::fixture::Case;
    use super::*;

    #[test]
    fn two_failures_ask_for_a_person() {
        let mut case = Case::sound();
        case.ledger.failed(&case.situation.incident.id, case.now);
        assert_eq!(case.held_by(), None);
        case.ledger.failed(&case.situation.incident.id, case.now);
        assert_eq!(case.held_by(), Some(Guardrail::FailedFixes));
        case.approved = true;
        assert_eq!(case.held_by(), None);
    }
}
