//! Nothing is wrong: nobody is woken.

use analyst::{Signal, Slice};
use sim::{FailureKind, Kind};

use crate::play::{Play, on};

#[test]
fn half_a_quiet_day() {
    let play = Play::of([]).until(12 * 60);
    assert!(play.found().is_empty(), "{}", play.summary());
}

/// More traffic from the weakest bank lowers every total and breaks nothing.
#[test]
fn the_mix_shifts_to_a_weak_bank() {
    let pnb = [("issuer", "PNB")];
    let play = Play::of([on(&pnb, 20, 140, Kind::MixShift { share: 0.3 })]).until(160);
    let about_success = |i: &analyst::Incident| i.signal == Signal::SuccessRate;
    assert!(!play.incidents().iter().any(about_success), "{}", play.summary());
}

/// The same failures under other codes are no loss.
#[test]
fn codes_are_renamed() {
    let kind = Kind::CodesRenamed { from: FailureKind::User, to: FailureKind::Issuer };
    let play = Play::of([on(&[("gateway", "PAYU")], 20, 200, kind)]).until(220);
    for incident in play.incidents() {
        assert_eq!(incident.signal, Signal::ErrorMix, "{}", play.summary());
        assert_ne!(incident.slice, Slice::default(), "{}", play.summary());
    }
}
