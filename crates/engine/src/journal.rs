//! What the engine was told, and a digest of what it answered.
//!
//! One JSON object per line, so that people can read it. The digest makes a replay a check: the
//! same inputs must give the same effects, bit for bit.

use serde::{Deserialize, Serialize};
use stats::window::fingerprint;
use thiserror::Error;

use crate::{Config, Effect, Engine, Input};

/// The first line of a journal's file: where its engine stood before the first step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// Version of this format.
    pub journal: u32,
    /// It was new, with this configuration.
    pub config: Option<Config>,
    /// It stood where this snapshot's file says, a name relative to the journal's.
    pub snapshot: Option<String>,
}

impl Header {
    /// Of an engine that was new.
    pub fn fresh(config: Config) -> Self {
        Self { journal: FORMAT, config: Some(config), snapshot: None }
    }

    /// Of an engine that was saved.
    pub fn saved(snapshot: impl Into<String>) -> Self {
        Self { journal: FORMAT, config: None, snapshot: Some(snapshot.into()) }
    }
}

/// The format that is written.
pub const FORMAT: u32 = 1;

/// One step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Number of the step, from 0.
    pub step: u64,
    /// What the engine was told.
    pub input: Input,
    /// Digest of its effects.
    pub digest: String,
}

/// Why a line of a journal can't be replayed.
#[derive(Debug, Error)]
#[error("journal line {line}: {source}; want one entry per line as the engine writes them")]
pub struct JournalError {
    /// Counted from 1.
    pub line: usize,
    /// What is wrong.
    pub source: serde_json::Error,
}

/// A step whose effects differ from what the journal says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Number of the step.
    pub step: u64,
    /// Digest in the journal.
    pub recorded: String,
    /// Digest now.
    pub replayed: String,
}

/// Digest of effects: their JSON, which holds floats exactly.
pub fn digest(effects: &[Effect]) -> String {
    let text = serde_json::to_string(effects).unwrap_or_default();
    format!("{:016x}{:016x}", fingerprint(1, &text), fingerprint(2, &text))
}

/// Lets the engine take an input and writes the step down.
pub fn record(engine: &mut Engine, step: u64, input: Input) -> (Entry, Vec<Effect>) {
    let effects = engine.handle(&input);
    (Entry { step, input, digest: digest(&effects) }, effects)
}

/// Reads a journal.
pub fn parse(text: &str) -> Result<Vec<Entry>, JournalError> {
    text.lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(place, line)| {
            serde_json::from_str(line).map_err(|source| JournalError { line: place + 1, source })
        })
        .collect()
}

/// Tells an engine one step of a journal; says so if its effects differ.
pub fn step(engine: &mut Engine, entry: &Entry) -> Option<Difference> {
    let replayed = digest(&engine.handle(&entry.input));
    (replayed != entry.digest).then(|| Difference {
        step: entry.step,
        recorded: entry.digest.clone(),
        replayed,
    })
}

/// Tells an engine what the journal says and lists the steps whose effects differ.
pub fn replay(engine: &mut Engine, entries: &[Entry]) -> Vec<Difference> {
    entries.iter().filter_map(|entry| step(engine, entry)).collect()
}
