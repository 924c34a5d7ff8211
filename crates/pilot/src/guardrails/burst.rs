//! A sudden crowd shares one fate: payments that come together (a campaign, a merchant's batch) succeed and fail together, the
//! more so the more of them come, and what was learnt of their scatter was learnt at the usual volume. So where several times
//! the usual traffic comes, the loss has to last for several bursts before it counts.

use super::{Check, Guardrail, Held};

/// Times the usual traffic that makes a crowd.
const CROWD: f64 = 3.0;
/// How long its loss has to last: six bursts of ten seconds, the scale at which scatter is learnt.
const LASTS_MS: i64 = 60_000;

pub(super) fn holds(check: &Check<'_>) -> Option<Held> {
    if check.approved || !check.action.moves_payments() {
        return None;
    }
    let situation = check.situation;
    let lasts_ms = check.now.millis_since(situation.incident.started_at);
    let is_crowd =
        situation.usual_per_s > 0.0 && situation.attempts_per_s >= CROWD * situation.usual_per_s;
    if !is_crowd || lasts_ms >= LASTS_MS {
        return None;
    }
    Held::by(
        Guardrail::Burst,
        format!(
            "{:.1} times the usual payments and {} s of them seen, {} s are asked for",
            situation.attempts_per_s / situation.usual_per_s,
            lasts_ms / 1_000,
            LASTS_MS / 1_000
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::super::fixture::Case;
    use super::*;

    #[test]
    fn a_crowd_has_to_fail_for_a_minute() {
        let mut case = Case::sound();
        case.situation.usual_per_s = case.situation.attempts_per_s / CROWD;
        assert_eq!(case.held_by(), Some(Guardrail::Burst));
        case.situation.incident.started_at = case.now.plus_millis(-LASTS_MS);
        assert_eq!(case.held_by(), None);
    }

    #[test]
    fn the_usual_traffic_needs_no_waiting_and_a_person_none_at_all() {
        let mut case = Case::sound();
        for usual in [0.0, case.situation.attempts_per_s] {
            case.situation.usual_per_s = usual;
            assert_eq!(case.held_by(), None);
        }
        case.situation.usual_per_s = case.situation.attempts_per_s / 10.0;
        case.approved = true;
        assert_eq!(case.held_by(), None);
    }
}
