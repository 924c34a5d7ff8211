//! Copies of an SQLite store: a consistent one of a store that is being written to, and whether one is sound.

use std::path::Path;

use sqlx::any::AnyConnectOptions;
use sqlx::{AnyConnection, ConnectOptions, Connection, Executor};

use crate::error::{Error, Result};
use crate::inspect::{Inspection, inspect};
use crate::open::with_mode;

/// Writes the store's state of this moment into a new file, while others read and write it. What is in the file is on the medium
/// when this returns.
pub async fn copy_to(url: &str, to: &Path) -> Result<()> {
    let mut connection = connect(url).await?;
    sqlx::query("VACUUM INTO $1")
        .bind(to.to_string_lossy().into_owned())
        .execute(&mut connection)
        .await?;
    connection.close().await?;
    let synced = std::fs::File::open(to).and_then(|file| file.sync_all());
    synced.map_err(|error| Error::Medium(format!("{}: {error}", to.display())))
}

/// Looks at a file that is to become a store: an error says why it can't.
pub async fn check(file: &Path) -> Result<Inspection> {
    let url = format!("sqlite:{}", file.display());
    let seen = inspect(&url).await?;
    if seen.schema.is_none() {
        return Err(Error::damaged("no store of this program", file.display()));
    }
    let mut connection = connect(&url).await?;
    let told: String =
        sqlx::query_scalar("PRAGMA integrity_check(1)").fetch_one(&mut connection).await?;
    connection.close().await?;
    if told == "ok" { Ok(seen) } else { Err(Error::damaged("pages", told)) }
}

async fn connect(url: &str) -> Result<AnyConnection> {
    sqlx::any::install_default_drivers();
    let options: AnyConnectOptions = with_mode(url, "rw").parse()?;
    let mut connection = options.disable_statement_logging().connect().await?;
    connection.execute(sqlx::raw_sql("PRAGMA busy_timeout = 5000;")).await?;
    Ok(connection)
}
