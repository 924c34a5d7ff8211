//! Confidence: below the limit a person decides.

use super::{Check, Guardrail, Held};

pub(super) fn holds(check: &Check<'_>) -> Option<Held> {
    let (is, min) = (check.confidence, check.limits.confidence_min);
    if check.approved || is >= min {
        return None;
    }
    Held::by(Guardrail::Confidence, format!("confidence {is:.3} is below {min}"))
}

#[cfg(test)]
mod tests {
    use super::super::fixture::Case;
    use super::*;

    #[test]
    fn unsure_waits_for_a_person_and_not_a_number_is_unsure() {
        for confidence in [0.79, f64::NAN] {
            let mut case = Case { confidence, ..Case::sound() };
            assert_eq!(case.held_by(), Some(Guardrail::Confidence));
            case.approved = true;
            assert_eq!(case.held_by(), None);
        }
        assert!(Guardrail::Confidence.yields_to_a_person());
    }
}
