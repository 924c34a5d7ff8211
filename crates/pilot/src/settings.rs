//! What the pilot is told once, and may be told anew by command.

use payments::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Limits, Modes};

/// A window in which nothing new is done; rollbacks and expiry go on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Freeze {
    /// First instant.
    pub from: Timestamp,
    /// First instant after it.
    pub to: Timestamp,
    /// Why, e.g. a sale or a migration.
    pub reason: String,
}

/// Settings of the pilot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Guardrails.
    pub limits: Limits,
    /// How far each action may go by itself.
    pub modes: Modes,
    /// Dimensions whose values name a route in memory, e.g. `issuer`, `network`.
    pub memory_key: Vec<String>,
    /// Freeze windows.
    pub freezes: Vec<Freeze>,
    /// Seed of the simulated draws and of the salts.
    pub seed: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            modes: Modes::default(),
            memory_key: vec!["issuer".into(), "network".into()],
            freezes: Vec::new(),
            seed: 0,
        }
    }
}
