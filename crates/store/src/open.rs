//! Opening a store: its URL, its settings, its schema.

use std::sync::Arc;
use std::time::Duration;

use sqlx::any::AnyPoolOptions;
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::{AnyPool, Executor};
use tokio::sync::Mutex;

use crate::cells::Cells;
use crate::error::{Error, Result};
use crate::reads::Sql;

static SQLITE: Migrator = sqlx::migrate!("migrations/sqlite");
static POSTGRES: Migrator = sqlx::migrate!("migrations/postgres");

/// How long a reader waits for a connection.
const ACQUIRE_MAX: Duration = Duration::from_secs(5);
const READERS_MAX: u32 = 8;

/// SQLite's settings, per connection. FULL: a commit returns when it is on the medium, in WAL mode too. The page cache
/// holds the inner pages of the indexes of some ten million rows.
const PRAGMAS: &str = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 5000; \
     PRAGMA cache_size = -65536; PRAGMA temp_store = MEMORY; PRAGMA wal_autocheckpoint = 4000; PRAGMA foreign_keys = ON;";

/// Opens the store of a URL and brings its schema up to date. A file that isn't there is made.
pub async fn open(url: &str) -> Result<Sql> {
    sqlx::any::install_default_drivers();
    let is_sqlite = url.starts_with("sqlite:");
    if !is_sqlite && !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
        return Err(Error::Url { got: shown(url) });
    }
    let (address, pragmas) = if is_sqlite {
        let mode = if url.contains('?') { "&mode=rwc" } else { "?mode=rwc" };
        (format!("{url}{mode}"), PRAGMAS)
    } else {
        (url.to_owned(), "SET synchronous_commit = on")
    };
    let options = move |most: u32| {
        AnyPoolOptions::new().max_connections(most).acquire_timeout(ACQUIRE_MAX).after_connect(
            move |connection, _| {
                Box::pin(
                    async move { connection.execute(sqlx::raw_sql(pragmas)).await.map(|_| ()) },
                )
            },
        )
    };
    let connect = |most| {
        let (options, address) = (options(most), address.clone());
        async move { options.connect(&address).await.map_err(|e| refused(url, e)) }
    };
    let writer = connect(1).await?;
    migrate(&writer, if is_sqlite { &SQLITE } else { &POSTGRES }).await?;
    let readers = connect(READERS_MAX).await?;
    let seq = highest(&writer, "SELECT COALESCE(MAX(seq), 0) FROM attempts").await?;
    let cell = highest(&writer, "SELECT COALESCE(MAX(id), 0) FROM cells").await?;
    let begin = if is_sqlite { "BEGIN IMMEDIATE" } else { "BEGIN" };
    Ok(Sql { writer, readers, begin, turn: Arc::new(Mutex::new(Cells::new(seq, cell))) })
}

/// A URL without its password, for messages.
pub fn shown(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    match rest.split_once('@') {
        Some((who, rest)) => {
            let user = who.split(':').next().unwrap_or_default();
            format!("{scheme}://{user}@{rest}")
        }
        None => url.to_owned(),
    }
}

fn refused(url: &str, error: sqlx::Error) -> Error {
    let place = shown(url);
    match Error::from(error) {
        Error::Unreachable(why) => Error::Unreachable(format!("{place}: {why}")),
        Error::Database(why) => Error::Database(format!("{place}: {why}")),
        other => other,
    }
}

async fn migrate(pool: &AnyPool, migrator: &Migrator) -> Result<()> {
    match migrator.run(pool).await {
        Ok(()) => Ok(()),
        Err(MigrateError::VersionMissing(found)) => {
            let known = migrator.iter().map(|m| m.version).max().unwrap_or(0);
            Err(Error::NewerSchema { found, known })
        }
        Err(MigrateError::Execute(e) | MigrateError::ExecuteMigration(e, _)) => Err(e.into()),
        Err(other) => Err(Error::Database(other.to_string())),
    }
}

async fn highest(pool: &AnyPool, text: &'static str) -> Result<i64> {
    Ok(sqlx::query_scalar(text).fetch_one(pool).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        assert_eq!(shown("postgres://me:secret@db/x"), "postgres://me@db/x");
        assert_eq!(shown("sqlite:pointsman.db"), "sqlite:pointsman.db");
    }
}
