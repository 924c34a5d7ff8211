//! Typical incidents and what is said of them, as golden text; and the properties behind it.

use std::fmt::Write;

use proptest::prelude::*;

use super::*;
use crate::Slice;

/// Five minutes of `attempts` at `rate`, with `expected` usual, on `share` of all traffic.
fn minutes_of(
    slice: &[(&str, &str)],
    attempts: u64,
    rate: f64,
    expected: f64,
    share: f64,
) -> Symptoms {
    let n = attempts as f64;
    let successes = (n * rate).round() as u64;
    let se = (1.5 * n * expected * (1.0 - expected)).sqrt();
    let half = 2.5 * (rate * (1.0 - rate) / n).sqrt();
    Symptoms {
        share_of_traffic: share,
        ..Symptoms::counted(
            Slice::new(slice.iter().copied()),
            300_000,
            attempts,
            successes,
            n * expected,
            se,
            ((rate - half).max(0.0), (rate + half).min(1.0)),
        )
    }
}

fn breadth(dimension: &str, hit: u32, values: u32) -> Breadth {
    Breadth { dimension: dimension.into(), values, hit }
}

fn siblings(dimension: &str, hit: u32, values: u32, rate: f64) -> Siblings {
    Siblings { dimension: dimension.into(), values, hit, success_rate: Some(rate) }
}

fn code(source: &str, value: &str, count: u64) -> CodeCount {
    CodeCount { source: source.into(), value: value.into(), count }
}

/// In the order of `FailureKind::ALL`.
fn failures(observed: [u64; 8], expected: [f64; 8]) -> Option<FailureCounts> {
    Some(FailureCounts { observed, expected })
}

fn issuer_down() -> Symptoms {
    Symptoms {
        failures: failures(
            [60, 520, 40, 4, 10, 2, 150, 30],
            [62.0, 30.0, 8.0, 4.0, 10.0, 2.0, 4.0, 3.0],
        ),
        top_codes: vec![code("iso8583", "91", 470), code("iso8583", "05", 50)],
        breadth: vec![breadth("gateway", 4, 4), breadth("merchant_id", 31, 34)],
        siblings: vec![siblings("issuer", 0, 11, 0.884)],
        latency: Some(LatencyShift {
            log_ratio: 1.5,
            z: 22.0,
            p95_ms: Some(4_100.0),
            p95_expected_ms: Some(900.0),
        }),
        volume: Some(VolumeShift { ratio: 1.08, z: 1.9 }),
        onset_abruptness: Some(0.8),
        ..minutes_of(&[("issuer", "HDFC")], 1_200, 0.32, 0.885, 0.14)
    }
}

fn gateway_down() -> Symptoms {
    Symptoms {
        failures: failures(
            [70, 20, 310, 5, 9, 3, 420, 260],
            [75.0, 36.0, 10.0, 5.0, 12.0, 2.0, 5.0, 4.0],
        ),
        top_codes: vec![code("transport", "http_5xx", 250), code("iso8583", "96", 60)],
        breadth: vec![breadth("issuer", 12, 12), breadth("merchant_id", 40, 41)],
        siblings: vec![siblings("gateway", 0, 3, 0.881)],
        latency: Some(LatencyShift {
            log_ratio: 1.9,
            z: 30.0,
            p95_ms: None,
            p95_expected_ms: None,
        }),
        onset_abruptness: Some(0.9),
        ..minutes_of(&[("gateway", "razorpay")], 1_500, 0.27, 0.90, 0.31)
    }
}

fn gateway_network_down() -> Symptoms {
    Symptoms {
        failures: failures(
            [14, 9, 120, 2, 3, 0, 80, 20],
            [16.0, 8.0, 2.0, 1.0, 3.0, 0.5, 1.0, 1.0],
        ),
        top_codes: vec![code("iso8583", "96", 110)],
        breadth: vec![breadth("issuer", 9, 10)],
        siblings: vec![siblings("gateway", 0, 3, 0.89), siblings("network", 0, 2, 0.902)],
        onset_abruptness: Some(0.9),
        ..minutes_of(&[("gateway", "payu"), ("network", "VISA")], 320, 0.25, 0.89, 0.07)
    }
}

