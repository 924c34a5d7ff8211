//! What an incident must not teach, and what in the end it must.

use sim::{FailureKind, Kind};

use crate::play::{Play, on};

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
