//! An empty slice never means everything: without a slice, or without a value in it, nothing is moved.

use super::{Check, Guardrail, Held};

pub(super) fn holds(check: &Check<'_>) -> Option<Held> {
    let empty = check.slice.order() == 0 || check.slice.pairs().any(|(_, value)| value.is_empty());
    let nowhere = check.action.moves_payments() && check.slice.get("gateway").is_none();
    if empty {
        return Held::by(
            Guardrail::EmptySlice,
            "the slice is empty, which never means all traffic",
        );
    }
    nowhere.then(|| Held {
        guardrail: Guardrail::EmptySlice,
        detail: "the slice names no gateway that payments could leave".into(),
    })
}

#[cfg(test)]
mod tests {
    use super::super::fixture::Case;
    use super::*;
    use analyst::Slice;

    #[test]
    fn no_slice_no_action() {
        let none: [(&str, &str); 0] = [];
        for slice in
            [Slice::new(none), Slice::new([("gateway", "")]), Slice::new([("issuer", "HDFC")])]
        {
            let case = Case { slice, ..Case::sound() };
            assert_eq!(case.held_by(), Some(Guardrail::EmptySlice));
        }
        assert!(!Guardrail::EmptySlice.yields_to_a_person());
    }
}
