//! The simulated day, step by step through the engine.

use analyst::{Incident, SliceStats};
use engine::{Config, Effect, Engine, Input};
use payments::Timestamp;
use sim::{Day, Truth};

const DAY_MS: i64 = 86_400_000;
/// Attempts handed over at once.
const BATCH: usize = 4_096;

/// The day, the engine that watches it, and how far both are.
pub struct Show {
    day: Day,
    engine: Engine,
    now: Timestamp,
    learn_from: Timestamp,
}

impl Show {
    /// Stands at the beginning of the quiet days.
    pub fn new(seed: u64, learn_days: u32) -> anyhow::Result<Self> {
        let day = Day::demo(seed)?;
        let learn_from = day.starts_at.plus_millis(-i64::from(learn_days) * DAY_MS);
        let mut config = Config::default();
        // The day runs as it was drawn: nobody can turn its traffic.
        config.pilot.modes = pilot::Modes::ADVISE;
        Ok(Self { engine: Engine::new(config), now: learn_from, learn_from, day })
    }

    /// Plays until `until`, or to the end; gives what the engine said of the day.
    pub fn play(&mut self, until: Timestamp) -> Vec<Effect> {
        let until = until.min(self.day.ends_at);
        let mut effects = Vec::new();
        let mut batch = Vec::with_capacity(BATCH);
        for sample in self.day.world.attempts(self.now, until) {
            batch.push(sample.attempt);
            if batch.len() == BATCH {
                effects.extend(self.engine.handle(&Input::Attempts(std::mem::take(&mut batch))));
            }
        }
        effects.extend(self.engine.handle(&Input::Attempts(batch)));
        effects.extend(self.engine.handle(&Input::Advance(until)));
        self.now = until;
        effects.retain(|effect| match effect {
            Effect::Finding(_) => false,
            Effect::Incident(i) => i.detected_at >= self.day.starts_at,
            Effect::Cycle { at, .. } => *at >= self.day.starts_at,
            _ => false,
        });
        effects
    }

    /// How far it is.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// When the quiet days end.
    pub fn starts_at(&self) -> Timestamp {
        self.day.starts_at
    }

    /// When the day ends.
    pub fn ends_at(&self) -> Timestamp {
        self.day.ends_at
    }

    /// Whether the engine is still learning.
    pub fn learning(&self) -> bool {
        self.now < self.day.starts_at
    }

    /// How much of the quiet days is over, 0 to 1.
    pub fn learnt_share(&self) -> f64 {
        let all = self.day.starts_at.millis_since(self.learn_from).max(1);
        (self.now.millis_since(self.learn_from) as f64 / all as f64).min(1.0)
    }

    /// Whether the day is over.
    pub fn over(&self) -> bool {
        self.now >= self.day.ends_at
    }

    /// The gateways' rolling figures.
    pub fn routes(&self) -> Vec<SliceStats> {
        self.engine.routes(&["gateway"])
    }

    /// Incidents of the day so far; what was raised while learning is only counted.
    pub fn incidents(&self) -> Vec<Incident> {
        let mut all = self.engine.incidents();
        all.retain(|i| i.detected_at >= self.day.starts_at);
        all
    }

    /// Incidents raised on the quiet days.
    pub fn raised_while_learning(&self) -> usize {
        self.engine.incidents().iter().filter(|i| i.detected_at < self.day.starts_at).count()
    }

    /// What really happens in the day.
    pub fn truth(&self) -> Vec<Truth> {
        self.day.truth()
    }
}
