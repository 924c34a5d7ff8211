//! Freeze windows: nothing new, nothing wider. Rollbacks and expiry go on.

use super::{Check, Guardrail, Held};

pub(super) fn holds(check: &Check<'_>) -> Option<Held> {
    let freeze =
        check.freezes.iter().find(|freeze| freeze.from <= check.now && check.now < freeze.to)?;
    Held::by(Guardrail::Freeze, format!("frozen until {}: {}", freeze.to, freeze.reason))
}

#[cfg(test)]
mod tests {
    use super::super::at_step;
    use super::super::fixture::Case;
    use super::*;
    use crate::Freeze;

    #[test]
    fn holds_within_the_window_alone_approved_or_not() {
        let mut case = Case { approved: true, ..Case::sound() };
        let reason = "the big sale".into();
        case.freezes.push(Freeze { from: case.now, to: case.now.plus_millis(1), reason });
        assert_eq!(case.held_by(), Some(Guardrail::Freeze));
        assert_eq!(at_step(&case.check())[0].guardrail, Guardrail::Freeze);
        case.now = case.now.plus_millis(1);
        assert_eq!(case.held_by(), None);
    }
}
