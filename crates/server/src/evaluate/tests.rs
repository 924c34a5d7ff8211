//! Logs whose truth is known, judged.

use std::io::Write;

use engine::Routing;
use payments::{Attempt, Currency, Money, Status, Timestamp};
use routing::{Gateway, Learning};
use stats::stream::Stream;

use super::*;
use crate::read::{self, Options, Wish};

pub fn attempt(gateway: &str, approved: bool, propensity: f64) -> Attempt {
    let currency = Currency::parse("INR").expect("a currency");
    Attempt {
        attempt_id: String::new(),
        payment_id: String::new(),
        attempt_number: 1,
        occurred_at: Timestamp::from_millis(1_790_000_000_000),
        merchant_id: "m".into(),
        amount: Some(Money { minor: 10_000, currency }),
        gateway: gateway.into(),
        method: "card".into(),
        network: None,
        issuer: None,
        country: None,
        bin: None,
        status: if approved { Status::Approved } else { Status::Declined },
        code: None,
        latency_ms: Some(700),
        decision_id: None,
        propensity: Some(propensity),
        initiator: None,
        mcc: None,
        customer_ref: None,
        device_ref: None,
        terminal_ref: None,
        ip_country: None,
        attributes: Default::default(),
    }
}

pub fn candidate(learning: &str) -> Candidate {
    let learning = match learning {
        "exploit" => Learning::Exploit,
        "explore" => Learning::Explore,
        _ => Learning::Off,
    };
    Candidate { name: "policy.toml".into(), routing: Routing { learning, ..Routing::default() } }
}

/// Always this gateway.
fn always(gateway: &str) -> Candidate {
    let mut candidate = candidate("off");
    candidate.routing.gateways = vec![Gateway { name: gateway.into(), ..Gateway::default() }];
    candidate
}

/// Half of the payments to each of two gateways, of which one approves 70 % and the other 80 %; one payment a second, the slower gateway's
/// outcomes later.
fn log(n: i64) -> Loaded {
    let mut stream = Stream::named(5, "a log");
    let mut text = Vec::new();
    for i in 0..n {
        let (gateway, rate, latency) =
            if stream.bernoulli(0.5) { ("b", 0.8, 9_000) } else { ("a", 0.7, 400) };
        let mut next = attempt(gateway, stream.bernoulli(rate), 0.5);
        next.attempt_id = format!("a_{i}");
        next.payment_id = format!("p_{i}");
        next.latency_ms = Some(latency);
        next.occurred_at = next.occurred_at.plus_millis(i * 1_000 + i64::from(latency));
        serde_json::to_writer(&mut text, &next).expect("JSON");
        writeln!(text).expect("written");
    }
    let options = Options::new(Wish::default(), jiff::tz::TimeZone::UTC, far());
    read::read_stream(Box::new(std::io::Cursor::new(text)), &options).expect("a log")
}

fn far() -> Timestamp {
    Timestamp::from_millis(1_900_000_000_000)
}

fn evaluated(n: i64, candidates: &[Candidate]) -> Evaluation {
    let mut file = log(n);
    let counted = count(&mut file).expect("counted");
    assert_eq!((counted.decisions, counted.propensity_min), (n as u64, 0.5));
    judge(&mut file, counted, candidates, &mut |_| {}).expect("judged")
}

fn verdict(said: &Evaluation, policy: usize) -> Verdict {
    let judged = &said.policies[policy..=policy];
    Verdict::of(&judged[0].uplift, judged)
}

#[test]
fn the_better_gateway_is_found_and_the_truth_lies_in_every_interval() {
    let said = evaluated(20_000, &[always("b"), always("a")]);
    for (judged, truth) in said.policies.iter().zip([0.8, 0.7]) {
        for estimate in judged.estimates {
            assert!((estimate.value - truth).abs() < 0.02, "{estimate:?}");
            assert!(estimate.interval.0 < truth && truth < estimate.interval.1, "{estimate:?}");
        }
        assert!((judged.effective_size - 10_000.0).abs() < 300.0, "{judged:?}");
        assert_eq!(judged.overlap, 1.0);
        assert!(of_policy(&said, judged).is_empty(), "{:?}", of_policy(&said, judged));
    }
    assert!(of_log(&said).is_empty(), "{:?}", of_log(&said));
    assert_eq!(verdict(&said, 0), Verdict::Better);
    assert_eq!(verdict(&said, 1), Verdict::Worse);
    let between = said.between.expect("two policies");
    assert_eq!(Verdict::of(&between, &said.policies), Verdict::Better);
    assert!((between.value - 0.1).abs() < 0.02);
    let (low, high) = said.log.interval;
    assert!(low < 0.75 && 0.75 < high && high - low < 0.04, "{:?}", said.log);
}

#[test]
fn a_policy_that_learns_ends_up_with_the_better_gateway() {
    let said = evaluated(20_000, &[candidate("exploit")]);
    // The first ten seconds have seen no gateway.
    assert!(said.judged < 20_000 && said.judged > 19_900, "{}", said.judged);
    let doubly = said.policies[0].estimates[2];
    assert!(doubly.value > 0.78, "{doubly:?}");
    assert_eq!(verdict(&said, 0), Verdict::Better);
}

#[test]
fn where_the_log_never_went_nothing_is_claimed() {
    let said = evaluated(2_000, &[always("c")]);
    let judged = &said.policies[0];
    assert_eq!((judged.overlap, judged.effective_size), (0.0, 0.0));
    assert_eq!(verdict(&said, 0), Verdict::Unfounded);
    let said = of_policy(&said, judged).join("\n");
    assert!(said.contains("overlap is too thin") && said.contains("the log never went"), "{said}");
    assert!(said.contains("mean is 0.000"), "{said}");
}

#[test]
fn a_policy_against_itself_differs_by_nothing() {
    let said = evaluated(20_000, &[candidate("explore"), candidate("explore")]);
    let between = said.between.expect("two policies");
    assert!(between.value == 0.0 && between.interval.0 <= 0.0 && between.interval.1 >= 0.0);
    assert!(between.interval.1 - between.interval.0 < 0.02, "{between:?}");
}

#[test]
fn what_does_not_count_is_counted() {
    let mut file = {
        let mut text = Vec::new();
        for (i, (number, status, propensity)) in [
            (1, Status::Approved, Some(0.4)),
            (2, Status::Approved, Some(0.1)),
            (1, Status::Unknown, Some(0.1)),
            (1, Status::Timeout, Some(0.6)),
            (1, Status::Declined, None),
        ]
        .into_iter()
        .enumerate()
        {
            let mut next = attempt("a", true, 1.0);
            next.attempt_id = format!("a_{i}");
            next.payment_id = format!("p_{i}");
            (next.attempt_number, next.status, next.propensity) = (number, status, propensity);
            serde_json::to_writer(&mut text, &next).expect("JSON");
            writeln!(text).expect("written");
        }
        let options = Options::new(Wish::default(), jiff::tz::TimeZone::UTC, far());
        read::read_stream(Box::new(std::io::Cursor::new(text)), &options).expect("a log")
    };
    let counted = count(&mut file).expect("counted");
    assert_eq!(
        counted,
        Counted {
            attempts: 5,
            retries: 1,
            unresolved: 1,
            without_propensity: 1,
            decisions: 2,
            without_latency: 0,
            approved: 1,
            propensity_min: 0.4
        }
    );
}
