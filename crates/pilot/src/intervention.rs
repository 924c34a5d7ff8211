//! Interventions as people and programs see them.

use analyst::Slice;
use payments::Timestamp;
use serde::{Deserialize, Serialize};

use crate::guardrails::Held;
use crate::{Action, ArmReport, Retry, Target};

/// Where an intervention stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Waits for a person.
    Pending,
    /// In force.
    Active,
    /// Over, traffic at home again.
    Completed,
    /// A person said no.
    Rejected,
    /// Taken back.
    RolledBack,
    /// Its time was up.
    Expired,
}

/// Which way its share goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Growing, or as large as it gets.
    Out,
    /// Returning in steps.
    Home,
}

/// Who let it act.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Authority {
    /// The pilot by itself.
    Pilot,
    /// A person approved the plan.
    Person(String),
}

/// An action in force, with its TTL.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Intervention {
    /// `itv_1`, `itv_2`, ...
    pub id: String,
    /// The incident it answers.
    pub incident_id: String,
    /// What it does.
    pub action: Action,
    /// Where.
    pub slice: Slice,
    /// The gateway that payments leave.
    pub from: Option<String>,
    /// Where to.
    pub to: Vec<Target>,
    /// How retries are to be made.
    pub retry: Option<Retry>,
    /// Share of the slice that is moved now.
    pub stage: f64,
    /// Which way that goes.
    pub direction: Direction,
    /// Where it stands.
    pub state: State,
    /// What an approval is bound to.
    pub plan_hash: String,
    /// Who let it act.
    pub authority: Authority,
    /// When it was proposed.
    pub created_at: Timestamp,
    /// When it came into force.
    pub started_at: Option<Timestamp>,
    /// When it ends by itself; while pending, when the proposal does.
    pub expires_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Control, then treatment.
    pub arms: Vec<ArmReport>,
    /// What holds it where it is.
    pub held: Vec<Held>,
    /// Its experiment.
    pub experiment_id: Option<String>,
    /// Why it stands where it stands.
    pub reason: String,
}
