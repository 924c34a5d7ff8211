//! The engine's state as bytes.
//!
//! A header names format and version; a state of another version is refused rather than guessed.
//! Postcard keeps floats bit for bit, which replay needs.

use thiserror::Error;

use crate::Engine;

const MAGIC: &[u8; 8] = b"PNTSMAN\0";
/// Version of the state's layout; it grows with every change of any state type.
pub const VERSION: u32 = 11;

/// Why a snapshot can't be used.
#[derive(Debug, Error)]
pub enum SnapshotError {
    /// Not ours.
    #[error("this is no engine snapshot; want a file that an engine wrote")]
    Foreign,
    /// Another layout.
    #[error(
        "the snapshot has version {found}, this engine reads {VERSION}; replay the journal instead"
    )]
    Version {
        /// What it has.
        found: u32,
    },
    /// Damaged.
    #[error("the snapshot is damaged ({0}); use an older one and replay the journal from there")]
    Damaged(#[from] postcard::Error),
}

/// The engine's state.
pub fn save(engine: &Engine) -> Result<Vec<u8>, SnapshotError> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend(VERSION.to_le_bytes());
    Ok(postcard::to_extend(engine, bytes)?)
}

/// An engine that goes on where the state was saved.
pub fn load(bytes: &[u8]) -> Result<Engine, SnapshotError> {
    let (magic, rest) = bytes.split_at_checked(MAGIC.len()).ok_or(SnapshotError::Foreign)?;
    let (version, rest) = rest.split_at_checked(4).ok_or(SnapshotError::Foreign)?;
    if magic != MAGIC {
        return Err(SnapshotError::Foreign);
    }
    let found = version.iter().rev().fold(0, |sum, &byte| sum << 8 | u32::from(byte));
    if found != VERSION {
        return Err(SnapshotError::Version { found });
    }
    Ok(postcard::from_bytes(rest)?)
}
