//! What an incident must not teach, and what in the end it must.

use sim::{FailureKind, Kind};

use crate::play::{Play, minute, on};

/// Expected success of a gateway in the rolling window.
fn expected(play: &Play, gateway: &str) -> f64 {
    play.engine
        .routes(&["gateway"])
        .into_iter()
        .find(|stats| stats.slice.get("gateway") == Some(gateway))
        .and_then(|stats| stats.baseline_rate)
        .expect("a gateway with traffic")
}

#[test]
fn an_outage_teaches_nothing() {
    let kind = Kind::Outage { severity: 0.6, blame: FailureKind::Gateway };
    let hit = Play::of([on(&[("gateway", "PAYU")], 20, 200, kind)]).until(230);
    let spared = Play::of([]).until(230);
    assert!(!hit.incidents().is_empty());
    let (after, otherwise) = (expected(&hit, "PAYU"), expected(&spared, "PAYU"));
    assert!((after - otherwise).abs() < 0.02, "{after} against {otherwise}");
}

#[test]
fn a_lasting_shift_becomes_the_new_normal_after_a_day() {
    let payu = [("gateway", "PAYU")];
    let kind = Kind::Outage { severity: 0.4, blame: FailureKind::Gateway };
    let play = Play::of([on(&payu, 20, 1_000 * 60, kind)]).until(24 * 60);
    assert!(play.at(&payu).resolved_at.is_none(), "{}", play.summary());
    let play = play.until(28 * 60);
    let incident = play.at(&payu);
    let why = incident.resolution.clone().unwrap_or_default();
    assert!(why.starts_with("accepted as the new normal"), "{}", play.summary());
    assert!(expected(&play, "PAYU") < incident.baseline_rate - 0.1, "{}", play.summary());
    let accepted = incident.resolved_at.expect("accepted");
    let mut later = play.incidents().into_iter().filter(|other| other.detected_at > accepted);
    assert!(later.all(|other| other.slice.get("gateway") != Some("PAYU")), "{}", play.summary());
}

/// In its first hours nobody knows the daily course of a gateway: what that explains as well as an incident isn't held against a gateway for a day.
#[test]
fn a_young_expectation_gives_way_to_a_small_shift_that_outlasts_it() {
    let payu = [("gateway", "PAYU")];
    let ended = |severity: f64| {
        let kind = Kind::Outage { severity, blame: FailureKind::Gateway };
        let play = Play::young(60.0, 120, [on(&payu, 0, 24 * 60, kind)]).until(190);
        let incident = play.at(&payu);
        (incident.resolution.clone(), incident.resolved_at, play.summary())
    };
    let (why, at, summary) = ended(0.035);
    assert!(why.unwrap_or_default().starts_with("accepted as the new normal"), "{summary}");
    assert!(at.is_some_and(|at| at >= minute(110) && at <= minute(180)), "{summary}");
    let (_, at, summary) = ended(0.3);
    assert!(at.is_none(), "{summary}");
}
