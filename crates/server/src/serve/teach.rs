//! Teaching before the start: history makes the engine's baseline, raises nothing, and becomes the snapshot that a new store begins with.
//!
//! The pilot only advises meanwhile, or it would learn from traffic that nobody turned that its fixes fail.

use anyhow::{Result, ensure};
use engine::{Config, Coverage, Engine, Input, snapshot};
use payments::{Attempt, Timestamp};
use pilot::{Command, Modes};
use store::{Snapshot, Store};

use super::beside::Beside;
use super::clock::wall;
use super::core::{Core, json};
use super::recovery::TOLD;

/// Attempts of one transaction.
const BATCH: usize = 5_000;

/// Only a store that knows nothing can be taught.
pub async fn ensure_new(store: &dyn Store) -> Result<()> {
    let is_new = store.progress().await?.step == 0 && store.snapshots().await?.is_empty();
    ensure!(
        is_new,
        "the store has a history of its own already: teach a new one (store.url), or go on with what this one has learnt"
    );
    Ok(())
}

/// An engine that learns.
pub struct Teacher {
    core: Core,
    config: Config,
}

impl Teacher {
    /// Of an engine that knows nothing.
    pub fn new(config: Config) -> Self {
        let mut advising = config.clone();
        advising.pilot.modes = Modes::ADVISE;
        let core = Core { engine: Engine::new(advising), beside: Beside::default(), step: 0 };
        Self { core, config }
    }

    /// Takes attempts, in order of time.
    pub fn tell(&mut self, attempts: Vec<Attempt>) {
        self.hear(&Input::Attempts(attempts));
    }

    /// Takes anything that history is made of, in order of time.
    pub fn hear(&mut self, input: &Input) {
        self.core.apply(0, input);
    }

    /// All of it was history: whatever comes next may be of any later time, and nothing that was found is told of.
    pub fn is_history(&mut self) {
        self.core.engine.taught();
        self.core.beside = Beside::default();
    }

    /// How much was learnt.
    pub fn coverage(&self) -> Coverage {
        self.core.engine.coverage()
    }

    /// Hands over to the pilot at this time, as what `store` begins with; it must be new. `recent` are attempts to be stored as well.
    pub async fn hand_over(
        mut self,
        store: &dyn Store,
        at: Timestamp,
        recent: &[Attempt],
    ) -> Result<()> {
        ensure_new(store).await?;
        let command = Box::new(Command::SetModes(self.config.pilot.modes));
        self.core.apply(0, &Input::Command { at, command });
        for batch in recent.chunks(BATCH) {
            let mut work = store.begin().await?;
            work.attempts(batch).await?;
            work.commit().await?;
        }
        let body = snapshot::save(&self.core.engine)?;
        let beside = json(&self.core.beside);
        let mut work = store.begin().await?;
        work.set_fact(TOLD, &json(&self.config)).await?;
        work.snapshot(&Snapshot { step: 0, at: wall(), body, beside }).await?;
        work.commit().await?;
        Ok(())
    }
}
