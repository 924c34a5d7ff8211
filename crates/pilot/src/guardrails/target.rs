//! Never towards a gateway that is itself suspect or lacks headroom. Where the router picks the next best (suppress), none that it may pick may be suspect.

use super::{Check, Guardrail, Held};
use crate::decide::targets::{ceiling, objection};
use crate::{Action, Limits, Situation, Target};

pub(super) fn holds(check: &Check<'_>) -> Option<Held> {
    if !check.action.moves_payments() {
        return None;
    }
    if let Some(why) = unfit(check) {
        return Held::by(Guardrail::Target, why);
    }
    let ceiling = ceiling_of(
        check.action,
        check.to,
        check.situation,
        check.reserved,
        check.limits,
        check.settled,
    );
    if check.share <= ceiling {
        return None;
    }
    Held::by(
        Guardrail::Target,
        format!(
            "the targets have room for {:.0} % of the slice, not for {:.0} %",
            ceiling * 100.0,
            check.share * 100.0
        ),
    )
}

fn unfit(check: &Check<'_>) -> Option<String> {
    if check.to.is_empty() {
        return Some("there is no target".into());
    }
    if check.action == Action::SuppressPath {
        let others = check.situation.paths.iter().filter(|path| !path.hit);
        return others.filter(|path| path.suspect).find_map(|path| objection(path, check.reserved));
    }
    check.to.iter().find_map(|target| match check.situation.path(&target.gateway) {
        None => Some(format!("{} carries nothing in this context", target.gateway)),
        // A lack of headroom shows in the ceiling, where what it has taken already is known.
        Some(path) if path.hit || path.suspect => objection(path, check.reserved),
        Some(_) => None,
    })
}

/// The largest share of the slice that its targets have room for.
pub(crate) fn ceiling_of(
    action: Action,
    to: &[Target],
    situation: &Situation,
    reserved: &crate::decide::targets::Reserved,
    limits: &Limits,
    settled: f64,
) -> f64 {
    if action.moves_payments() {
        ceiling(to, situation, reserved, limits.headroom_use, settled)
    } else {
        1.0
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::Case;
    use super::*;

    fn payu(case: &mut Case) -> &mut crate::Path {
        case.situation.paths.iter_mut().find(|path| path.gateway == "payu").unwrap()
    }

    #[test]
    fn suspect_full_and_unknown_targets_are_held() {
        let mut case = Case::sound();
        payu(&mut case).suspect = true;
        assert_eq!(case.held_by(), Some(Guardrail::Target));

        let mut case = Case::sound();
        let path = payu(&mut case);
        path.capacity_per_s = Some(path.load_per_s);
        assert_eq!(case.held_by(), Some(Guardrail::Target));

        let mut case = Case::sound();
        case.to[0].gateway = "nobody".into();
        assert_eq!(case.held_by(), Some(Guardrail::Target));

        let mut case = Case::sound();
        case.to.clear();
        assert_eq!(case.held_by(), Some(Guardrail::Target));
    }

    #[test]
    fn what_others_are_about_to_send_counts() {
        let mut case = Case::sound();
        let path = payu(&mut case);
        path.capacity_per_s = Some(path.load_per_s + 10.0);
        assert_eq!(case.held_by(), None);
        case.reserved.insert("payu".into(), 10.0);
        assert_eq!(case.held_by(), Some(Guardrail::Target));
    }

    #[test]
    fn a_path_is_not_suppressed_onto_a_suspect_one() {
        let mut case = Case { action: Action::SuppressPath, ..Case::sound() };
        assert_eq!(case.held_by(), None);
        case.situation.paths.iter_mut().find(|path| path.gateway == "stripe").unwrap().suspect =
            true;
        assert_eq!(case.held_by(), Some(Guardrail::Target));
    }
}