/// Hourly success counts only, as most files have them.
fn upi_collect_without_codes() -> Symptoms {
    Symptoms {
        window_ms: 14 * 3_600_000,
        breadth: vec![breadth("merchant_id", 4, 6), breadth("issuer", 21, 26)],
        siblings: vec![siblings("gateway", 1, 5, 0.61), siblings("sub_type", 0, 4, 0.701)],
        volume: Some(VolumeShift { ratio: 0.97, z: -0.4 }),
        onset_abruptness: Some(0.75),
        ..minutes_of(
            &[("gateway", "PAYTM_V2"), ("sub_type", "UPI_COLLECT")],
            6_900,
            0.31,
            0.63,
            0.15,
        )
    }
}

fn payday() -> Symptoms {
    Symptoms {
        failures: failures(
            [5_100, 640, 130, 70, 160, 30, 80, 60],
            [2_400.0, 600.0, 130.0, 70.0, 150.0, 30.0, 80.0, 60.0],
        ),
        top_codes: vec![code("iso8583", "51", 4_300), code("iso8583", "61", 300)],
        breadth: vec![
            breadth("gateway", 5, 5),
            breadth("issuer", 12, 14),
            breadth("merchant_id", 44, 60),
        ],
        latency: Some(LatencyShift {
            log_ratio: 0.01,
            z: 0.4,
            p95_ms: None,
            p95_expected_ms: None,
        }),
        volume: Some(VolumeShift { ratio: 1.35, z: 9.0 }),
        onset_abruptness: Some(0.1),
        ..minutes_of(&[], 40_000, 0.843, 0.912, 1.0)
    }
}

fn card_testing() -> Symptoms {
    Symptoms {
        failures: failures(
            [820, 190, 4, 3, 610, 5, 2, 2],
            [30.0, 14.0, 4.0, 2.0, 6.0, 1.0, 2.0, 2.0],
        ),
        top_codes: vec![code("iso8583", "14", 640), code("iso8583", "59", 580)],
        breadth: vec![breadth("gateway", 2, 2), breadth("issuer", 9, 14)],
        siblings: vec![siblings("merchant_id", 0, 40, 0.9)],
        volume: Some(VolumeShift { ratio: 6.2, z: 40.0 }),
        concentration: vec![Concentration { of: "device".into(), per_value: 61.0, expected: 1.3 }],
        small_amounts: Some(SmallAmounts { share: 0.91, expected: 0.12, z: 35.0 }),
        ..minutes_of(&[("merchant_id", "m_17")], 2_000, 0.18, 0.90, 0.05)
    }
}

fn retry_storm() -> Symptoms {
    Symptoms {
        failures: failures(
            [900, 300, 60, 240, 90, 10, 30, 20],
            [220.0, 80.0, 20.0, 20.0, 25.0, 4.0, 10.0, 8.0],
        ),
        top_codes: vec![code("iso8583", "51", 700), code("transport", "http_429", 230)],
        siblings: vec![siblings("merchant_id", 0, 40, 0.9)],
        volume: Some(VolumeShift { ratio: 2.4, z: 20.0 }),
        onset_abruptness: Some(0.9),
        retries: Some(Retries {
            per_payment: 3.1,
            expected: 1.1,
            first_attempt_rates: Some((0.897, 0.9)),
        }),
        changes: Some(vec![Change {
            what: "deploy 41".into(),
            minutes_before: 4.0,
            touches_slice: true,
        }]),
        ..minutes_of(&[("merchant_id", "m_3")], 3_400, 0.51, 0.90, 0.06)
    }
}

