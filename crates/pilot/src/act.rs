//! What the pilot answers with.

use routing::Allocation;
use serde::{Deserialize, Serialize};

use crate::{Decision, Experiment, Intervention, Lesson};

/// A person has to look.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// Why.
    pub why: String,
    /// The incident it is about.
    pub incident_id: Option<String>,
}

/// One thing that follows from a cycle or a command.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// Something to say of an incident.
    Decision(Box<Decision>),
    /// An intervention changed: its state now.
    Intervention(Box<Intervention>),
    /// An experiment has news: its state now.
    Experiment(Box<Experiment>),
    /// What the data plane obeys from now on.
    Allocation(Allocation),
    /// Wake someone.
    Page(Page),
    /// Something was learnt.
    Lesson(Lesson),
}
