//! One intervention per slice: payments that another one holds aren't shifted twice.

use super::{Check, Guardrail, Held};
use crate::ledger::overlap;

pub(super) fn holds(check: &Check<'_>) -> Option<Held> {
    let moves = check.action.moves_payments();
    let other = check
        .others
        .iter()
        .find(|other| other.moves_payments == moves && overlap(&other.slice, check.slice))?;
    Held::by(
        Guardrail::Overlap,
        format!("{} is in force on {}", other.intervention_id, other.slice),
    )
}

#[cfg(test)]
mod tests {
    use super::super::Moved;
    use super::super::fixture::Case;
    use super::*;
    use analyst::Slice;

    fn other(slice: Slice) -> Moved {
        Moved {
            intervention_id: "itv_9".into(),
            from: slice.get("gateway").map(Into::into),
            slice,
            moves_payments: true,
            share_of_all: 0.01,
            money_per_minute: Default::default(),
        }
    }

    #[test]
    fn shared_payments_are_shifted_once() {
        let mut case = Case::sound();
        case.others.push(other(Slice::new([("gateway", "razorpay"), ("network", "MASTERCARD")])));
        assert_eq!(case.held_by(), None, "no payment is in both");
        case.others.push(other(Slice::new([("gateway", "razorpay"), ("country", "IN")])));
        assert_eq!(case.held_by(), Some(Guardrail::Overlap));
    }
}