fn everything_down() -> Symptoms {
    Symptoms {
        failures: failures(
            [300, 150, 1_900, 40, 40, 10, 4_800, 2_100],
            [640.0, 300.0, 60.0, 40.0, 80.0, 15.0, 40.0, 30.0],
        ),
        breadth: vec![breadth("gateway", 5, 5), breadth("issuer", 14, 14)],
        latency: Some(LatencyShift {
            log_ratio: 2.1,
            z: 60.0,
            p95_ms: None,
            p95_expected_ms: None,
        }),
        volume: Some(VolumeShift { ratio: 0.8, z: -3.0 }),
        onset_abruptness: Some(0.95),
        ..minutes_of(&[], 10_000, 0.066, 0.89, 1.0)
    }
}

/// The gateway's failures are as many as ever; all of them now read "suspected fraud".
fn renamed_codes() -> Symptoms {
    Symptoms {
        failures: failures([4, 2, 6, 3, 133, 2, 4, 3], [78.0, 42.0, 8.0, 5.0, 12.0, 2.0, 5.0, 4.0]),
        top_codes: vec![code("iso8583", "59", 131)],
        breadth: vec![breadth("issuer", 12, 12)],
        siblings: vec![siblings("gateway", 0, 3, 0.881)],
        latency: Some(LatencyShift { log_ratio: 0.0, z: 0.2, p95_ms: None, p95_expected_ms: None }),
        volume: Some(VolumeShift { ratio: 1.0, z: 0.1 }),
        ..minutes_of(&[("gateway", "razorpay")], 1_500, 0.895, 0.896, 0.31)
    }
}

/// The gateway is down and blames the payers for it.
fn gateway_down_with_user_codes() -> Symptoms {
    Symptoms {
        failures: failures(
            [1_060, 20, 4, 5, 9, 3, 3, 1],
            [75.0, 36.0, 10.0, 5.0, 12.0, 2.0, 5.0, 4.0],
        ),
        top_codes: vec![code("iso8583", "51", 1_040)],
        ..gateway_down()
    }
}

fn golden(symptoms: &Symptoms) -> String {
    let d = diagnose(symptoms);
    let mut out = format!("{} at {}, {:.3}\n", d.cause, symptoms.slice, d.confidence);
    for (cause, p) in d.posterior.iter().skip(1).take(2) {
        writeln!(out, "or {cause} {p:.3}").expect("a string");
    }
    for e in &d.evidence {
        writeln!(out, "{:+.2} {}: {}", e.log_bayes_factor, e.kind, e.text).expect("a string");
    }
    out
}

