//! Something breaks: it is found where it is, named for what it is, and over when it is over.

use analyst::{Cause, Signal};
use engine::Effect;
use sim::{FailureKind, Kind};

use crate::play::{Play, assert_times, on};

fn outage(severity: f64, blame: FailureKind) -> Kind {
    Kind::Outage { severity, blame }
}

#[test]
fn a_gateway_fails() {
    let payu = [("gateway", "PAYU")];
    let play = Play::of([on(&payu, 20, 50, outage(0.9, FailureKind::Gateway))]).until(80);
    let incident = play.at(&payu);
    assert_eq!(play.one(), incident);
    assert_eq!(incident.signal, Signal::SuccessRate);
    assert_eq!(incident.cause, Cause::NetworkOrSystemFailure);
    assert_times(&incident, 20, 50, 3);
    let impact = &incident.impact;
    assert!(impact.lost_payments_low > 0.0 && impact.lost_payments < impact.lost_payments_high);
}

#[test]
fn a_cycle_reads_like_the_contract() {
    let payu = [("gateway", "PAYU")];
    let play = Play::of([on(&payu, 20, 50, outage(0.9, FailureKind::Gateway))]).until(30);
    let text = play.effects.iter().find_map(|effect| match effect {
        Effect::Cycle { text, .. } => Some(text.clone()),
        _ => None,
    });
    insta::assert_snapshot!(text.expect("a cycle"), @r"
    Diagnosis: network_or_system_failure at {gateway: PAYU}
    Evidence: success 0.0 % (95 % CS 0.0-33.0) against 79.4 % expected, 18 attempts in 30 s; transport/http_5xx x6, iso8583/51 x5, iso8583/91 x1; other gateways 84.2 %; 2 of 2 issuers hit; one gateway (15.9 % of all traffic); volume as usual; unlike other slices (isolation forest p < 0.001, random cut forest p < 0.001), most in success evidence
    Proposed Action: reroute 5 % of the slice from PAYU to STRIPE (87 %), CASHFREE (4 %), PAYTM (4 %) and RAZORPAY (4 %) (experiment x_1)
    Risk Assessment: low - 0.9 % of all traffic, STRIPE's capacity isn't known, expires in 30 min, rollback at e >= 20
    Confidence Score: 0.99
    ");
}

#[test]
fn a_bank_fails() {
    let sbi = [("issuer", "SBI")];
    let play = Play::of([on(&sbi, 20, 60, outage(0.9, FailureKind::Issuer))]).until(90);
    let incident = play.at(&sbi);
    assert_eq!(play.one(), incident);
    assert_eq!(incident.cause, Cause::IssuerDegradation);
    assert_times(&incident, 20, 60, 3);
}

#[test]
fn a_gateway_fails_on_one_network() {
    let place = [("gateway", "RAZORPAY"), ("network", "VISA")];
    let play = Play::of([on(&place, 20, 60, outage(0.9, FailureKind::Gateway))]).until(90);
    let incident = play.at(&place);
    assert_eq!(play.one(), incident);
    assert_eq!(incident.cause, Cause::NetworkOrSystemFailure);
    assert_times(&incident, 20, 60, 5);
}

#[test]
fn two_things_fail_at_once() {
    let (payu, sbi) = ([("gateway", "PAYU")], [("issuer", "SBI")]);
    let play = Play::of([
        on(&payu, 20, 60, outage(0.9, FailureKind::Gateway)),
        on(&sbi, 20, 60, outage(0.9, FailureKind::Issuer)),
    ])
    .until(90);
    assert_times(&play.at(&payu), 20, 60, 10);
    assert_times(&play.at(&sbi), 20, 60, 10);
    assert_eq!(play.incidents().len(), 2, "{}", play.summary());
}

#[test]
fn one_thing_fails_inside_a_broader_one() {
    let payu = [("gateway", "PAYU")];
    let sbi = [("gateway", "PAYU"), ("issuer", "SBI")];
    let play = Play::of([
        on(&payu, 20, 180, outage(0.25, FailureKind::Gateway)),
        on(&sbi, 60, 150, outage(0.95, FailureKind::Issuer)),
    ])
    .until(210);
    assert!(play.at(&payu).started_at < play.at(&sbi).started_at, "{}", play.summary());
}

#[test]
fn everything_fails() {
    let play = Play::of([on(&[], 20, 40, outage(0.9, FailureKind::Gateway))]).until(70);
    assert_times(&play.at(&[]), 20, 40, 2);
    assert_eq!(play.incidents().len(), 1, "{}", play.summary());
}

/// Declines for want of funds everywhere, as before a pay day: nobody's system is broken.
#[test]
fn payers_run_out_of_funds() {
    let play = Play::of([on(&[], 20, 60, outage(0.25, FailureKind::User))]).until(90);
    assert_eq!(play.at(&[]).cause, Cause::UserRelated, "{}", play.summary());
}
