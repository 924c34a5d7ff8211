//! What can go wrong in a store, told apart by what the caller must do about it.

use thiserror::Error;

/// Why the store didn't do what it was asked.
#[derive(Debug, Error)]
pub enum Error {
    /// The URL names no store.
    #[error("store.url {got}: allowed are sqlite:PATH and postgres://user@host/database")]
    Url {
        /// What it says, without a password.
        got: String,
    },
    /// A newer program has been here.
    #[error(
        "the store has schema {found}, this program knows none newer than {known}; use the newer program, or restore a backup from before the upgrade"
    )]
    NewerSchema {
        /// The store's.
        found: i64,
        /// The newest of this program.
        known: i64,
    },
    /// Another process writes here.
    #[error(
        "another process writes in the store {store}: a store has one server at a time. Stop that one, or use another store.url"
    )]
    Taken {
        /// Which, without a password.
        store: String,
    },
    /// No room: nothing was written; it goes on by itself when there is.
    #[error(
        "the store's disk is full; nothing of this was written. Make room: it goes on by itself"
    )]
    Full,
    /// Reading or writing the medium failed: what is on it can't be trusted to be what was written.
    #[error(
        "the store's medium failed ({0}); nothing is acknowledged any more. Check the disk, then restart"
    )]
    Medium(String),
    /// It can't be reached at the moment.
    #[error("the store can't be reached: {0}")]
    Unreachable(String),
    /// Anything else that the database says.
    #[error("the store answered: {0}")]
    Database(String),
    /// What was read isn't what this program writes.
    #[error("the store holds {what} that can't be read: {detail}")]
    Damaged {
        /// What.
        what: &'static str,
        /// Why.
        detail: String,
    },
}

impl Error {
    /// Whether it may go away by waiting.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Full | Self::Unreachable(_))
    }

    /// Whether what was written before can't be relied on any more.
    pub fn is_fatal(&self) -> bool {
        matches!(self, Self::Medium(_))
    }

    pub(crate) fn damaged(what: &'static str, detail: impl ToString) -> Self {
        Self::Damaged { what, detail: detail.to_string() }
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        let text = error.to_string();
        match &error {
            sqlx::Error::Database(inner) => match inner.code().as_deref() {
                // SQLITE_FULL; disk_full of PostgreSQL.
                Some("13" | "53100") => Self::Full,
                Some(code) if is_medium(code) => Self::Medium(text),
                // SQLITE_BUSY: another process writes; an operator shuts PostgreSQL down, or it has no connection left.
                Some("5" | "57P01" | "57P02" | "57P03" | "53300") => Self::Unreachable(text),
                _ => Self::Database(text),
            },
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => Self::Unreachable(text),
            _ => Self::Database(text),
        }
    }
}

/// SQLITE_IOERR and its 256 extended forms, SQLITE_CORRUPT, SQLITE_NOTADB; io_error, data_corrupted and index_corrupted of
/// PostgreSQL.
fn is_medium(code: &str) -> bool {
    let sqlite =
        code.parse::<u32>().is_ok_and(|code| matches!(code & 0xff, 10 | 11 | 26)) && code.len() < 5;
    sqlite || matches!(code, "58030" | "XX001" | "XX002")
}

/// What a store answers.
pub type Result<T> = std::result::Result<T, Error>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_medium_that_fails_is_told_from_a_full_one() {
        for code in ["10", "1034", "266", "11", "58030"] {
            assert!(is_medium(code), "{code}");
        }
        for code in ["13", "5", "53100", "19", "23505"] {
            assert!(!is_medium(code), "{code}");
        }
    }
}
