//! Payments leave a gateway for what ails that gateway. Where the others lose as well (payers without funds, a bank, the world), the worst of them is the worst by chance, and
//! the others being better anyway is the router's business.

use super::{Check, Guardrail, Held};
use crate::decide::scope::own_half;

pub(super) fn holds(check: &Check<'_>) -> Option<Held> {
    if check.approved || !check.action.moves_payments() {
        return None;
    }
    let min = check.limits.confidence_min;
    let own = own_half(check.situation)?;
    if own >= min {
        return None;
    }
    Held::by(
        Guardrail::Scope,
        format!(
            "the other gateways lose too: {own:.2} that half of the loss is this one's own, {min} is asked for"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::super::fixture::Case;
    use super::*;

    #[test]
    fn a_loss_that_the_others_share_waits_for_a_person() {
        let mut case = Case::sound();
        assert_eq!(case.held_by(), None);
        for path in &mut case.situation.paths {
            path.successes *= if path.hit { 1.0 } else { 0.6 };
        }
        assert_eq!(case.held_by(), Some(Guardrail::Scope));
        case.approved = true;
        assert_eq!(case.held_by(), None);
    }
}
