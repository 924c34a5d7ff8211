//! The audit log: each entry holds the hash of the one before.
//!
//! SHA-256 over the entry's fields, each with its length in front, so that no two entries read alike. Whoever edits, deletes or
//! reorders entries has to recompute all that follow; cutting off the end is found against an anchor (the number and hash of an
//! entry) that was exported before.

use payments::Timestamp;
use sha2::{Digest, Sha256};
use sqlx::AnyConnection;
use thiserror::Error;

use crate::error::Result;
use crate::rows::AuditEntry;
use crate::sql::get;

/// What the first entry names as the one before.
const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// Where the chain is broken.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AuditFault {
    /// The numbers have a gap or a step back.
    #[error("entry {got} stands where entry {wanted} belongs: entries were deleted or reordered")]
    Order {
        /// What belongs there.
        wanted: i64,
        /// What stands there.
        got: i64,
    },
    /// An entry doesn't name the one before it.
    #[error("entry {0} doesn't follow from the entry before it: one of them was changed")]
    Broken(i64),
    /// An entry isn't what was hashed.
    #[error("entry {0} was changed after it was written")]
    Changed(i64),
}

/// The hash of an entry.
pub fn hash(entry: &AuditEntry) -> String {
    let mut hasher = Sha256::new();
    let (seq, at) = (entry.seq.to_string(), entry.at.as_millis().to_string());
    for part in
        [&entry.previous, &seq, &at, &entry.actor, &entry.action, &entry.object, &entry.detail]
    {
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Checks entries that follow one another; `before` is the one in front of them, if there is one.
pub fn verify(
    before: Option<&AuditEntry>,
    entries: &[AuditEntry],
) -> std::result::Result<(), AuditFault> {
    let mut previous = before.map_or(GENESIS, |entry| entry.hash.as_str());
    for (wanted, entry) in (before.map_or(1, |entry| entry.seq + 1)..).zip(entries) {
        if entry.seq != wanted {
            return Err(AuditFault::Order { wanted, got: entry.seq });
        }
        if entry.previous != previous {
            return Err(AuditFault::Broken(entry.seq));
        }
        if hash(entry) != entry.hash {
            return Err(AuditFault::Changed(entry.seq));
        }
        previous = &entry.hash;
    }
    Ok(())
}

pub(crate) async fn append(
    connection: &mut AnyConnection,
    at: Timestamp,
    [actor, action, object, detail]: [&str; 4],
) -> Result<()> {
    let last = sqlx::query("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1")
        .fetch_optional(&mut *connection)
        .await?;
    let (seq, previous) = match &last {
        Some(row) => (get::<i64>(row, 0)? + 1, get(row, 1)?),
        None => (1, GENESIS.to_owned()),
    };
    let mut entry = AuditEntry {
        seq,
        at,
        actor: actor.into(),
        action: action.into(),
        object: object.into(),
        detail: detail.into(),
        previous,
        hash: String::new(),
    };
    entry.hash = hash(&entry);
    sqlx::query(
        "INSERT INTO audit (seq, at_ms, actor, action, object, detail, previous, hash) VALUES ($1,$2,$3,$4,$5,$6,$7,$8)",
    )
    .bind(entry.seq)
    .bind(entry.at.as_millis())
    .bind(entry.actor)
    .bind(entry.action)
    .bind(entry.object)
    .bind(entry.detail)
    .bind(entry.previous)
    .bind(entry.hash)
    .execute(connection)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(n: i64) -> Vec<AuditEntry> {
        let mut entries: Vec<AuditEntry> = Vec::new();
        for seq in 1..=n {
            let previous = entries.last().map_or(GENESIS.to_owned(), |e| e.hash.clone());
            let mut entry = AuditEntry {
                seq,
                at: Timestamp::from_millis(seq * 1_000),
                actor: "ann".into(),
                action: "approve".into(),
                object: format!("itv_{seq}"),
                detail: "{}".into(),
                previous,
                hash: String::new(),
            };
            entry.hash = hash(&entry);
            entries.push(entry);
        }
        entries
    }

    #[test]
    fn a_whole_chain_is_right_in_parts_too() {
        let entries = chain(5);
        assert_eq!(verify(None, &entries), Ok(()));
        assert_eq!(verify(Some(&entries[1]), &entries[2..]), Ok(()));
    }

    #[test]
    fn edits_deletions_and_swaps_are_found() {
        let mut edited = chain(5);
        edited[2].actor = "eve".into();
        assert_eq!(verify(None, &edited), Err(AuditFault::Changed(3)));
        edited[2].hash = hash(&edited[2]);
        assert_eq!(verify(None, &edited), Err(AuditFault::Broken(4)));
        let mut deleted = chain(5);
        deleted.remove(2);
        assert_eq!(verify(None, &deleted), Err(AuditFault::Order { wanted: 3, got: 4 }));
        let mut swapped = chain(5);
        swapped.swap(1, 2);
        assert_eq!(verify(None, &swapped), Err(AuditFault::Order { wanted: 2, got: 3 }));
    }
}
