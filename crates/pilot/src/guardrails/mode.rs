//! Modes: `shadow` and `advise` never act, `approve` acts on approval, `auto` by itself.

use super::{Check, Guardrail, Held};
use crate::Mode;

pub(super) fn holds(check: &Check<'_>) -> Option<Held> {
    let detail = match check.action.mode(check.modes) {
        Mode::Auto => return None,
        Mode::Approve if check.approved => return None,
        Mode::Approve => "waits for approval",
        Mode::Advise => "is advice",
        Mode::Shadow => "is in shadow",
    };
    Held::by(Guardrail::Mode, format!("{} {detail}", check.action))
}

#[cfg(test)]
mod tests {
    use super::super::fixture::Case;
    use super::*;

    #[test]
    fn only_auto_acts_alone_and_only_approve_is_approved() {
        for (mode, approved, held) in [
            (Mode::Auto, false, false),
            (Mode::Approve, false, true),
            (Mode::Approve, true, false),
            (Mode::Advise, true, true),
            (Mode::Shadow, true, true),
        ] {
            let mut case = Case { approved, ..Case::sound() };
            case.modes.reroute = mode;
            assert_eq!(case.held_by().is_some(), held, "{mode:?}");
        }
    }
}
