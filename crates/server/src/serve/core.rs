//! The engine and what is beside it: one step in, and what is to be stored and told out.
//!
//! Deterministic: no clock, no store. A replay from a snapshot goes through here as well, and gives the same, to the letter.

use engine::{Effect, Engine, Input, journal};
use payments::Timestamp;
use pilot::{Decision, State};
use store::{Kind, Object};

use super::beside::Beside;
use crate::alerts::Notice;
use crate::wire;

/// Something to store and to tell.
#[derive(Clone, Debug, PartialEq)]
pub enum Told {
    /// An object as it is now.
    Object(Kind, Object),
    /// The allocation in force, as `GET /v1/policy` gives it.
    Policy(String),
    /// A roll-out as it is now, as `GET /v1/policy/rollout` gives it.
    Rollout {
        /// As it is.
        rollout: Box<wire::Rollout>,
        /// What the audit log says of it, if it changed its stage.
        turn: Option<String>,
    },
    /// Something that people are alerted to.
    Notice(Box<Notice>),
}

/// What one step came to.
#[derive(Debug)]
pub struct Applied {
    /// Its number.
    pub step: i64,
    /// Digest of the effects.
    pub digest: String,
    /// In order.
    pub told: Vec<Told>,
    /// If the data plane has something else to obey from now on.
    pub is_other_policy: bool,
    /// Why a command was refused.
    pub refused: Option<String>,
}

/// Engine and beside.
pub struct Core {
    /// The engine.
    pub engine: Engine,
    /// What the shell keeps.
    pub beside: Beside,
    /// The last step taken.
    pub step: i64,
}

impl Core {
    /// Takes a step.
    pub fn apply(&mut self, step: i64, input: &Input) -> Applied {
        let seen = self.beside.see(input);
        let version = self.engine.policy_version();
        let effects = self.engine.handle(input);
        self.step = step;
        let digest = journal::digest(&effects);
        let mut told = Vec::new();
        let mut refused = None;
        let mut changes = seen + u64::from(matches!(input, Input::Gateways(_)));
        let mut allocated = false;
        let mut pages = 0;
        let mut effects = effects.into_iter().peekable();
        while let Some(effect) = effects.next() {
            match effect {
                Effect::Finding(_) | Effect::Lesson(_) | Effect::Cycle { .. } => {}
                Effect::Incident(incident) => {
                    let notice = self.beside.alerted(&incident);
                    told.extend(notice.map(|notice| Told::Notice(Box::new(notice))));
                    let decision = self.beside.open.remove(&incident.id).and_then(|(_, d)| d);
                    told.push(self.incident(*incident, decision));
                }
                Effect::Decision(decision) => {
                    // What a cycle says of a decision follows it at once.
                    let text = match effects.peek() {
                        Some(Effect::Cycle { incident_id, text, .. })
                            if *incident_id == decision.incident_id =>
                        {
                            Some(text.as_str())
                        }
                        _ => None,
                    };
                    told.push(self::decision(&decision, wire::Decision::new(&decision, text)));
                    if let Some((incident, _)) = self.beside.open.remove(&decision.incident_id) {
                        told.push(self.incident(incident, Some(*decision)));
                    }
                }
                Effect::Hindsight { decision, text, hindsight } => {
                    let judged = wire::Decision::new(&decision, Some(&text)).judged(&hindsight);
                    told.push(self::decision(&decision, judged));
                }
                Effect::Intervention(intervention) => {
                    told.push(self::intervention(&intervention));
                    let notice = Notice::intervention(&intervention);
                    told.extend(notice.map(|notice| Told::Notice(Box::new(notice))));
                }
                Effect::Experiment(experiment) => told.push(self::experiment(&experiment)),
                Effect::Allocation(_) => allocated = true,
                Effect::Page(page) => {
                    let slice = self.beside.slice(page.incident_id.as_deref());
                    let notice = Notice::page(step, pages, &page, slice);
                    pages += 1;
                    told.push(Told::Notice(Box::new(notice)));
                }
                Effect::Refused(why) => refused = Some(why),
                Effect::Rollout(news) => {
                    let turn = news.turn.as_ref().map(|turn| json(&wire::turned(turn)));
                    if let Some(last) = self.engine.rollout() {
                        let rollout = Box::new(wire::Rollout::new(last));
                        told.push(Told::Rollout { rollout, turn });
                        let notice = news.turn.and_then(|turn| Notice::rollout(last, &turn));
                        told.extend(notice.map(|notice| Told::Notice(Box::new(notice))));
                    }
                }
            }
        }
        // The kill switch changes the policy even where no overlay goes.
        if let Input::Command { command, .. } = input {
            let is_switch = matches!(**command, pilot::Command::KillSwitch { .. });
            changes += u64::from(is_switch && refused.is_none());
        }
        self.beside.change(changes);
        // What routing has learnt is obeyed and no news: with learning on it is another policy every tick.
        let is_news = changes > 0 || allocated;
        if is_news {
            let policy = self.beside.policy(&self.engine, false);
            told.push(Told::Policy(json(&wire::Policy::new(&policy))));
        }
        let is_other_policy = is_news || self.engine.policy_version() != version;
        Applied { step, digest, told, is_other_policy, refused }
    }

    fn incident(&mut self, incident: analyst::Incident, decision: Option<Decision>) -> Told {
        let object = Object {
            id: incident.id.clone(),
            at: incident.detected_at,
            status: word(&incident.status),
            body: json(&wire::Incident::live(&incident, decision.as_ref())),
            acknowledged: None,
            place: 0,
        };
        if incident.resolved_at.is_none() {
            self.beside.open.insert(incident.id.clone(), (incident, decision));
        }
        Told::Object(Kind::Incident, object)
    }
}

fn decision(decision: &Decision, row: wire::Decision) -> Told {
    object(Kind::Decision, &decision.id, decision.at, decision.action.to_string(), json(&row))
}

fn intervention(intervention: &pilot::Intervention) -> Told {
    let state: State = intervention.state;
    let body = json(&wire::Intervention::new(intervention));
    object(Kind::Intervention, &intervention.id, intervention.created_at, word(&state), body)
}

fn experiment(experiment: &pilot::Experiment) -> Told {
    let body = json(&wire::Experiment::new(experiment));
    let (at, status) = (experiment.started_at, word(&experiment.verdict));
    object(Kind::Experiment, &experiment.id, at, status, body)
}

fn object(kind: Kind, id: &str, at: Timestamp, status: String, body: String) -> Told {
    Told::Object(kind, Object { id: id.into(), at, status, body, acknowledged: None, place: 0 })
}

/// An enumeration's word on the wire.
fn word(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|v| v.as_str().map(Into::into)).unwrap_or_default()
}

/// These types hold nothing that JSON can't.
pub(crate) fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| "null".into())
}
