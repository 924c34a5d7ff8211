//! Incidents made up for the tests of the reports.

use analyst::{
    Alternative, Breakdown, Cause, Evidence, Impact, Incident, IncidentStatus, Lost, Signal, Slice,
    TimelinePoint,
};
use engine::Input;
use jiff::tz::TimeZone;
use payments::{Bucket, Currency, Money, Timestamp};

use pilot::{Action, Decision, Gain, Mode, Risk, RiskLevel, Target};

use super::summary::Operator;
use super::{Report, Summary};
use crate::backtest::saved::{Effect, Saved, SavedMoney};
use crate::backtest::{Answer, Answers, Move, Overview};
use crate::read::Problem;

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).expect("a time")
}

/// The known one.
pub fn incident() -> Incident {
    let start = at("2020-02-13T18:00:00Z");
    Incident {
        id: "inc_1".into(),
        status: IncidentStatus::Resolved,
        slice: Slice::new([("gateway", "PAYTM_V2"), ("sub_type", "UPI_COLLECT")]),
        aliases: vec![Slice::new([("sub_type", "UPI_COLLECT")])],
        signal: Signal::SuccessRate,
        cause: Cause::NetworkOrSystemFailure,
        confidence: 0.93,
        started_at: start,
        detected_at: at("2020-02-13T19:00:00Z"),
        resolved_at: Some(at("2020-02-14T08:00:00Z")),
        resolution: Some("recovered".into()),
        baseline_rate: 0.63,
        observed_rate: 0.30,
        observed_rate_interval: (0.28, 0.32),
        impact: Impact {
            attempts: 12_345,
            lost_payments: 4_073.9,
            lost_payments_low: 3_810.0,
            lost_payments_high: 4_330.0,
            lost_payments_per_minute: 4.85,
            lost: vec![Lost {
                amount: Money {
                    minor: 123_456_700,
                    currency: Currency::parse("INR").expect("listed"),
                },
                interval_minor: (110_000_000, 130_000_000),
                minor_per_minute: 147_000,
            }],
            share: 0.164,
        },
        evidence: vec![
            Evidence {
                kind: "success_rate".into(),
                text: "success 30.0 % against 63.0 % expected, 12345 attempts".into(),
                log_bayes_factor: 812.0,
            },
            Evidence {
                kind: "breadth".into(),
                text: "seen at 41 of 43 issuers; other gateways 66.1 % against 65.9 % expected"
                    .into(),
                log_bayes_factor: 9.1,
            },
        ],
        alternatives: vec![Alternative {
            cause: Cause::IssuerDegradation,
            slice: Slice::new([("issuer", "HDFC")]),
            confidence: 0.04,
        }],
        breakdown: [
            ("urbanclap", 9_000, 0.29, true),
            ("zivame", 345, 0.62, false),
            ("pharmeasytech", 0, 0.0, false),
        ]
        .map(|(value, attempts, observed, hit)| Breakdown {
            dimension: "merchant_id".into(),
            value: value.into(),
            attempts_all: attempts + 500,
            attempts,
            expected_rate: 0.63,
            observed_rate: observed,
            lost_payments: attempts as f64 * (0.63 - observed),
            hit,
        })
        .to_vec(),
        timeline: (0..30)
            .map(|i| TimelinePoint {
                at: start.plus_millis((i - 8) * 3_600_000),
                attempts: 800,
                successes: if (8..22).contains(&i) { 240 } else { 504 },
                expected: 504.0,
            })
            .collect(),
    }
}

/// Another, going on, without amounts, whose names try what names can try.
pub fn hostile() -> Incident {
    Incident {
        id: "inc_2".into(),
        status: IncidentStatus::Open,
        slice: Slice::new([("issuer", "\u{1b}[31m<script>alert(1)</script>=cmd|' /C calc'!A0")]),
        aliases: Vec::new(),
        resolved_at: None,
        resolution: None,
        impact: Impact { lost: Vec::new(), lost_payments: 12.5, ..incident().impact },
        breakdown: Vec::new(),
        timeline: Vec::new(),
        ..incident()
    }
}

/// What would have been done about the known one.
fn answer() -> Answer {
    let from = at("2020-02-13T19:00:00Z");
    let decision = Decision {
        id: "d_1".into(),
        at: from,
        incident_id: "inc_1".into(),
        action: Action::Reroute,
        slice: incident().slice,
        from: Some("PAYTM_V2".into()),
        to: vec![Target { gateway: "PAYTM".into(), share: 1.0 }],
        share: 0.05,
        retry: None,
        intervention_id: None,
        experiment_id: None,
        gain: Gain::NONE,
        confidence: 0.93,
        needs_approval: true,
        mode: Mode::Advise,
        risk: Risk { level: RiskLevel::None, text: "advice only".into() },
        held: Vec::new(),
        reason: String::new(),
        considered: Vec::new(),
    };
    let it = Move { decision: decision.clone(), from, until: at("2020-02-14T08:00:00Z") };
    let effect = Effect { moved: 9_000.0, gained: 2_900.0, interval: (2_500.0, 3_300.0) };
    let money = vec![SavedMoney {
        amount: Money { minor: 87_880_000, currency: Currency::parse("INR").expect("listed") },
        interval_minor: (75_750_000, 100_000_000),
    }];
    Answer {
        decision,
        at: from,
        moves: vec![(it, effect)],
        lost_after: 3_800.0,
        saved: Saved { payments: 2_900.0, interval: (2_500.0, 3_300.0), money },
    }
}

/// A report of both.
pub fn report() -> Report {
    let mut overview = Overview::new(3_600_000);
    let from = at("2020-02-12T00:00:00Z");
    for i in 0..72 {
        overview.add(&Input::Buckets(vec![Bucket {
            starts_at: from.plus_millis(i * 3_600_000),
            dimensions: Default::default(),
            attempts: 3_000,
            successes: if (42..56).contains(&i) { 1_700 } else { 1_980 },
            amount: None,
        }]));
    }
    let answers = Answers::from([("inc_1".into(), answer())]);
    let skipped = Problem::new("missing", "is missing").at("time").on(17).of("payments.csv");
    Report {
        summary: Summary {
            file: "payments.csv".into(),
            format: "csv",
            compression: "none",
            map: Some("time=hr,attempts=t,successes=success,gateway=pg".into()),
            map_guessed: false,
            rows_hold: "counts",
            rows: 34_000,
            skipped: 1,
            skipped_reasons: [("missing", 1)].into(),
            skipped_first: vec![skipped],
            incomplete: None,
            attempts: overview.attempts,
            successes: overview.successes,
            success_rate: overview.success_rate(),
            from: Some(from.to_string()),
            to: Some("2020-02-15T00:00:00Z".into()),
            tz: "UTC".into(),
            bucket_s: 3_600.0,
            dimensions: vec!["gateway".into(), "merchant_id".into(), "sub_type".into()],
            false_pages_per_week: 1.0,
            incidents: 2,
            lost_payments: 4_086.4,
            operator: Some(Operator::of(&answers)),
            notes: vec!["a note".into()],
            truth: None,
        },
        incidents: vec![incident(), hostile()],
        answers,
        overview,
        zone: TimeZone::UTC,
    }
}
