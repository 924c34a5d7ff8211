//! The stage: a network, an engine that has learnt it, and an afternoon in which things happen.

use std::sync::LazyLock;

use analyst::{Incident, IncidentStatus, Settings, Slice};
use engine::{Config, Effect, Engine, Input};
use payments::{Attempt, Timestamp};
use sim::{Kind, World};

const RATE: f64 = 3.0;
const SEED: u64 = 11;
const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
/// A Monday, 00:00 UTC.
const MONDAY_MS: i64 = 1_789_948_800_000;
/// Wednesday, 14:30 in the network's own time.
const LEARNT_MS: i64 = MONDAY_MS + 57 * HOUR_MS;

/// Minutes after the engine has learnt.
pub fn minute(minutes: i64) -> Timestamp {
    Timestamp::from_millis(LEARNT_MS + minutes * MINUTE_MS)
}

/// What happens to a slice between two minutes.
pub fn on(slice: &[(&str, &str)], from: i64, to: i64, kind: Kind) -> sim::Incident {
    sim::Incident::on(slice.iter().copied(), minute(from), minute(to), kind)
}

pub fn slice(pairs: &[(&str, &str)]) -> Slice {
    Slice::new(pairs.iter().copied())
}

fn feed(engine: &mut Engine, world: &World, from: Timestamp, to: Timestamp) -> Vec<Effect> {
    let mut effects = Vec::new();
    let mut samples = world.attempts(from, to).map(|sample| sample.attempt);
    loop {
        let batch: Vec<Attempt> = samples.by_ref().take(4_096).collect();
        if batch.is_empty() {
            return effects;
        }
        effects.extend(engine.handle(&Input::Attempts(batch)));
    }
}

fn new_engine() -> Engine {
    let dimensions = ["gateway", "method", "network", "issuer"].map(String::from).to_vec();
    let analysis = Settings { dimensions, tick_ms: 10_000, ..Settings::default() };
    Engine::new(Config { analysis, ..Config::default() })
}

static LEARNT: LazyLock<Engine> = LazyLock::new(|| {
    let mut engine = new_engine();
    let world = World::at_rate(RATE, SEED).expect("a world");
    feed(&mut engine, &world, Timestamp::from_millis(MONDAY_MS), minute(0));
    engine
});

/// A played scenario.
pub struct Play {
    pub engine: Engine,
    pub effects: Vec<Effect>,
    world: World,
    until: i64,
    known: usize,
}

impl Play {
    /// The learnt engine in a world where these things will happen.
    pub fn of(incidents: impl IntoIterator<Item = sim::Incident>) -> Self {
        let mut world = World::at_rate(RATE, SEED).expect("a world");
        for incident in incidents {
            world.add(incident).expect("an incident that hits traffic");
        }
        let engine = LEARNT.clone();
        let known = engine.incidents().len();
        Self { engine, effects: Vec::new(), world, until: 0, known }
    }

    /// An engine that has seen this many minutes of so much traffic, and nothing before.
    pub fn young(
        rate: f64,
        minutes: i64,
        incidents: impl IntoIterator<Item = sim::Incident>,
    ) -> Self {
        let mut world = World::at_rate(rate, SEED).expect("a world");
        for incident in incidents {
            world.add(incident).expect("an incident that hits traffic");
        }
        let mut engine = new_engine();
        feed(&mut engine, &world, minute(-minutes), minute(0));
        let known = engine.incidents().len();
        Self { engine, effects: Vec::new(), world, until: 0, known }
    }

    /// Goes on until a minute.
    pub fn until(mut self, to: i64) -> Self {
        let effects = feed(&mut self.engine, &self.world, minute(self.until), minute(to));
        self.effects.extend(effects);
        self.until = to;
        self
    }

    /// Nobody watches until a minute.
    pub fn rest(mut self, to: i64) -> Self {
        self.effects.extend(self.engine.handle(&Input::Rest(minute(to))));
        self.until = to;
        self
    }

    /// Goes on at a minute, and the engine isn't told of what lies between.
    pub fn later(mut self, at: i64) -> Self {
        self.until = at;
        self
    }

    /// Incidents found since the engine had learnt.
    pub fn found(&self) -> Vec<Incident> {
        self.engine.incidents().split_off(self.known)
    }

    /// Those of them that also began since then: what began before is not of the scenario.
    pub fn incidents(&self) -> Vec<Incident> {
        let mut found = self.found();
        found.retain(|incident| incident.started_at >= minute(0));
        found
    }

    /// The only incident.
    pub fn one(&self) -> Incident {
        let mut incidents = self.incidents();
        assert_eq!(incidents.len(), 1, "{}", self.summary());
        incidents.remove(0)
    }

    /// The incident at a slice, by that name or by an alias.
    pub fn at(&self, pairs: &[(&str, &str)]) -> Incident {
        let slice = slice(pairs);
        self.incidents()
            .into_iter()
            .find(|incident| incident.slice == slice || incident.aliases.contains(&slice))
            .unwrap_or_else(|| panic!("nothing at {slice}; found: {}", self.summary()))
    }

    /// All incidents, a line each.
    pub fn summary(&self) -> String {
        let lines = self.found().into_iter().map(|i| {
            let minutes = |at: Timestamp| (at.as_millis() - LEARNT_MS) as f64 / MINUTE_MS as f64;
            format!(
                "\n{} {:?} {:?} {:.2} began {:.1} found {:.1} over {:?} {:?}, {:.3} of {:.3}, {} attempts",
                i.slice,
                i.signal,
                i.cause,
                i.confidence,
                minutes(i.started_at),
                minutes(i.detected_at),
                i.resolved_at.map(minutes),
                i.resolution,
                i.observed_rate,
                i.baseline_rate,
                i.impact.attempts,
            )
        });
        lines.collect()
    }
}

/// It began and ended about when it did, and was found in time.
pub fn assert_times(incident: &Incident, from: i64, to: i64, found_within: i64) {
    let near = |at: Timestamp, minute_of: i64, slack: i64| {
        (at.as_millis() - minute(minute_of).as_millis()).abs() <= slack * MINUTE_MS
    };
    assert!(near(incident.started_at, from, 2), "began {}", incident.started_at);
    assert!(incident.detected_at <= minute(from + found_within), "{}", incident.detected_at);
    assert_eq!(incident.status, IncidentStatus::Resolved);
    assert!(incident.resolved_at.is_some_and(|at| near(at, to, 3)), "{:?}", incident.resolved_at);
}
