//! Memory: beliefs per route, lessons per pattern of incident, and how long its outages last.
//!
//! A belief says how credible trouble of this route's own is: 1 - prod(1 - c_i) over its past incidents, each incident's confidence c_i halved every week. Lessons count how an action fared on a
//! pattern (cause and dimensions of the slice, not their values: "a gateway fails for one network" is what repeats). Both move the decision's prior by a little and are shown to people; neither
//! lets an action pass a guardrail.

use std::collections::BTreeMap;

use analyst::{Incident, Slice};
use libm::exp2;
use payments::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Action;
use crate::decide::{Durations, gain::lesson_ln};

const WEEK_MS: f64 = 7.0 * 86_400_000.0;
/// Routes and patterns kept; the longest unseen go first.
const ROUTES_MAX: usize = 10_000;
/// Moves kept of a belief; the oldest go first.
const MOVES_MAX: usize = 16;

/// How an intervention ended for the payments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Its test showed benefit.
    Helped,
    /// Its test showed harm.
    Harmed,
    /// Neither.
    NoEffect,
}

/// A route and how credible trouble of its own is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Belief {
    /// The slice of its last incident.
    pub slice: Slice,
    /// How credible, by now.
    pub confidence: f64,
    /// Incidents.
    pub times_seen: u64,
    /// When the last one was seen.
    pub last_seen: Timestamp,
    /// How it came to that, oldest first; files from elsewhere may have none.
    #[serde(default)]
    pub moves: Vec<Move>,
}

/// What one incident did to a belief. Between two of them it fades.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Move {
    /// Which.
    pub incident_id: String,
    /// When it was over; `None` while it goes on.
    pub at: Option<Timestamp>,
    /// How credible trouble was, faded until then.
    pub before: f64,
    /// How credible it is with this incident.
    pub after: f64,
}

/// How often an action ended so on a pattern.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Lesson {
    /// `network_or_system_failure at {gateway, network}`.
    pub pattern: String,
    /// What was done.
    pub action: Action,
    /// How it ended.
    pub outcome: Outcome,
    /// How often.
    pub times_seen: u64,
}

/// What is exported as `memory.json`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    /// By the values of `memory.key`, joined.
    pub beliefs: BTreeMap<String, Belief>,
    /// In order of pattern, action and outcome.
    pub lessons: Vec<Lesson>,
}

/// An incident that is going on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Open {
    key: String,
    pattern: String,
    confidence: f64,
    started_at: Timestamp,
}

/// The state behind [`Memory`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Recollection {
    memory: Memory,
    durations: BTreeMap<String, Durations>,
    open: BTreeMap<String, Open>,
}

/// The pattern of an incident.
pub fn pattern(incident: &Incident) -> String {
    let dimensions: Vec<&str> = incident.slice.pairs().map(|(dimension, _)| dimension).collect();
    format!("{} at {{{}}}", incident.cause, dimensions.join(", "))
}

/// The route that a slice is on, by the values of the key's dimensions; of all where it has none of them.
pub fn route_key(slice: &Slice, dimensions: &[String]) -> String {
    let mut values: Vec<&str> =
        dimensions.iter().filter_map(|dimension| slice.get(dimension)).collect();
    if values.is_empty() {
        values = slice.pairs().map(|(_, value)| value).collect();
    }
    values.join("_")
}

impl Recollection {
    /// Takes over what was exported.
    pub fn of(memory: Memory) -> Self {
        Self { memory, ..Self::default() }
    }

    /// An incident is going on.
    pub fn see(&mut self, incident: &Incident, dimensions: &[String], now: Timestamp) {
        let key = route_key(&incident.slice, dimensions);
        let confidence = incident.confidence.clamp(0.0, 1.0);
        let known = self.open.get(&incident.id);
        if known.is_none_or(|open| open.key != key) {
            let faded = self.faded(&key, now);
            let belief = self.memory.beliefs.entry(key.clone()).or_insert_with(|| Belief {
                slice: incident.slice.clone(),
                confidence: 0.0,
                times_seen: 0,
                last_seen: now,
                moves: Vec::new(),
            });
            belief.confidence = faded;
            belief.times_seen += 1;
            belief.last_seen = now;
            belief.slice = incident.slice.clone();
        }
        let open =
            Open { key, pattern: pattern(incident), confidence, started_at: incident.started_at };
        self.open.insert(incident.id.clone(), open);
    }

