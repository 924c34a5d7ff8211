//! Typical incidents, as symptoms.

use super::super::*;
use crate::Slice;

/// Five minutes of `attempts` at `rate`, with `expected` usual, on `share` of all traffic.
pub(super) fn minutes_of(
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

pub(super) fn breadth(dimension: &str, hit: u32, values: u32) -> Breadth {
    Breadth { dimension: dimension.into(), values, hit }
}

pub(super) fn siblings(dimension: &str, hit: u32, values: u32, rate: f64) -> Siblings {
    Siblings { dimension: dimension.into(), values, hit, success_rate: Some(rate) }
}

pub(super) fn code(source: &str, value: &str, count: u64) -> CodeCount {
    CodeCount { source: source.into(), value: value.into(), count }
}

/// In the order of `FailureKind::ALL`.
pub(super) fn failures(observed: [u64; 8], expected: [f64; 8]) -> Option<FailureCounts> {
    Some(FailureCounts { observed, expected })
}

pub(super) fn issuer_down() -> Symptoms {
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

pub(super) fn gateway_down() -> Symptoms {
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

pub(super) fn gateway_network_down() -> Symptoms {
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
pub(super) fn upi_collect_without_codes() -> Symptoms {
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

pub(super) fn payday() -> Symptoms {
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

pub(super) fn card_testing() -> Symptoms {
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

pub(super) fn retry_storm() -> Symptoms {
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

pub(super) fn everything_down() -> Symptoms {
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
pub(super) fn renamed_codes() -> Symptoms {
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
pub(super) fn gateway_down_with_user_codes() -> Symptoms {
    Symptoms {
        failures: failures(
            [1_060, 20, 4, 5, 9, 3, 3, 1],
            [75.0, 36.0, 10.0, 5.0, 12.0, 2.0, 5.0, 4.0],
        ),
        top_codes: vec![code("iso8583", "51", 1_040)],
        ..gateway_down()
    }
}

/// Nobody is declined, everybody waits.
pub(super) fn slow_gateway() -> Symptoms {
    Symptoms {
        breadth: vec![breadth("issuer", 11, 12), breadth("merchant_id", 38, 41)],
        siblings: vec![siblings("gateway", 0, 3, 0.89)],
        latency: Some(LatencyShift {
            log_ratio: 1.1,
            z: 25.0,
            p95_ms: Some(6_200.0),
            p95_expected_ms: Some(1_100.0),
        }),
        volume: Some(VolumeShift { ratio: 0.98, z: -0.3 }),
        onset_abruptness: Some(0.8),
        ..minutes_of(&[("gateway", "razorpay")], 1_500, 0.897, 0.90, 0.31)
    }
}

/// What does arrive is approved; half of it doesn't.
pub(super) fn missing_traffic() -> Symptoms {
    Symptoms {
        siblings: vec![siblings("gateway", 0, 3, 0.89)],
        latency: Some(LatencyShift {
            log_ratio: 0.02,
            z: 0.3,
            p95_ms: None,
            p95_expected_ms: None,
        }),
        volume: Some(VolumeShift { ratio: 0.5, z: -14.0 }),
        onset_abruptness: Some(0.9),
        ..minutes_of(&[("gateway", "razorpay")], 700, 0.897, 0.90, 0.31)
    }
}
