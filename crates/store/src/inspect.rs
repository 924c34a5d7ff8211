//! A look at a store without touching it: for `pointsman check`, before anything is started or made.

use std::path::Path;

use sqlx::any::AnyConnectOptions;
use sqlx::{AnyConnection, ConnectOptions, Connection, Executor, Row};

use crate::error::{Error, Result};
use crate::open::{is_sqlite, known_schema, shown, sqlite_path, with_mode};

/// What was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inspection {
    /// The schema that is there; none: a new store.
    pub schema: Option<i64>,
    /// The newest that this program knows.
    pub known: i64,
    /// The database's own clock, epoch milliseconds; none: it is this machine's.
    pub clock_ms: Option<i64>,
    /// The latest that was written by the clock of whoever wrote it, epoch milliseconds.
    pub latest_ms: Option<i64>,
}

/// Looks. An error says why the store couldn't be used: it can't be reached, is newer, or can't be written to. Nothing is made and nothing is changed.
pub async fn inspect(url: &str) -> Result<Inspection> {
    sqlx::any::install_default_drivers();
    let is_sqlite = is_sqlite(url);
    let known = known_schema(is_sqlite);
    let mut address = url.to_owned();
    if is_sqlite {
        if let Some(path) = sqlite_path(url)
            && !path.exists()
        {
            can_be_made(&path)?;
            return Ok(Inspection { schema: None, known, clock_ms: None, latest_ms: None });
        }
        address = with_mode(url, "rw");
    }
    let place = |error: sqlx::Error| match Error::from(error) {
        Error::Unreachable(why) => Error::Unreachable(format!("{}: {why}", shown(url))),
        Error::Database(why) => Error::Database(format!("{}: {why}", shown(url))),
        other => other,
    };
    let options: AnyConnectOptions = address.parse().map_err(place)?;
    let mut connection = options.disable_statement_logging().connect().await.map_err(place)?;
    let seen = look(&mut connection, is_sqlite, known).await;
    let _ = connection.close().await;
    seen
}

async fn look(on: &mut AnyConnection, is_sqlite: bool, known: i64) -> Result<Inspection> {
    if is_sqlite {
        on.execute(sqlx::raw_sql("PRAGMA busy_timeout = 5000;")).await?;
    }
    let tables = if is_sqlite {
        "SELECT COUNT(*) FROM sqlite_master WHERE name = '_sqlx_migrations'"
    } else {
        "SELECT COUNT(*) FROM pg_tables WHERE tablename = '_sqlx_migrations' AND schemaname = ANY (current_schemas(false))"
    };
    let has_schema = number(on, tables).await?.unwrap_or(0) > 0;
    let schema = match has_schema {
        true => number(on, "SELECT MAX(version) FROM _sqlx_migrations").await?,
        false => None,
    };
    if let Some(found) = schema.filter(|found| *found > known) {
        return Err(Error::NewerSchema { found, known });
    }
    // Written, and taken back.
    let write = match schema {
        Some(_) => "DELETE FROM facts WHERE name = 'pointsman check'",
        None => "CREATE TABLE pointsman_check (nothing INTEGER)",
    };
    let mut work = on.begin().await?;
    work.execute(sqlx::raw_sql(write)).await?;
    work.rollback().await?;
    let clock_ms = match is_sqlite {
        true => None,
        false => {
            let now = "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)";
            number(on, now).await?
        }
    };
    let latest_ms = match schema {
        Some(_) => number(on, "SELECT MAX(at_ms) FROM events").await?,
        None => None,
    };
    Ok(Inspection { schema, known, clock_ms, latest_ms })
}

async fn number(on: &mut AnyConnection, text: &'static str) -> Result<Option<i64>> {
    let row = sqlx::query(text).fetch_one(on).await?;
    row.try_get(0).map_err(|e| Error::damaged("a row", e))
}

/// Whether the file could be made where it is to be.
fn can_be_made(path: &Path) -> Result<()> {
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let wrong = |why: String| Error::Unreachable(format!("{}: {why}", folder.display()));
    let meta = std::fs::metadata(folder).map_err(|e| wrong(e.to_string()))?;
    // Whoever may write everywhere is told so by the mode all the same.
    if !meta.is_dir() || meta.permissions().readonly() {
        return Err(wrong("the folder can't be written to".into()));
    }
    Ok(())
}
