//! The kill switch: while it is engaged nothing begins and nothing grows, whoever approved it.

use super::{Check, Guardrail, Held};

pub(super) fn holds(check: &Check<'_>) -> Option<Held> {
    let reason = check.killed?;
    Held::by(Guardrail::KillSwitch, format!("the kill switch is engaged: {reason}"))
}

#[cfg(test)]
mod tests {
    use super::super::fixture::Case;
    use super::*;

    #[test]
    fn holds_approved_plans_too() {
        let case = Case { killed: Some("drill".into()), approved: true, ..Case::sound() };
        assert_eq!(case.held_by(), Some(Guardrail::KillSwitch));
    }
}
