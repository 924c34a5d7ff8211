//! Signals other than the success rate.

use analyst::{Cause, Signal};
use sim::Kind;

use crate::play::{Play, on};

#[test]
fn a_gateway_becomes_slow() {
    let payu = [("gateway", "PAYU")];
    let play = Play::of([on(&payu, 20, 80, Kind::Latency { factor: 2.5 })]).until(110);
    let incident = play.at(&payu);
    assert_eq!(incident.signal, Signal::Latency, "{}", play.summary());
    assert_eq!(incident.cause, Cause::NetworkOrSystemFailure, "{}", play.summary());
    assert!(incident.resolved_at.is_some(), "{}", play.summary());
}
