//! What the pilot is shown: incidents, and what their payments could expect elsewhere. Never raw traffic.

use analyst::{Incident, IncidentStatus};
use payments::{Currency, Money, Timestamp};
use serde::{Deserialize, Serialize};

/// One open incident as it stands now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Situation {
    /// The analyst's incident.
    pub incident: Incident,
    /// Attempts per second that the slice would have without interventions (its ordinary share of present traffic).
    pub attempts_per_s: f64,
    /// Attempts per second that usually come in the slice; 0 where that isn't known.
    pub usual_per_s: f64,
    /// The slice's share of all attempts.
    pub share: f64,
    /// Share of its context's payments that its gateway keeps while a test runs, whatever routing learns; 0 where it learns nothing.
    pub holds: f64,
    /// Money asked for per minute in the slice, per currency.
    pub money_per_minute: Vec<Money>,
    /// Every gateway that carries, or could carry, payments of the slice's context (the slice without its gateway), the hit one included.
    pub paths: Vec<Path>,
    /// Attempts per payment in the slice lately, retries and copies included.
    pub attempts_per_payment: f64,
}

impl Situation {
    /// Whether the analyst holds the incident for over.
    pub fn is_over(&self) -> bool {
        self.incident.status == IncidentStatus::Resolved
    }
}

/// Outcomes of a path.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcomes {
    /// Attempts with an outcome.
    pub attempts: f64,
    /// Approved of these.
    pub successes: f64,
    /// Approvals expected of these by the baseline.
    pub expected_successes: f64,
}

/// A gateway in the context of an incident.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Path {
    /// Its name.
    pub gateway: String,
    /// Whether it is the one that the incident's slice names.
    pub hit: bool,
    /// Attempts with an outcome in this context since the incident began (at most ten minutes back).
    pub attempts: f64,
    /// Approved of these.
    pub successes: f64,
    /// Approvals expected of these by the baseline.
    pub expected_successes: f64,
    /// The same over the stretch of time that the hit gateway's counts are of, where that is another: for comparing losses.
    pub meanwhile: Option<Outcomes>,
    /// Success rate that the baseline expects if the slice's own mix of payments were sent here.
    pub baseline_rate: f64,
    /// Standard deviation of that expectation, log-odds.
    pub baseline_sd: f64,
    /// Over-dispersion of outcomes here (variance over binomial).
    pub dispersion: f64,
    /// Whether an open incident other than this one touches it in this context, or a detector is half-way to an alarm.
    pub suspect: bool,
    /// Share of the slice's payments that could go here (merchants with a contract, as far as traffic shows).
    pub eligible_share: f64,
    /// Attempts per second over all of the gateway's traffic now.
    pub load_per_s: f64,
    /// What it can take, if configured.
    pub capacity_per_s: Option<f64>,
    /// Its fee per approved payment on the slice's median amount, minor units of the slice's main currency.
    pub fee_minor: f64,
}

impl Path {
    /// Outcomes over the stretch of time that the hit gateway's counts are of.
    pub fn meanwhile(&self) -> Outcomes {
        self.meanwhile.unwrap_or(Outcomes {
            attempts: self.attempts,
            successes: self.successes,
            expected_successes: self.expected_successes,
        })
    }
}

/// The whole network, once per cycle.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Network {
    /// Attempts per second over all traffic.
    pub attempts_per_s: f64,
    /// Share of the routes (gateways with traffic, weighted equally) that look bad now.
    pub suspect_share: f64,
    /// When an attempt was last seen.
    pub last_attempt_at: Option<Timestamp>,
    /// The currency most payments are made in.
    pub main_currency: Option<Currency>,
}

#[cfg(test)]
pub(crate) mod example {
    //! A gateway that fails in one slice, with two others at hand.

    use analyst::{Cause, Impact, Signal, Slice};

    use super::*;

    pub fn path(gateway: &str, rate: f64, baseline: f64) -> Path {
        Path {
            gateway: gateway.into(),
            hit: gateway == "razorpay",
            attempts: 120.0,
            successes: 120.0 * rate,
            expected_successes: 120.0 * baseline,
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

    pub fn network(now: Timestamp) -> Network {
        Network {
            attempts_per_s: 100.0,
            suspect_share: 0.2,
            last_attempt_at: Some(now),
            main_currency: Currency::parse("INR"),
        }
    }

    /// razorpay fails for VISA, 41 % against 88 %; payu and stripe are well.
    pub fn situation(now: Timestamp) -> Situation {
        Situation {
            incident: Incident {
                id: "inc_1".into(),
                status: IncidentStatus::Open,
                slice: Slice::new([("gateway", "razorpay"), ("network", "VISA")]),
                aliases: Vec::new(),
                signal: Signal::SuccessRate,
                cause: Cause::NetworkOrSystemFailure,
                confidence: 0.95,
                started_at: now.plus_millis(-30_000),
                detected_at: now.plus_millis(-5_000),
                resolved_at: None,
                resolution: None,
                baseline_rate: 0.88,
                observed_rate: 0.41,
                observed_rate_interval: (0.33, 0.5),
                impact: Impact {
                    attempts: 120,
                    lost_payments: 56.0,
                    lost_payments_low: 45.0,
                    lost_payments_high: 67.0,
                    lost_payments_per_minute: 100.0,
                    lost: Vec::new(),
                    share: 0.08,
                },
                evidence: Vec::new(),
                alternatives: Vec::new(),
                breakdown: Vec::new(),
                timeline: Vec::new(),
            },
            attempts_per_s: 8.0,
            usual_per_s: 8.0,
            share: 0.08,
            holds: 0.0,
            money_per_minute: vec![Money {
                minor: 480 * 50_000,
                currency: Currency::parse("INR").expect("listed"),
            }],
            paths: vec![
                path("razorpay", 0.41, 0.88),
                path("payu", 0.88, 0.88),
                path("stripe", 0.86, 0.86),
            ],
            attempts_per_payment: 1.3,
        }
    }
}
