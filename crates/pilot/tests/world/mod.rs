//! A small world for the pilot: one slice of Bernoulli payments, an outage, two other gateways, and outcomes that come late.
//!
//! It plays the parts of data plane and analyst: it obeys the allocation, feeds arms back, and shows the incident from its detection to some time after its end.

#![allow(dead_code, reason = "each test uses its part")]

use std::collections::BTreeMap;

use analyst::{Cause, Impact, Incident, IncidentStatus, Signal, Slice};
use payments::{Currency, Money, Timestamp};
use pilot::{Act, Network, Path, Pilot, Settings, Situation, State};
use routing::{Arm, Directive};
use stats::stream::Stream;

pub const BASELINE: f64 = 0.88;
/// Start of every world; whole seconds.
pub const T0_MS: i64 = 1_700_000_000_000;

/// What happens.
#[derive(Clone, Debug)]
pub struct Scenario {
    pub seed: u64,
    pub payments_per_s: f64,
    /// Success rate on the hit path during the outage.
    pub outage_rate: f64,
    /// Success rate of payu during the outage (stripe: two points less).
    pub target_rate: f64,
    /// What the analyst sees of payu, which may be wrong of the slice's payments.
    pub target_shown: f64,
    /// Share of failures that are timeouts, known after 30 s.
    pub timeouts: f64,
    pub outage_s: i64,
    pub confidence: f64,
    pub settings: Settings,
    /// Seconds from the onset to the first cycle that shows the incident.
    pub detection_s: i64,
}

impl Scenario {
    /// An outage of 30 minutes, detected after some fifteen nats of evidence.
    pub fn outage(payments_per_s: f64, drop: f64) -> Self {
        let p = BASELINE - drop;
        let kl = p * libm::log(p / BASELINE) + (1.0 - p) * libm::log((1.0 - p) / (1.0 - BASELINE));
        Self {
            seed: 1,
            payments_per_s,
            outage_rate: p,
            target_rate: BASELINE,
            target_shown: BASELINE,
            timeouts: 0.3,
            outage_s: 1_800,
            confidence: 0.95,
            settings: Settings::default(),
            detection_s: (15.0 / kl / payments_per_s).ceil() as i64 + 3,
        }
    }
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Seconds from detection to each share in force, first time.
    pub reached_s: BTreeMap<u64, i64>,
    /// Share of the outage's lost approvals that were recovered, from onset to end.
    pub recovered: f64,
    /// ... counted from detection.
    pub recovered_since_detection: f64,
    /// Seconds, since detection, at which interventions began.
    pub starts_s: Vec<i64>,
    /// Approvals lost by moving payments to worse targets, as a share of all payments.
    pub lost_share: f64,
    /// Seconds from the outage's end until nothing is moved.
    pub home_s: Option<i64>,
    /// Seconds from detection until the first intervention ended.
    pub ended_s: Option<i64>,
    pub acts: Vec<(i64, Act)>,
}

