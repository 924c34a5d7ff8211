//! What the pilot is shown: incidents, and what their payments could expect elsewhere. Never raw traffic.

use analyst::Incident;
use payments::{Currency, Money, Timestamp};
use serde::{Deserialize, Serialize};

/// One open incident as it stands now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Situation {
    /// The analyst's incident.
    pub incident: Incident,
    /// Attempts per second that the slice would have without interventions (its ordinary share of present traffic).
    pub attempts_per_s: f64,
    /// The slice's share of all attempts.
    pub share: f64,
    /// Money asked for per minute in the slice, per currency.
    pub money_per_minute: Vec<Money>,
    /// Every gateway that carries, or could carry, payments of the slice's context (the slice without its gateway), the hit one included.
    pub paths: Vec<Path>,
    /// Attempts per payment in the slice lately, retries and copies included.
    pub attempts_per_payment: f64,
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
