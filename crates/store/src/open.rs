//! Opening a store: its URL, its settings, its schema.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::{AnyConnection, AnyPool, ConnectOptions, Executor};
use tokio::runtime::Handle;
use tokio::sync::Mutex;

use crate::alone::Alone;
use crate::cells::Cells;
use crate::error::{Error, Result};
use crate::reads::Sql;
use crate::sql::Places;
use crate::work::Seat;

static SQLITE: Migrator = sqlx::migrate!("migrations/sqlite");
static POSTGRES: Migrator = sqlx::migrate!("migrations/postgres");

/// How long a reader waits for a connection.
const ACQUIRE_MAX: Duration = Duration::from_secs(5);
const READERS_MAX: u32 = 8;

/// SQLite's settings, per connection. FULL: a commit returns when it is on the medium, in WAL mode too.
const PRAGMAS: &str = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 5000; \
     PRAGMA cache_size = -16384; PRAGMA temp_store = MEMORY; PRAGMA foreign_keys = ON;";

/// Beside them, the writer's: its page cache holds the leaves that random ids fall into (of five million rows nearly all, of more at least the inner pages of their
/// indexes), and pages that several commits have changed are copied from the log once.
const WRITER_PRAGMAS: &str = "PRAGMA cache_size = -262144; PRAGMA wal_autocheckpoint = 16000;";

/// Opens the store of a URL and brings its schema up to date. A file that isn't there is made.
pub async fn open(url: &str) -> Result<Sql> {
    open_at(url, Address::of(url)?).await
}

/// The same for the process that is the only one to write here; it is until the lock is dropped. Nothing is read or brought up to date
/// before the lock is held: whoever has it may still write.
pub async fn open_alone(url: &str) -> Result<(Sql, Alone)> {
    let address = Address::of(url)?;
    let alone = Alone::take(url, &address).await.map_err(|e| refused(url, e))?;
    Ok((open_at(url, address).await?, alone))
}

async fn open_at(url: &str, address: Address) -> Result<Sql> {
    let is_sqlite = is_sqlite(url);
    let settings = address.settings;
    let readers = AnyPoolOptions::new()
        .max_connections(READERS_MAX)
        .acquire_timeout(ACQUIRE_MAX)
        .after_connect(move |connection, _| {
            Box::pin(async move { connection.execute(sqlx::raw_sql(settings)).await.map(|_| ()) })
        })
        .connect(&address.url)
        .await
        .map_err(|e| refused(url, e.into()))?;
    migrate(&readers, if is_sqlite { &SQLITE } else { &POSTGRES }).await?;
    let seq = highest(&readers, "SELECT COALESCE(MAX(seq), 0) FROM attempts").await?;
    let cell = highest(&readers, "SELECT COALESCE(MAX(id), 0) FROM cells").await?;
    let places = if is_sqlite { Places::Plain } else { Places::Numbered };
    let seat = Seat { cells: Cells::new(seq, cell), places, connection: None };
    let home = Handle::current();
    Ok(Sql { address, home, readers, seat: Arc::new(Mutex::new(seat)) })
}

/// Where the store is, and how its writer speaks.
#[derive(Clone)]
pub(crate) struct Address {
    url: String,
    settings: &'static str,
    writer_settings: &'static str,
    /// Begins a transaction that will write.
    pub begin: &'static str,
}

impl Address {
    /// Of a URL as configured.
    fn of(url: &str) -> Result<Self> {
        sqlx::any::install_default_drivers();
        if is_sqlite(url) {
            let url = with_mode(url, "rwc");
            let (settings, writer_settings) = (PRAGMAS, WRITER_PRAGMAS);
            Ok(Self { url, settings, writer_settings, begin: "BEGIN IMMEDIATE" })
        } else if is_postgres(url) {
            let settings = "SET synchronous_commit = on";
            Ok(Self { url: url.to_owned(), settings, writer_settings: "", begin: "BEGIN" })
        } else {
            Err(Error::Url { got: shown(url) })
        }
    }

    /// A connection of its own, with the writer's settings.
    pub async fn connect(&self) -> Result<AnyConnection> {
        let options: AnyConnectOptions = self.url.parse()?;
        let mut connection = options.disable_statement_logging().connect().await?;
        connection.execute(sqlx::raw_sql(self.settings)).await?;
        if !self.writer_settings.is_empty() {
            connection.execute(sqlx::raw_sql(self.writer_settings)).await?;
        }
        Ok(connection)
    }
}

pub(crate) fn is_sqlite(url: &str) -> bool {
    url.starts_with("sqlite:")
}

/// Whether a URL names a database of PostgreSQL.
pub fn is_postgres(url: &str) -> bool {
    url.starts_with("postgres://") || url.starts_with("postgresql://")
}

/// A URL of SQLite with how its file is opened: `rw`, or `rwc` where it may be made.
pub(crate) fn with_mode(url: &str, mode: &str) -> String {
    let before = if url.contains('?') { '&' } else { '?' };
    format!("{url}{before}mode={mode}")
}

/// The file of an SQLite store; none for other stores, and for one in memory.
pub fn sqlite_path(url: &str) -> Option<PathBuf> {
    let rest = url.strip_prefix("sqlite:")?;
    let path = rest.strip_prefix("//").unwrap_or(rest);
    let path = path.split('?').next().unwrap_or(path);
    (!path.is_empty() && path != ":memory:").then(|| PathBuf::from(path))
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

fn refused(url: &str, error: Error) -> Error {
    let place = shown(url);
    match error {
        Error::Unreachable(why) => Error::Unreachable(format!("{place}: {why}")),
        Error::Database(why) => Error::Database(format!("{place}: {why}")),
        other => other,
    }
}

/// The newest schema that this program knows.
pub(crate) fn known_schema(is_sqlite: bool) -> i64 {
    let migrator = if is_sqlite { &SQLITE } else { &POSTGRES };
    migrator.iter().map(|m| m.version).max().unwrap_or(0)
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
