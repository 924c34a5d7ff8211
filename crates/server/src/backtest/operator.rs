//! What the operator would have done about the incidents of a file.
//!
//! On a recorded file the pilot advises (`Modes::ADVISE`). Its first word that moves payments is taken as acted upon from that moment on: what came before it is lost,
//! what was learnt after it isn't known yet. An intervention in force is not taken back because a quiet minute shows nothing to gain, so later words about the same slice change nothing;
//! a word about another slice ends it, and begins the next if it moves payments too.

use std::collections::BTreeMap;

use analyst::Incident;
use payments::Timestamp;
use pilot::Decision;

/// Payments sent elsewhere for a while.
#[derive(Clone, Debug, PartialEq)]
pub struct Move {
    /// As the pilot put it when it began.
    pub decision: Decision,
    /// From the decision on.
    pub from: Timestamp,
    /// Until the incident's end, or the next plan.
    pub until: Timestamp,
}

impl Move {
    /// Whether a person would have had to agree first.
    pub fn needs_approval(&self) -> bool {
        self.decision.held.iter().any(|held| held.guardrail.yields_to_a_person())
    }
}

/// The decisions of a run, as they are said.
#[derive(Clone, Debug, Default)]
pub struct Words(BTreeMap<String, Said>);

/// Of one incident. Bounded by how often its slice changed, not by how often something was said.
#[derive(Clone, Debug)]
struct Said {
    first_at: Timestamp,
    last: Decision,
    moves: Vec<(Decision, Option<Timestamp>)>,
}

impl Words {
    /// Takes in a decision, in order of time.
    pub fn hear(&mut self, decision: &Decision) {
        let said = self.0.entry(decision.incident_id.clone()).or_insert_with(|| Said {
            first_at: decision.at,
            last: decision.clone(),
            moves: Vec::new(),
        });
        said.last = decision.clone();
        let other_slice = match said.moves.last_mut() {
            Some((running, until)) if until.is_none() => {
                let is_other = running.slice != decision.slice;
                *until = is_other.then_some(decision.at);
                is_other
            }
            _ => true,
        };
        if decision.action.moves_payments() && other_slice {
            said.moves.push((decision.clone(), None));
        }
    }

    /// The word that stands for the operator's answer to an incident: the plan of its last slice, else the last one.
    pub fn answer(&self, incident_id: &str) -> Option<&Decision> {
        let said = self.0.get(incident_id)?;
        Some(said.moves.last().map_or(&said.last, |(decision, _)| decision))
    }

    /// When the incident was first spoken of.
    pub fn first_at(&self, incident_id: &str) -> Option<Timestamp> {
        self.0.get(incident_id).map(|said| said.first_at)
    }

    /// What would have been moved about an incident, in order of time; `end` is where the file ends.
    pub fn moves(&self, incident: &Incident, end: Timestamp) -> Vec<Move> {
        let over = incident.resolved_at.unwrap_or(end);
        let moves = self.0.get(&incident.id).map_or(&[][..], |said| &said.moves);
        moves
            .iter()
            .map(|(decision, until)| Move {
                decision: decision.clone(),
                from: decision.at,
                until: until.map_or(over, |until| until.min(over)),
            })
            .filter(|it| it.from < it.until)
            .collect()
    }
}
