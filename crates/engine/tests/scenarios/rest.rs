//! Time that nobody watched is passed over: nothing is raised for it, nothing is forgotten, and what breaks afterwards is found.

use analyst::IncidentStatus;
use engine::{Effect, Input};
use sim::{FailureKind, Kind};

use crate::play::{Play, assert_times, minute, on, slice};

const HOUR: i64 = 60;
const DAY: i64 = 24 * HOUR;
const WEEK: i64 = 7 * DAY;

fn outage() -> Kind {
    Kind::Outage { severity: 0.9, blame: FailureKind::Gateway }
}

#[test]
fn a_year_unwatched_raises_nothing() {
    let play = Play::of([]).until(10).rest(10 + 52 * WEEK).until(12 + 52 * WEEK);
    assert!(play.engine.judged_until() > Some(minute(11 + 52 * WEEK)));
    let play = play.until(10 + 52 * WEEK + 2 * HOUR);
    assert!(play.incidents().is_empty(), "{}", play.summary());
}

#[test]
fn what_breaks_after_a_pause_is_found() {
    let from = 10 + WEEK + HOUR;
    let payu = [("gateway", "PAYU")];
    let play =
        Play::of([on(&payu, from, from + 30, outage())]).until(10).rest(10 + WEEK).until(from + 60);
    let incident = play.one();
    assert_eq!(incident.slice, slice(&payu));
    assert_times(&incident, from, from + 30, 3);
}

#[test]
fn an_incident_that_ended_unwatched_ends() {
    let razorpay = [("gateway", "RAZORPAY")];
    let play = Play::of([on(&razorpay, 10, 40, outage())]).until(20);
    assert_eq!(play.at(&razorpay).status, IncidentStatus::Open);
    let play = play.rest(20 + DAY).until(20 + DAY + 30);
    assert_eq!(play.at(&razorpay).status, IncidentStatus::Resolved);
    assert_eq!(play.incidents().len(), 1, "{}", play.summary());
}

#[test]
fn what_was_taught_is_known_and_what_was_found_in_it_is_nobodys_business() {
    let razorpay = [("gateway", "RAZORPAY")];
    let from = 9 * WEEK + 30;
    let mut play = Play::of([
        on(&razorpay, 10, 40, outage()),
        on(&[("gateway", "PAYU")], from, from + 20, outage()),
    ])
    .until(20);
    assert_eq!(play.at(&razorpay).status, IncidentStatus::Open);
    play.engine.taught();
    assert_eq!(play.at(&razorpay).status, IncidentStatus::Resolved);
    play.effects.clear();
    // Longer ago than any event may run ahead of the one before it.
    let play = play.later(9 * WEEK).until(from + 40);
    assert_eq!(play.engine.intake().future, 0);
    let told = play.effects.iter().filter_map(|effect| match effect {
        Effect::Incident(incident) => Some(incident.slice.clone()),
        _ => None,
    });
    let told: std::collections::BTreeSet<_> = told.collect();
    let told: Vec<_> = told.into_iter().collect();
    assert_eq!(told, [slice(&[("gateway", "PAYU")])], "{}", play.summary());
    assert_times(&play.at(&[("gateway", "PAYU")]), from, from + 20, 3);
}

#[test]
fn a_pause_into_the_past_is_none() {
    let mut play = Play::of([]).until(10);
    let before = play.engine.judged_until();
    assert!(play.engine.handle(&Input::Rest(minute(5))).is_empty());
    assert_eq!(play.engine.judged_until(), before);
    let play = play.until(20);
    assert_eq!(play.engine.intake().late, 0);
}