pub fn run(scenario: &Scenario, until_s: i64) -> Report {
    let mut stream = Stream::named(scenario.seed, "pilot/world");
    let mut pilot = Pilot::new(scenario.settings.clone());
    let mut report = Report::default();
    // What is known when: (second, intervention, arm, decided at, approved).
    let mut due: BTreeMap<i64, Vec<(String, Arm, Timestamp, bool)>> = BTreeMap::new();
    let mut seen: BTreeMap<i64, (f64, f64)> = BTreeMap::new();
    let mut hit = (0.0, 0.0);
    let (mut gained, mut lost, mut lost_since, mut all, mut harmed) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for second in 0..until_s {
        let is_out = second < scenario.outage_s;
        let now = Timestamp::from_millis(T0_MS + second * 1_000);
        let hit_rate = if is_out { scenario.outage_rate } else { BASELINE };
        for (id, arm, decided_at, approved) in due.remove(&second).unwrap_or_default() {
            pilot.outcome(&id, arm, decided_at, approved);
        }
        if let Some((n, k)) = seen.remove(&second) {
            hit.0 += n;
            hit.1 += k;
        }
        let is_shown = second >= scenario.detection_s && second < scenario.outage_s + 60;
        let situations: Vec<Situation> =
            is_shown.then(|| situation(scenario, hit, second)).into_iter().collect();
        for act in pilot.cycle(now, &situations, &network(now)) {
            if let Act::Allocation(allocation) = &act {
                let share = allocation.overlays.first().map_or(0.0, |overlay| overlay.share);
                let permille = (share * 1_000.0).round() as u64;
                report.reached_s.entry(permille).or_insert(second - scenario.detection_s);
                if share == 0.0 && second >= scenario.outage_s {
                    report.home_s.get_or_insert(second - scenario.outage_s);
                }
                if allocation.overlays.is_empty() {
                    report.ended_s.get_or_insert(second - scenario.detection_s);
                }
            }
            if let Act::Intervention(itv) = &act
                && itv.started_at == Some(now)
                && itv.state == State::Active
            {
                report.starts_s.push(second - scenario.detection_s);
            }
            report.acts.push((second, act));
        }
        let overlay = pilot.allocation().overlays.first().cloned();
        for _ in 0..stream.poisson(scenario.payments_per_s) {
            let at = now.plus_millis(stream.below(1_000) as i64);
            let arm = overlay.as_ref().map(|overlay| {
                if stream.uniform() < overlay.share { Arm::Treatment } else { Arm::Control }
            });
            let rate = match (&overlay, arm) {
                (Some(overlay), Some(Arm::Treatment)) => {
                    let Directive::Reroute { to } = &overlay.directive else {
                        panic!("reroutes alone")
                    };
                    let weights: Vec<f64> = to.iter().map(|(_, weight)| *weight).collect();
                    match to[stream.weighted(&weights)].0.as_str() {
                        "payu" => scenario.target_rate,
                        _ => scenario.target_rate - 0.02,
                    }
                }
                _ => hit_rate,
            };
            all += 1.0;
            gained += rate - hit_rate;
            harmed += (hit_rate - rate).max(0.0);
            if is_out {
                lost += BASELINE - hit_rate;
                lost_since +=
                    if second >= scenario.detection_s { BASELINE - hit_rate } else { 0.0 };
            }
            let approved = stream.bernoulli(rate);
            let slow = !approved && stream.bernoulli(scenario.timeouts);
            let known = second + if slow { 30 } else { 3 };
            if let (Some(overlay), Some(arm)) = (&overlay, arm) {
                pilot.decided(&overlay.intervention_id, arm, at);
                due.entry(known).or_default().push((
                    overlay.intervention_id.clone(),
                    arm,
                    at,
                    approved,
                ));
            }
            if is_out && arm != Some(Arm::Treatment) {
                let entry = seen.entry(known).or_default();
                entry.0 += 1.0;
                entry.1 += f64::from(u8::from(approved));
            }
        }
    }
    report.recovered = gained / lost.max(1e-9);
    report.recovered_since_detection = gained / lost_since.max(1e-9);
    report.lost_share = harmed / all;
    report
}

pub fn network(now: Timestamp) -> Network {
    Network {
        attempts_per_s: 100.0,
        suspect_share: 0.2,
        last_attempt_at: Some(now),
        main_currency: Currency::parse("INR"),
    }
}

pub fn path(gateway: &str, attempts: f64, successes: f64, baseline: f64) -> Path {
    Path {
        gateway: gateway.into(),
        hit: gateway == "razorpay",
        attempts,
        successes,
        expected_successes: attempts * baseline,
        meanwhile: None,
        baseline_rate: baseline,
        baseline_sd: 0.1,
        dispersion: 1.1,
        suspect: false,
        eligible_share: 1.0,
        load_per_s: 38.0,
        capacity_per_s: Some(100.0),
        fee_minor: 200.0,
    }
}

/// The incident as an analyst would show it `second` seconds after the onset.
pub fn situation(scenario: &Scenario, hit: (f64, f64), second: i64) -> Situation {
    let at = |second: i64| Timestamp::from_millis(T0_MS + second * 1_000);
    let elsewhere = (second.min(600) as f64 * scenario.payments_per_s * 0.5).floor();
    let observed = if hit.0 > 0.0 { hit.1 / hit.0 } else { BASELINE };
    Situation {
        incident: Incident {
            id: "inc_1".into(),
            status: IncidentStatus::Open,
            slice: Slice::new([("gateway", "razorpay"), ("network", "VISA")]),
            aliases: Vec::new(),
            signal: Signal::SuccessRate,
            cause: Cause::NetworkOrSystemFailure,
            confidence: scenario.confidence,
            started_at: at(0),
            detected_at: at(scenario.detection_s),
            resolved_at: None,
            resolution: None,
            baseline_rate: BASELINE,
            observed_rate: observed,
            observed_rate_interval: (observed - 0.1, observed + 0.1),
            impact: Impact {
                attempts: hit.0 as u64,
                lost_payments: 0.0,
                lost_payments_low: 0.0,
                lost_payments_high: 0.0,
                lost_payments_per_minute: 1.0,
                lost: Vec::new(),
                share: 0.08,
            },
            evidence: Vec::new(),
            alternatives: Vec::new(),
            breakdown: Vec::new(),
            timeline: Vec::new(),
        },
        attempts_per_s: scenario.payments_per_s,
        usual_per_s: 0.0,
        share: 0.08,
        holds: 0.0,
        money_per_minute: vec![Money {
            minor: (scenario.payments_per_s * 60.0 * 50_000.0) as i64,
            currency: Currency::parse("INR").expect("listed"),
        }],
        paths: vec![
            path("razorpay", hit.0, hit.1, BASELINE),
            path("payu", elsewhere, elsewhere * scenario.target_shown, BASELINE),
            path("stripe", elsewhere, elsewhere * (scenario.target_shown - 0.02), BASELINE - 0.02),
        ],
        attempts_per_payment: 1.3,
    }
}
