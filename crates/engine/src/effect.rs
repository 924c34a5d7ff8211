//! What goes in and what comes out.

use analyst::{Finding, Incident};
use payments::{Attempt, Bucket, Timestamp};
use pilot::{Command, Decision, Experiment, Intervention, Lesson, Page};
use routing::{Allocation, Gateway};
use serde::{Deserialize, Serialize};

use crate::{Hindsight, RolloutNews, RolloutOrder, Routed, Tried};

/// What the shell tells the engine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Input {
    /// Attempts, in the order received.
    Attempts(Vec<Attempt>),
    /// Attempts that were counted elsewhere.
    Buckets(Vec<Bucket>),
    /// No event will come before this instant: ticks up to it are judged.
    Advance(Timestamp),
    /// Choices of the data plane that interventions had a part in.
    Routed(Vec<Routed>),
    /// The gateways that are configured, all of them, from now on.
    Gateways(Vec<Gateway>),
    /// A person's word to the pilot.
    Command {
        /// When it was given; never before the pilot's last cycle.
        at: Timestamp,
        /// What.
        command: Box<Command>,
    },
    /// Nobody watched from what was told last until this instant: what came before it is judged, the time between is passed over, whatever
    /// its length, and timers that ran out meanwhile fire.
    Rest(Timestamp),
    /// First attempts that were routed while a roll-out ran.
    Tried(Vec<Tried>),
    /// A word about a roll-out.
    Rollout {
        /// When it was given.
        at: Timestamp,
        /// What.
        order: Box<RolloutOrder>,
    },
}

/// What the engine tells the shell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// A detector crossed its threshold.
    Finding(Finding),
    /// An incident began, went on with news, or ended: its state now.
    Incident(Box<Incident>),
    /// What is done about an incident, or why nothing is.
    Decision(Box<Decision>),
    /// An intervention changed: its state now.
    Intervention(Box<Intervention>),
    /// An experiment has news: its state now.
    Experiment(Box<Experiment>),
    /// What the data plane obeys from now on.
    Allocation(Allocation),
    /// A person has to look.
    Page(Page),
    /// Something was learnt.
    Lesson(Lesson),
    /// A command was refused, and why.
    Refused(String),
    /// What would have come of a decision that nobody was let follow; what it was and what its cycle said, as they were.
    Hindsight {
        /// The decision.
        decision: Box<Decision>,
        /// The cycle's lines.
        text: String,
        /// What would have come of it.
        hindsight: Hindsight,
    },
    /// Something to say, as CONTRACT 4 words it; `text` has all lines.
    Cycle {
        /// When.
        at: Timestamp,
        /// Of which incident.
        incident_id: String,
        /// The lines.
        text: String,
    },
    /// A roll-out began, or changed its stage.
    Rollout(RolloutNews),
}

/// Counters of what came in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intake {
    /// Counted attempts.
    pub accepted: u64,
    /// Repetitions of a known attempt id.
    pub duplicates: u64,
    /// Unknown outcomes that became final.
    pub updated: u64,
    /// Arrived after their tick was judged: counted, and entered the next.
    pub late: u64,
    /// Arrived out of order, in time.
    pub out_of_order: u64,
    /// Too far ahead of the event clock: refused.
    pub future: u64,
}
