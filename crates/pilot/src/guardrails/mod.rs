//! The guardrails (DESIGN 4), one file each.
//!
//! A guardrail is a function from a [`Check`] to what it holds and why. It knows nothing of gains: a plan that is worth
//! millions is held as readily as one that isn't. They run when an intervention begins (on the situation of that very cycle, approved ones included), before every
//! step that widens it, and, where what they watch can change under a running intervention, each cycle (`pilot::conduct`).
//!
//! A person's approval stands in for the pilot's own judgement and for nothing else: [`Guardrail::yields_to_a_person`].

mod actions;
mod burst;
mod confidence;
mod cooldown;
mod empty_slice;
mod failed_fixes;
mod flips;
mod freeze;
mod kill_switch;
mod mode;
mod money;
mod overlap;
mod scope;
mod shift_share;
mod steps;
mod suspect_share;
mod target;
mod telemetry;
mod ttl;

use std::collections::BTreeMap;

use analyst::Slice;
use payments::{Currency, Money, Timestamp};
use serde::{Deserialize, Serialize};

use crate::decide::targets::Reserved;
use crate::ledger::Ledger;
use crate::{Action, Freeze, Limits, Modes, Network, Situation, Target};

pub(crate) use flips::may_come_back;
pub(crate) use steps::allows as step_allows;
pub(crate) use target::ceiling_of;
pub(crate) use telemetry::is_lost as telemetry_is_lost;
pub(crate) use ttl::{initial as ttl_initial, renewed as ttl_renewed};

/// Which guardrail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Guardrail {
    /// Too unsure to act alone.
    Confidence,
    /// The next step waits for its test.
    Steps,
    /// Too much of all traffic would be shifted.
    ShiftShare,
    /// Too much money would be under way.
    Money,
    /// Too soon after the last intervention on the slice.
    Cooldown,
    /// Too many interventions on the slice.
    Actions,
    /// Too many changes of direction on the slice.
    Flips,
    /// Fixes failed: a person decides.
    FailedFixes,
    /// Its time is up.
    Ttl,
    /// A target is suspect or has no headroom.
    Target,
    /// Most routes look bad: that's us, or the world.
    SuspectShare,
    /// The other gateways lose as well: leaving this one isn't the remedy.
    Scope,
    /// Several times the usual traffic: its loss has to last.
    Burst,
    /// Within a freeze window.
    Freeze,
    /// An empty slice never means everything.
    EmptySlice,
    /// The kill switch is engaged.
    KillSwitch,
    /// The action's mode doesn't let it act.
    Mode,
    /// Attempts or outcomes don't arrive.
    Telemetry,
    /// Another intervention holds payments of the slice.
    Overlap,
    /// A person has turned it down for this incident.
    TurnedDown,
}

impl Guardrail {
    /// Whether a person may decide where it holds the pilot.
    pub fn yields_to_a_person(self) -> bool {
        matches!(
            self,
            Self::Confidence | Self::FailedFixes | Self::SuspectShare | Self::Scope | Self::Burst
        )
    }
}

/// What was held, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// By which.
    pub guardrail: Guardrail,
    /// In words, with numbers.
    pub detail: String,
}

impl Held {
    fn by(guardrail: Guardrail, detail: impl Into<String>) -> Option<Self> {
        Some(Self { guardrail, detail: detail.into() })
    }
}

/// What the interventions in force have moved, one line each.
#[derive(Clone, Debug, PartialEq)]
pub struct Moved {
    /// Whose it is.
    pub intervention_id: String,
    /// The slice.
    pub slice: Slice,
    /// The gateway it leaves.
    pub from: Option<String>,
    /// Whether payments change their gateway.
    pub moves_payments: bool,
    /// Share of all traffic.
    pub share_of_all: f64,
    /// Money per minute.
    pub money_per_minute: BTreeMap<Currency, f64>,
}

/// Everything that a guardrail may look at.
pub struct Check<'a> {
    /// The limits.
    pub limits: &'a Limits,
    /// The modes.
    pub modes: &'a Modes,
    /// Freeze windows.
    pub freezes: &'a [Freeze],
    /// Why the kill switch is engaged, if it is.
    pub killed: Option<&'a str>,
    /// Now.
    pub now: Timestamp,
    /// What was done.
    pub ledger: &'a Ledger,
    /// The network.
    pub network: &'a Network,
    /// The incident as it stands now.
    pub situation: &'a Situation,
    /// What the *other* interventions have moved.
    pub others: &'a [Moved],
    /// What their targets' load doesn't show yet.
    pub reserved: &'a Reserved,
    /// What is to be done.
    pub action: Action,
    /// Where.
    pub slice: &'a Slice,
    /// Where to.
    pub to: &'a [Target],
    /// The share that would be in force.
    pub share: f64,
    /// The part of it that the targets' load shows already.
    pub settled: f64,
    /// Probability that it helps.
    pub confidence: f64,
    /// Whether a person approved this very plan.
    pub approved: bool,
    /// Whether it narrows an intervention that it replaces.
    pub narrows: bool,
}

type Rule = fn(&Check<'_>) -> Option<Held>;

/// What a new intervention has to pass.
const START: [Rule; 16] = [
    kill_switch::holds,
    empty_slice::holds,
    mode::holds,
    freeze::holds,
    telemetry::holds,
    overlap::holds,
    target::holds,
    suspect_share::holds,
    scope::holds,
    burst::holds,
    failed_fixes::holds,
    cooldown::holds,
    actions::holds,
    flips::holds,
    shift_share::holds,
    money::holds,
];

/// What a step that widens a running one has to pass, its test apart.
const WIDEN: [Rule; 7] = [
    kill_switch::holds,
    mode::holds,
    freeze::holds,
    target::holds,
    suspect_share::holds,
    shift_share::holds,
    money::holds,
];

/// All that holds a new intervention.
pub fn at_start(check: &Check<'_>) -> Vec<Held> {
    START.iter().chain(&[confidence::holds as Rule]).filter_map(|rule| rule(check)).collect()
}

/// All that holds a wider step.
pub fn at_step(check: &Check<'_>) -> Vec<Held> {
    WIDEN.iter().filter_map(|rule| rule(check)).collect()
}

/// What holds turning out again after having turned home.
pub fn at_turn(check: &Check<'_>) -> Option<Held> {
    flips::holds(check)
}

/// The largest share of a slice that the cap on shifted traffic and the cap on money leave.
pub fn share_left(limits: &Limits, others: &[Moved], slice_share: f64, money: &[Money]) -> f64 {
    shift_share::left(limits, others, slice_share).min(money::left(limits, others, money))
}

/// Money per minute of a share of a slice.
pub fn money_of(money: &[Money], share: f64) -> BTreeMap<Currency, f64> {
    money.iter().map(|money| (money.currency, money.minor as f64 * share)).collect()
}

#[cfg(test)]
pub(crate) mod fixture;