#[test]
fn a_bank_that_fails_at_every_gateway() {
    let case = issuer_down();
    assert_eq!(diagnose(&case).cause, Cause::IssuerDegradation);
    insta::assert_snapshot!(golden(&case), @r"
    issuer_degradation at {issuer: HDFC}, 0.973
    or network_or_system_failure 0.020
    or unknown 0.003
    +0.00 success_rate: success 32.0 % (95 % CS 28.6-35.4) against 88.5 % expected, 1200 attempts in 5 min
    +0.45 error_mix: iso8583/91 x470, iso8583/05 x50, timeout x150, error x30
    -0.18 latency: p95 latency 4.1 s (900 ms)
    +0.45 siblings: other issuers 88.4 %
    +1.51 breadth: 4 of 4 gateways hit
    +0.02 breadth: 31 of 34 merchants hit
    +2.08 slice: one issuer (14.0 % of all traffic)
    +0.14 volume: volume as usual
    -0.06 onset: began abruptly
    ");
}

#[test]
fn a_gateway_that_fails_for_every_bank() {
    let case = gateway_down();
    assert_eq!(diagnose(&case).cause, Cause::NetworkOrSystemFailure);
    insta::assert_snapshot!(golden(&case), @r"
    network_or_system_failure at {gateway: razorpay}, 0.984
    or misconfiguration 0.007
    or unknown 0.004
    +0.08 success_rate: success 27.0 % (95 % CS 24.1-29.9) against 90.0 % expected, 1500 attempts in 5 min
    +0.73 error_mix: transport/http_5xx x250, iso8583/96 x60, timeout x420, error x260
    +1.00 latency: latency 6.7 times the usual
    +0.14 siblings: other gateways 88.1 %
    +0.08 breadth: 12 of 12 issuers hit
    +1.16 breadth: 40 of 41 merchants hit
    +0.61 slice: one gateway (31.0 % of all traffic)
    +0.00 onset: began abruptly
    ");
}

#[test]
fn a_link_between_a_gateway_and_a_network() {
    let case = gateway_network_down();
    assert_eq!(diagnose(&case).cause, Cause::NetworkOrSystemFailure);
    insta::assert_snapshot!(golden(&case), @r"
    network_or_system_failure at {gateway: payu, network: VISA}, 0.949
    or misconfiguration 0.035
    or unknown 0.008
    +0.08 success_rate: success 25.0 % (95 % CS 18.9-31.1) against 89.0 % expected, 320 attempts in 5 min
    +0.81 error_mix: iso8583/96 x110, timeout x80, error x20
    +0.14 siblings: other gateways 89.0 %
    +0.42 siblings: other networks 90.2 %
    +0.02 breadth: 9 of 10 issuers hit
    +0.61 slice: one gateway (7.0 % of all traffic)
    +0.00 onset: began abruptly
    ");
}

#[test]
fn success_counts_alone_are_enough() {
    let case = upi_collect_without_codes();
    assert_eq!(diagnose(&case).cause, Cause::NetworkOrSystemFailure);
    insta::assert_snapshot!(golden(&case), @r"
    network_or_system_failure at {gateway: PAYTM_V2, sub_type: UPI_COLLECT}, 0.903
    or misconfiguration 0.064
    or unknown 0.020
    +0.08 success_rate: success 31.0 % (95 % CS 29.6-32.4) against 63.0 % expected, 6900 attempts in 14 h
    -0.05 siblings: other gateways 61.0 %, 1 of 5 hit too
    +0.42 siblings: other values of sub_type 70.1 %
    +0.14 breadth: 4 of 6 merchants hit
    -0.04 breadth: 21 of 26 issuers hit
    +0.61 slice: one gateway (15.0 % of all traffic)
    +0.24 volume: volume as usual
    +0.00 onset: began abruptly
    ");
}

#[test]
fn a_salary_day_is_the_payers() {
    let case = payday();
    assert_eq!(diagnose(&case).cause, Cause::UserRelated);
    insta::assert_snapshot!(golden(&case), @r"
    user_related at {}, 0.965
    or network_or_system_failure 0.012
    or misconfiguration 0.009
    +0.79 success_rate: success 84.3 % (95 % CS 83.8-84.8) against 91.2 % expected, 40000 attempts in 5 min
    +1.47 error_mix: iso8583/51 x4300, iso8583/61 x300
    +0.74 latency: latency as usual
    +0.09 breadth: 5 of 5 gateways hit
    -0.01 breadth: 12 of 14 issuers hit
    +0.05 breadth: 44 of 60 merchants hit
    +0.75 slice: all traffic at once
    +0.69 volume: volume 1.4 times the usual
    +1.21 onset: grew gradually
    ");
}

#[test]
fn cards_tested_at_one_shop() {
    let case = card_testing();
    assert_eq!(diagnose(&case).cause, Cause::SuspectedFraud);
    insta::assert_snapshot!(golden(&case), @r"
    suspected_fraud at {merchant_id: m_17}, 0.956
    or misconfiguration 0.029
    or unknown 0.007
    -0.74 success_rate: success 18.0 % (95 % CS 15.9-20.1) against 90.0 % expected, 2000 attempts in 5 min
    +0.61 error_mix: iso8583/14 x640, iso8583/59 x580
    +0.02 siblings: other merchants 90.0 %
    +0.82 slice: one merchant (5.0 % of all traffic)
    +0.59 volume: volume 6.2 times the usual
    +0.66 concentration: 61.0 attempts per device (1.3)
    +1.80 small_amounts: small amounts 91.0 % (12.0 %)
    ");
}

#[test]
fn a_loop_that_retries_what_it_should_not() {
    let case = retry_storm();
    assert_eq!(diagnose(&case).cause, Cause::Misconfiguration);
    insta::assert_snapshot!(golden(&case), @r"
    misconfiguration at {merchant_id: m_3}, 0.922
    or suspected_fraud 0.062
    or unknown 0.008
    +0.00 success_rate: success 51.0 % (95 % CS 48.9-53.1) against 90.0 % expected, 3400 attempts in 5 min
    -0.13 error_mix: iso8583/51 x700, transport/http_429 x230, timeout x30, error x20
    -0.02 siblings: other merchants 90.0 %
    -0.82 slice: one merchant (6.0 % of all traffic)
    -0.59 volume: volume 2.4 times the usual
    +0.18 onset: began abruptly
    +0.74 retries: 3.1 attempts per payment (1.1)
    +1.11 first_attempts: first attempts 89.7 % (90.0 %)
    +2.03 change: deploy 41 4 min before
    ");
}

#[test]
fn everything_down_at_once() {
    let case = everything_down();
    assert_eq!(diagnose(&case).cause, Cause::NetworkOrSystemFailure);
    insta::assert_snapshot!(golden(&case), @r"
    network_or_system_failure at {}, 0.929
    or misconfiguration 0.054
    or unknown 0.007
    -0.15 success_rate: success 6.6 % (95 % CS 6.0-7.2) against 89.0 % expected, 10000 attempts in 5 min
    +0.73 error_mix: timeout 4800 (40 expected), error 2100 (30 expected), network 1900 (60 expected)
    +1.00 latency: latency 8.2 times the usual
    +0.00 breadth: 5 of 5 gateways hit
    +0.00 breadth: 14 of 14 issuers hit
    -0.22 slice: all traffic at once
    +0.24 volume: volume as usual
    +0.00 onset: began abruptly
    ");
}

#[test]
fn renamed_codes_are_no_failure() {
    let case = renamed_codes();
    assert_eq!(diagnose(&case).cause, Cause::Unknown);
    insta::assert_snapshot!(golden(&case), @r"
    unknown at {gateway: razorpay}, 0.518
    or network_or_system_failure 0.290
    or misconfiguration 0.173
    +1.07 success_rate: success 89.5 % (95 % CS 87.5-91.5) against 89.6 % expected, 1500 attempts in 5 min
    +2.55 renamed: failures changed their kind, not their number: fraud 133 (12 expected), user 4 (78 expected), issuer 2 (42 expected)
    +0.38 latency: latency as usual
    -0.38 siblings: other gateways 88.1 %
    -0.82 breadth: 12 of 12 issuers hit
    -0.96 slice: one gateway (31.0 % of all traffic)
    +0.00 volume: volume as usual
    ");
}

#[test]
fn a_gateway_that_blames_the_payers() {
    let case = gateway_down_with_user_codes();
    assert_eq!(diagnose(&case).cause, Cause::NetworkOrSystemFailure);
    insta::assert_snapshot!(golden(&case), @r"
    network_or_system_failure at {gateway: razorpay}, 0.963
    or misconfiguration 0.023
    or unknown 0.007
    +0.08 success_rate: success 27.0 % (95 % CS 24.1-29.9) against 90.0 % expected, 1500 attempts in 5 min
    -0.53 error_mix: iso8583/51 x1040
    +1.00 latency: latency 6.7 times the usual
    +0.14 siblings: other gateways 88.1 %
    +0.08 breadth: 12 of 12 issuers hit
    +1.16 breadth: 40 of 41 merchants hit
    +0.61 slice: one gateway (31.0 % of all traffic)
    +0.00 onset: began abruptly
    ");
}

/// Log odds of every cause against `Unknown`, with the lapse taken out again.
fn log_odds(d: &Diagnosis) -> PerCause {
    let mut p = PRIOR;
    for (cause, posterior) in &d.posterior {
        let i = CAUSES.iter().position(|c| c == cause).expect("a known cause");
        p[i] = posterior - LAPSE * PRIOR[i];
    }
    tables::against_unknown(p.map(libm::log))
}

proptest! {
    #[test]
    fn the_posterior_is_a_distribution(
        observed in prop::array::uniform8(0_u64..1_000_000),
        expected in prop::array::uniform8(0.0_f64..1e6),
        attempts in 0_u64..10_000_000, rate in 0.0_f64..=1.0, usual in 0.0_f64..=1.0,
        log_ratio in -50.0_f64..50.0, z in -1e6_f64..1e6,
    ) {
        let n = attempts as f64;
        let case = Symptoms {
            failures: failures(observed, expected),
            latency: Some(LatencyShift { log_ratio, z, p95_ms: None, p95_expected_ms: None }),
            volume: Some(VolumeShift { ratio: log_ratio.abs(), z }),
            ..Symptoms::counted(
                Slice::default(), 60_000, attempts, (n * rate) as u64, n * usual, n.sqrt(), (0.0, 1.0),
            )
        };
        let d = diagnose(&case);
        prop_assert!((d.posterior.iter().map(|(_, p)| p).sum::<f64>() - 1.0).abs() < 1e-9);
        prop_assert!(d.posterior.iter().all(|(_, p)| *p > 0.0 && *p < 1.0));
        prop_assert!(d.posterior.windows(2).all(|w| w[0].1 >= w[1].1));
    }

    /// Codes alone never decide: whatever a failing gateway calls its failures, no odds move by more
    /// than the cap, and the gateway stays the diagnosis.
    #[test]
    fn no_choice_of_codes_outweighs_where_the_failures_are(
        observed in prop::array::uniform8(0_u64..2_000),
    ) {
        let with = diagnose(&Symptoms {
            failures: failures(observed, gateway_down().failures.expect("given").expected),
            ..gateway_down()
        });
        let without = diagnose(&Symptoms { failures: None, ..gateway_down() });
        let moved: Vec<f64> =
            log_odds(&with).iter().zip(log_odds(&without)).map(|(a, b)| a - b).collect();
        for a in &moved {
            for b in &moved {
                prop_assert!(a - b <= DEPENDENCE * tables::CODES_CAP + 1e-6);
            }
        }
        prop_assert_eq!(with.cause, Cause::NetworkOrSystemFailure);
    }

    /// More gateways hit speak for the bank, never against it.
    #[test]
    fn breadth_is_monotone(values in 2_u32..12) {
        let confidence = |hit| {
            let case =
                Symptoms { breadth: vec![breadth("gateway", hit, values)], ..issuer_down() };
            let d = diagnose(&case);
            d.posterior.iter().find(|p| p.0 == Cause::IssuerDegradation).expect("ranked").1
        };
        for hit in 1..=values {
            prop_assert!(confidence(hit) >= confidence(hit - 1));
        }
    }
}

/// What is shown is what decided: the odds are the prior odds times the Bayes factors shown.
#[test]
fn the_evidence_adds_up_to_the_odds() {
    for case in [issuer_down(), gateway_down(), payday(), card_testing(), retry_storm()] {
        let d = diagnose(&case);
        let index = |cause| CAUSES.iter().position(|c| *c == cause).expect("a known cause");
        let (chosen, rival) = (index(d.posterior[0].0), index(d.posterior[1].0));
        let odds = log_odds(&d);
        let shown: f64 = d.evidence.iter().map(|e| e.log_bayes_factor).sum();
        let prior = libm::log(PRIOR[chosen] / PRIOR[rival]);
        assert!((odds[chosen] - odds[rival] - prior - shown).abs() < 1e-6);
    }
}

#[test]
fn nothing_measured_names_no_cause() {
    let case = Symptoms::counted(Slice::default(), 60_000, 0, 0, 0.0, 0.0, (0.0, 1.0));
    assert_eq!(diagnose(&case).cause, Cause::Unknown);
}
