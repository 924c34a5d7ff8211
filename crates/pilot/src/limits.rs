//! What the pilot may do (`guardrails.*` and `modes.*` of the configuration).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Guardrails (DESIGN 4). Times in milliseconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Confidence needed to act alone.
    pub confidence_min: f64,
    /// Most of all traffic that may be shifted at once on its own authority.
    pub shift_share_max: f64,
    /// An intervention grows in these shares of its slice, only as its test allows.
    pub steps: Vec<f64>,
    /// Between interventions on a slice.
    pub cooldown_ms: i64,
    /// How long an intervention lives without fresh evidence.
    pub ttl_ms: i64,
    /// ... and at most.
    pub ttl_max_ms: i64,
    /// New interventions on a slice per hour.
    pub actions_per_hour_max: u32,
    /// ... and per day.
    pub actions_per_day_max: u32,
    /// Changes of direction on a slice per hour; more hold it.
    pub flips_per_hour_max: u32,
    /// After so many failed fixes of an incident a person decides.
    pub failed_fixes_max: u32,
    /// Nothing automatic when more of the routes than this look bad.
    pub suspect_share_max: f64,
    /// What stays on a path taken out, to see it recover.
    pub probe_share: f64,
    /// Money that may be under way on moved traffic per minute, minor units per currency.
    pub money_per_minute_max: BTreeMap<String, i64>,
    /// Evidence of harm at which an intervention is rolled back.
    pub harm_e: f64,
    /// Evidence of benefit that each further step needs: the first to leave the first step, the last for all that follow. See `ramp` for the argument.
    pub promote_e: Vec<f64>,
    /// Evidence, anew at each step, that the untouched path is well again, at which traffic returns.
    pub home_e: f64,
    /// Evidence of benefit since the last renewal at which the TTL is renewed.
    pub renew_e: f64,
    /// Evidence that the arms don't have their sizes at which an intervention is rolled back.
    pub mismatch_e: f64,
    /// A payment without an outcome for this long has failed.
    pub maturity_ms: i64,
    /// Payments decided in a row without a single outcome after which telemetry counts as lost.
    pub silent_payments_max: u32,
    /// Part of a target's free capacity that may be planned with.
    pub headroom_use: f64,
    /// How long a plan waits for approval.
    pub approval_ttl_ms: i64,
    /// After this share of that time a waiting plan pages.
    pub approval_page_share: f64,
    /// Without any attempt for this long, telemetry counts as lost.
    pub silence_ms: i64,
}

impl Limits {
    /// Evidence of benefit that leaving the step of this number needs.
    pub fn promote_e(&self, step: usize) -> f64 {
        let last = self.promote_e.last().copied().unwrap_or(self.harm_e);
        self.promote_e.get(step).copied().unwrap_or(last)
    }

    /// The share in force at a step: never all, the probe trickle stays.
    pub fn share_of_step(&self, step: f64) -> f64 {
        step.min(1.0 - self.probe_share)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            confidence_min: 0.8,
            shift_share_max: 0.5,
            steps: vec![0.05, 0.2, 0.5, 1.0],
            cooldown_ms: 60_000,
            ttl_ms: 30 * 60_000,
            ttl_max_ms: 4 * 3_600_000,
            actions_per_hour_max: 3,
            actions_per_day_max: 10,
            flips_per_hour_max: 2,
            failed_fixes_max: 2,
            suspect_share_max: 0.5,
            probe_share: 0.02,
            money_per_minute_max: BTreeMap::new(),
            harm_e: 20.0,
            promote_e: vec![3.0, 10.0, 20.0],
            home_e: 20.0,
            renew_e: 20.0,
            mismatch_e: 1_000.0,
            maturity_ms: 60_000,
            silent_payments_max: 20,
            headroom_use: 0.9,
            approval_ttl_ms: 15 * 60_000,
            approval_page_share: 0.5,
            silence_ms: 60_000,
        }
    }
}

/// How far an action may go by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Computed and scored, shown to nobody as advice, obeyed by nobody.
    Shadow,
    /// Shown as advice.
    Advise,
    /// Waits for a person.
    Approve,
    /// Acts.
    Auto,
}

/// The mode of each action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Modes {
    /// Moving payments to other gateways.
    pub reroute: Mode,
    /// Changing how retries are made.
    pub adjust_retry: Mode,
    /// Taking a path out.
    pub suppress_path: Mode,
    /// Telling a person.
    pub alert: Mode,
}

impl Modes {
    /// Every action only advised: for streams that nobody can turn, recorded or simulated elsewhere.
    pub const ADVISE: Self = Self {
        reroute: Mode::Advise,
        adjust_retry: Mode::Advise,
        suppress_path: Mode::Advise,
        alert: Mode::Auto,
    };
}

impl Default for Modes {
    fn default() -> Self {
        Self {
            reroute: Mode::Auto,
            adjust_retry: Mode::Auto,
            suppress_path: Mode::Auto,
            alert: Mode::Auto,
        }
    }
}
