//! Lost telemetry: without attempts, or with decisions whose outcomes never come, nobody can tell harm from help.

use payments::Timestamp;

use super::{Check, Guardrail, Held};
use crate::{Limits, Network};

pub(super) fn holds(check: &Check<'_>) -> Option<Held> {
    if !is_lost(check.limits, check.network, 0, check.now) {
        return None;
    }
    Held::by(
        Guardrail::Telemetry,
        format!("no attempt for {} s or more", check.limits.silence_ms / 1_000),
    )
}

/// Whether telemetry is lost, for an intervention with so many payments decided in a row that stayed without any outcome.
pub(crate) fn is_lost(
    limits: &Limits,
    network: &Network,
    silent_payments: u32,
    now: Timestamp,
) -> bool {
    let heard = network.last_attempt_at.is_some_and(|at| now.millis_since(at) < limits.silence_ms);
    !heard || silent_payments >= limits.silent_payments_max
}

#[cfg(test)]
mod tests {
    use super::super::fixture::Case;
    use super::*;

    #[test]
    fn silence_holds() {
        let mut case = Case::sound();
        case.network.last_attempt_at = Some(case.now.plus_millis(-59_999));
        assert_eq!(case.held_by(), None);
        for last in [Some(case.now.plus_millis(-60_000)), None] {
            case.network.last_attempt_at = last;
            assert_eq!(case.held_by(), Some(Guardrail::Telemetry));
        }
        let (limits, network) = (&case.limits, &Case::sound().network);
        assert!(is_lost(limits, network, limits.silent_payments_max, case.now));
    }
}
