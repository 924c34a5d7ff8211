//! The pilot's place in the engine: what it is shown, and what becomes of what it decides.
//!
//! Everything it sees is made here from the analyst's answers and from the ledger of experiments; raw attempts never reach it.

use analyst::{Analyst, Incident};
use payments::{Attempt, Timestamp};
use pilot::{Act, Command, Pilot, Refusal, State};
use routing::Allocation;
use serde::{Deserialize, Serialize};

use crate::Routing;
use crate::ledger::{Ledger, Routed};
use crate::standing::Standings;

/// The pilot and what it needs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Conduct {
    pilot: Pilot,
    ledger: Ledger,
    standings: Standings,
    last_attempt_at: Option<Timestamp>,
}

impl Conduct {
    /// With these settings, nothing in force.
    pub fn new(settings: pilot::Settings) -> Self {
        Self {
            pilot: Pilot::new(settings),
            ledger: Ledger::default(),
            standings: Standings::default(),
            last_attempt_at: None,
        }
    }

    /// The pilot, to be asked.
    pub fn pilot(&self) -> &Pilot {
        &self.pilot
    }

    /// What the data plane obeys.
    pub fn allocation(&self) -> &Allocation {
        self.pilot.allocation()
    }

    /// The data plane put payments into arms.
    pub fn routed(&mut self, routed: &[Routed]) {
        for one in routed {
            if self.ledger.note(one) {
                self.pilot.decided(&one.intervention_id, one.arm, one.at);
            }
        }
    }

    /// An attempt's outcome, perhaps an experiment's.
    #[inline]
    pub fn attempt(&mut self, attempt: &Attempt) {
        if self.last_attempt_at.is_none_or(|last| attempt.occurred_at > last) {
            self.last_attempt_at = Some(attempt.occurred_at);
        }
        if attempt.decision_id.is_none() || self.ledger.is_empty() {
            return;
        }
        if let Some(matched) = self.ledger.take(attempt)
            && let Some(approved) = matched.approved
        {
            self.pilot.outcome(matched.intervention_id, matched.arm, matched.decided_at, approved);
        }
    }

    /// The analyst has news.
    pub fn tell(&mut self, incident: &Incident) {
        self.standings.tell(incident);
    }

    /// What is open ended without a word.
    pub fn forget_incidents(&mut self) {
        self.standings = Standings::default();
    }

    /// A tick is over.
    pub fn tick(&mut self, analyst: &Analyst, routing: &Routing, at: Timestamp) -> Vec<Act> {
        self.ledger.forget(at);
        let situations = if self.standings.any() {
            let mut moving = self.pilot.interventions();
            moving.retain(|intervention| intervention.state == State::Active);
            let moved = |incident_id: &str| moving.iter().any(|i| i.incident_id == incident_id);
            self.standings.situations(analyst, routing, at, moved)
        } else {
            Vec::new()
        };
        let network = self.standings.network(analyst, at, self.last_attempt_at);
        self.pilot.cycle(at, &situations, &network)
    }

    /// A person's word.
    pub fn command(&mut self, command: &Command, at: Timestamp) -> Result<Vec<Act>, Refusal> {
        self.pilot.command(command, at)
    }
}
