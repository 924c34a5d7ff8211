//! Typical incidents and what is said of them, as golden text; and the properties behind it.

use std::fmt::Write;

use proptest::prelude::*;

use super::*;
use crate::Slice;
use cases::*;

mod cases;

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
    suspected_fraud at {merchant_id: m_17}, 0.959
    or misconfiguration 0.028
    or unknown 0.005
    -0.74 success_rate: success 18.0 % (95 % CS 15.9-20.1) against 90.0 % expected, 2000 attempts in 5 min
    +0.61 error_mix: iso8583/14 x640, iso8583/59 x580
    +0.02 siblings: other merchants 90.0 %
    +0.82 slice: one merchant (5.0 % of all traffic)
    +0.61 volume: volume 6.2 times the usual
    +0.66 concentration: 61.0 attempts per device (1.3)
    +1.80 small_amounts: small amounts 91.0 % (12.0 %)
    ");
}

#[test]
fn a_loop_that_retries_what_it_should_not() {
    let case = retry_storm();
    assert_eq!(diagnose(&case).cause, Cause::Misconfiguration);
    insta::assert_snapshot!(golden(&case), @r"
    misconfiguration at {merchant_id: m_3}, 0.919
    or suspected_fraud 0.058
    or unknown 0.015
    +0.00 success_rate: success 51.0 % (95 % CS 48.9-53.1) against 90.0 % expected, 3400 attempts in 5 min
    -0.13 error_mix: iso8583/51 x700, transport/http_429 x230, timeout x30, error x20
    -0.02 siblings: other merchants 90.0 %
    -0.82 slice: one merchant (6.0 % of all traffic)
    -0.52 volume: volume 2.4 times the usual
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

#[test]
fn a_gateway_that_is_slow_and_still_approves() {
    let case = slow_gateway();
    insta::assert_snapshot!(golden(&case), @r"
    network_or_system_failure at {gateway: razorpay}, 0.947
    or unknown 0.028
    or misconfiguration 0.017
    -1.07 success_rate: success 89.7 % (95 % CS 87.7-91.7) against 90.0 % expected, 1500 attempts in 5 min
    +0.48 latency: p95 latency 6.2 s (1.1 s)
    +0.38 siblings: other gateways 89.0 %
    +0.57 breadth: 11 of 12 issuers hit
    +0.57 breadth: 38 of 41 merchants hit
    +0.96 slice: one gateway (31.0 % of all traffic)
    +0.00 volume: volume as usual
    +0.42 onset: began abruptly
    ");
}

#[test]
fn traffic_that_no_longer_arrives() {
    let case = missing_traffic();
    insta::assert_snapshot!(golden(&case), @r"
    network_or_system_failure at {gateway: razorpay}, 0.772
    or misconfiguration 0.114
    or unknown 0.097
    -0.22 success_rate: success 89.7 % (95 % CS 86.8-92.6) against 90.0 % expected, 700 attempts in 5 min
    -0.38 latency: latency as usual
    +0.14 siblings: other gateways 89.0 %
    +0.61 slice: one gateway (31.0 % of all traffic)
    +0.52 volume: volume 0.5 times the usual
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

/// Every way to leave one symptom unmeasured.
fn with_one_less(case: &Symptoms) -> Vec<(&'static str, Symptoms)> {
    let whole = || case.clone();
    vec![
        ("failures", Symptoms { failures: None, ..whole() }),
        ("breadth", Symptoms { breadth: Vec::new(), ..whole() }),
        ("siblings", Symptoms { siblings: Vec::new(), ..whole() }),
        ("latency", Symptoms { latency: None, ..whole() }),
        ("volume", Symptoms { volume: None, ..whole() }),
        ("onset", Symptoms { onset_abruptness: None, ..whole() }),
        ("retries", Symptoms { retries: None, ..whole() }),
        ("concentration", Symptoms { concentration: Vec::new(), ..whole() }),
        ("small amounts", Symptoms { small_amounts: None, ..whole() }),
        ("changes", Symptoms { changes: None, ..whole() }),
    ]
}

/// No symptom decides alone: without any one of them the cause is the same, or is not named.
#[test]
fn leaving_out_any_one_symptom_never_names_another_cause() {
    for case in [
        issuer_down(),
        gateway_down(),
        gateway_network_down(),
        upi_collect_without_codes(),
        payday(),
        card_testing(),
        retry_storm(),
        everything_down(),
    ] {
        let cause = diagnose(&case).cause;
        for (what, less) in with_one_less(&case) {
            let other = diagnose(&less).cause;
            assert!(
                other == cause || other == Cause::Unknown,
                "{cause} at {} becomes {other} without {what}",
                case.slice
            );
        }
    }
}