    /// Incidents that aren't among these are over.
    pub fn settle(&mut self, going_on: impl Fn(&str) -> bool, now: Timestamp) {
        let over: Vec<String> = self.open.keys().filter(|id| !going_on(id)).cloned().collect();
        for id in over {
            let Some(open) = self.open.remove(&id) else { continue };
            let faded = self.faded(&open.key, now);
            if let Some(belief) = self.memory.beliefs.get_mut(&open.key) {
                belief.confidence = together(faded, open.confidence);
                belief.last_seen = now;
                belief.moved(id, Some(now), faded);
            }
            let durations = self.durations.entry(open.pattern).or_default();
            durations.outages += 1.0;
            durations.minutes += (now.millis_since(open.started_at) as f64 / 60_000.0).max(0.1);
        }
        while self.memory.beliefs.len() > ROUTES_MAX {
            let oldest = self.memory.beliefs.iter().min_by_key(|(key, b)| (b.last_seen, *key));
            let Some(key) = oldest.map(|(key, _)| key.clone()) else { break };
            self.memory.beliefs.remove(&key);
        }
    }

    /// How credible trouble of the route's own was before this incident.
    pub fn belief(&self, incident: &Incident, dimensions: &[String], now: Timestamp) -> f64 {
        self.faded(&route_key(&incident.slice, dimensions), now)
    }

    fn faded(&self, key: &str, now: Timestamp) -> f64 {
        self.memory.beliefs.get(key).map_or(0.0, |belief| {
            let weeks = now.millis_since(belief.last_seen).max(0) as f64 / WEEK_MS;
            belief.confidence * exp2(-weeks)
        })
    }

    /// How long outages of the incident's pattern lasted.
    pub fn durations(&self, incident: &Incident) -> Durations {
        self.durations.get(&pattern(incident)).copied().unwrap_or_default()
    }

    /// An intervention ended.
    pub fn learn(&mut self, pattern: &str, action: Action, outcome: Outcome) -> Lesson {
        let lessons = &mut self.memory.lessons;
        let order = |lesson: &Lesson| {
            (lesson.pattern.as_str(), lesson.action, lesson.outcome)
                .cmp(&(pattern, action, outcome))
        };
        let place = match lessons.binary_search_by(order) {
            Ok(place) => place,
            Err(place) => {
                let pattern = pattern.into();
                lessons.insert(place, Lesson { pattern, action, outcome, times_seen: 0 });
                place
            }
        };
        lessons[place].times_seen += 1;
        lessons[place].clone()
    }

    /// What the lessons add to the log-odds that an action helps.
    pub fn lesson(&self, incident: &Incident, action: Action) -> f64 {
        let pattern = pattern(incident);
        let (mut helped, mut not) = (0.0, 0.0);
        for lesson in
            self.memory.lessons.iter().filter(|l| l.pattern == pattern && l.action == action)
        {
            let times = lesson.times_seen as f64;
            match lesson.outcome {
                Outcome::Helped => helped += times,
                Outcome::Harmed => not += times,
                Outcome::NoEffect => not += 0.5 * times,
            }
        }
        // Twenty cases are as good as all: routes change.
        let scale = (20.0 / (helped + not).max(20.0_f64)).min(1.0);
        lesson_ln(helped * scale, not * scale)
    }

    /// As exported, confidences as of now.
    pub fn memory(&self, now: Timestamp) -> Memory {
        let mut memory = self.memory.clone();
        for (key, belief) in &mut memory.beliefs {
            belief.confidence = self.faded(key, now);
        }
        for (id, open) in &self.open {
            if let Some(belief) = memory.beliefs.get_mut(&open.key) {
                let before = belief.confidence;
                belief.confidence = together(before, open.confidence);
                belief.moved(id.clone(), None, before);
            }
        }
        memory
    }
}

