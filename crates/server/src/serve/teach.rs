//! Teaching before the start: history makes the engine's baseline, raises nothing, and becomes the snapshot that a new store begins with.
//!
//! The pilot only advises meanwhile, or it would learn from traffic that nobody turned that its fixes fail.

use anyhow::{Result, ensure};
use engine::{Config, Engine, Input, snapshot};
use payments::{Attempt, Timestamp};
use pilot::{Command, Modes};
use store::{Snapshot, Store};

use super::beside::Beside;
use super::clock::wall;
use super::core::{Core, json};

/// Attempts of one transaction.
const BATCH: usize = 5_000;

/// An engine that learns.
pub struct Teacher {
    core: Core,
    modes: Modes,
}

impl Teacher {
    /// Of an engine that knows nothing.
    pub fn new(mut config: Config) -> Self {
        let modes = std::mem::replace(&mut config.pilot.modes, Modes::ADVISE);
        let core = Core { engine: Engine::new(config), beside: Beside::default(), step: 0 };
        Self { core, modes }
    }

    /// Takes attempts, in order of time.
    pub fn tell(&mut self, attempts: Vec<Attempt>) {
        self.core.apply(0, &Input::Attempts(attempts));
    }

    /// Hands over to the pilot at this time, as what `store` begins with; it must be new. `recent` are attempts to be stored as well.
    pub async fn hand_over(
        mut self,
        store: &dyn Store,
        at: Timestamp,
        recent: &[Attempt],
    ) -> Result<()> {
        let is_new = store.progress().await?.step == 0 && store.snapshots().await?.is_empty();
        ensure!(is_new, "the store has a history of its own already");
        let command = Box::new(Command::SetModes(self.modes));
        self.core.apply(0, &Input::Command { at, command });
        for batch in recent.chunks(BATCH) {
            let mut work = store.begin().await?;
            work.attempts(batch).await?;
            work.commit().await?;
        }
        let body = snapshot::save(&self.core.engine)?;
        let beside = json(&self.core.beside);
        let mut work = store.begin().await?;
        work.snapshot(&Snapshot { step: 0, at: wall(), body, beside }).await?;
        work.commit().await?;
        Ok(())
    }
}
