//! When most routes look bad it is us, or the world: nothing automatic, a person is paged.

use super::{Check, Guardrail, Held};

pub(super) fn holds(check: &Check<'_>) -> Option<Held> {
    let (is, max) = (check.network.suspect_share, check.limits.suspect_share_max);
    let few = is <= max;
    if check.approved || few {
        return None;
    }
    Held::by(
        Guardrail::SuspectShare,
        format!("{:.0} % of the routes look bad, more than {:.0} %", is * 100.0, max * 100.0),
    )
}

#[cfg(test)]
mod tests {
    use super::super::fixture::Case;
    use super::*;

    #[test]
    fn nothing_automatic_when_most_routes_look_bad() {
        let mut case = Case::sound();
        case.network.suspect_share = 0.5;
        assert_eq!(case.held_by(), None);
        case.network.suspect_share = 0.51;
        assert_eq!(case.held_by(), Some(Guardrail::SuspectShare));
        case.network.suspect_share = f64::NAN;
        assert_eq!(case.held_by(), Some(Guardrail::SuspectShare));
    }
}