impl Belief {
    /// Notes what an incident has made of it.
    fn moved(&mut self, incident_id: String, at: Option<Timestamp>, before: f64) {
        self.moves.push(Move { incident_id, at, before, after: self.confidence });
        let beyond = self.moves.len().saturating_sub(MOVES_MAX);
        self.moves.drain(..beyond);
    }
}

fn together(a: f64, b: f64) -> f64 {
    1.0 - (1.0 - a) * (1.0 - b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::situation::example;

    fn key() -> Vec<String> {
        vec!["issuer".into(), "network".into()]
    }

    #[test]
    fn a_belief_is_kept_fades_and_returns() {
        let start = Timestamp::from_millis(0);
        let mut incident = example::situation(start).incident;
        incident.slice =
            Slice::new([("issuer", "HDFC"), ("network", "VISA"), ("gateway", "razorpay")]);
        let mut recollection = Recollection::default();
        recollection.see(&incident, &key(), start);
        let at_once = recollection.memory(start);
        assert!((at_once.beliefs["HDFC_VISA"].confidence - 0.95).abs() < 1e-9);
        let end = start.plus_millis(600_000);
        recollection.settle(|_| false, end);
        let week = end.plus_millis(WEEK_MS as i64);
        assert!((recollection.belief(&incident, &key(), week) - 0.475).abs() < 1e-9);
        incident.id = "inc_2".into();
        recollection.see(&incident, &key(), week);
        assert_eq!(recollection.memory(week).beliefs["HDFC_VISA"].times_seen, 2);
        assert_eq!(recollection.durations(&incident).outages, 1.0);
    }

    #[test]
    fn a_belief_tells_how_it_moved() {
        let start = Timestamp::from_millis(0);
        let mut incident = example::situation(start).incident;
        let mut recollection = Recollection::default();
        recollection.see(&incident, &key(), start);
        let only = |memory: Memory| memory.beliefs.into_values().next().unwrap();
        let going_on = only(recollection.memory(start));
        assert_eq!(going_on.moves.len(), 1);
        assert_eq!((going_on.moves[0].at, going_on.moves[0].before), (None, 0.0));
        recollection.settle(|_| false, start);
        let week = start.plus_millis(WEEK_MS as i64);
        incident.id = "inc_2".into();
        recollection.see(&incident, &key(), week);
        recollection.settle(|_| false, week);
        let belief = only(recollection.memory(week));
        let [first, second] = &belief.moves[..] else { panic!("two: {:?}", belief.moves) };
        assert_eq!((first.at, first.after), (Some(start), going_on.confidence));
        assert!((second.before - first.after / 2.0).abs() < 1e-9, "it has faded: {second:?}");
        assert_eq!((second.incident_id.as_str(), second.after), ("inc_2", belief.confidence));
        for n in 3..50 {
            incident.id = format!("inc_{n}");
            recollection.see(&incident, &key(), week);
            recollection.settle(|_| false, week);
        }
        let belief = only(recollection.memory(week));
        assert_eq!((belief.moves.len(), belief.times_seen), (MOVES_MAX, 49));
        assert_eq!(belief.moves.last().unwrap().incident_id, "inc_49");
    }

    #[test]
    fn lessons_count_and_move_the_prior() {
        let incident = example::situation(Timestamp::from_millis(0)).incident;
        let mut recollection = Recollection::default();
        assert_eq!(recollection.lesson(&incident, Action::Reroute), 0.0);
        for _ in 0..3 {
            recollection.learn(&pattern(&incident), Action::Reroute, Outcome::Harmed);
        }
        assert!(recollection.lesson(&incident, Action::Reroute) < -1.0);
        let memory = recollection.memory(Timestamp::from_millis(0));
        insta::assert_snapshot!(serde_json::to_string(&memory).unwrap(), @r#"{"beliefs":{},"lessons":[{"pattern":"network_or_system_failure at {gateway, network}","action":"reroute","outcome":"harmed","times_seen":3}]}"#);
    }
}
