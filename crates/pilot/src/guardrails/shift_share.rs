//! Share of all traffic that is shifted at once, over all interventions in force.

use super::{Check, Guardrail, Held, Moved};
use crate::Limits;

pub(super) fn holds(check: &Check<'_>) -> Option<Held> {
    let left = left(check.limits, check.others, check.situation.share);
    if !check.action.moves_payments() || check.share <= left {
        return None;
    }
    let percent = |share: f64| share * 100.0;
    Held::by(
        Guardrail::ShiftShare,
        format!(
            "{:.1} % of all traffic on top of {:.1} % would exceed {:.1} %",
            percent(check.share * check.situation.share),
            percent(shifted(check.others)),
            percent(check.limits.shift_share_max)
        ),
    )
}

fn shifted(others: &[Moved]) -> f64 {
    others.iter().filter(|moved| moved.moves_payments).map(|moved| moved.share_of_all).sum()
}

/// The largest share of a slice of this size that still fits.
pub(super) fn left(limits: &Limits, others: &[Moved], slice_share: f64) -> f64 {
    let room = (limits.shift_share_max - shifted(others)).max(0.0);
    if slice_share <= room { 1.0 } else { room / slice_share }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::Case;
    use super::super::share_left;
    use super::*;

    #[test]
    fn what_is_shifted_already_counts() {
        let mut case = Case::sound();
        case.situation.share = 0.4;
        case.share = 0.5;
        assert_eq!(case.held_by(), None);
        case.others.push(Moved {
            intervention_id: "itv_9".into(),
            slice: analyst::Slice::new([("gateway", "stripe")]),
            from: Some("stripe".into()),
            moves_payments: true,
            share_of_all: 0.45,
            money_per_minute: Default::default(),
        });
        assert_eq!(case.held_by(), Some(Guardrail::ShiftShare));
        assert!((share_left(&case.limits, &case.others, 0.4, &[]) - 0.125).abs() < 1e-9);
        assert!(!Guardrail::ShiftShare.yields_to_a_person());
    }
}
