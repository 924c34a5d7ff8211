//! One writer per store: a second process that would write the same journal is told so before it has done anything.
//!
//! SQLite: a lock of the operating system on a file beside the database, gone with the process however that ends. PostgreSQL: a session's
//! advisory lock on a connection that is kept for it; should that connection break, the journal's steps still can't be written twice, for
//! their number is their key.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sqlx::{AnyConnection, Row};

use crate::error::{Error, Result};
use crate::open::{Address, is_sqlite, shown, sqlite_path};

/// The advisory lock's key: "pointsma" read as a number. A database holds one store.
const KEY: i64 = i64::from_be_bytes(*b"pointsma");
/// How long a lock is waited for: after `kill -9` PostgreSQL needs a moment to see that its owner is gone.
const PATIENCE: Duration = Duration::from_secs(3);
const AGAIN: Duration = Duration::from_millis(100);

/// Held while a process is the one that writes; dropped, another may be.
#[derive(Clone)]
pub struct Alone {
    _held: Arc<Held>,
}

enum Held {
    File {
        _file: File,
    },
    Session {
        _connection: tokio::sync::Mutex<AnyConnection>,
    },
    /// A store in memory is nobody else's.
    Memory,
}

impl Alone {
    /// Takes the lock of a store, or says who has it.
    pub(crate) async fn take(url: &str, address: &Address) -> Result<Self> {
        let until = Instant::now() + PATIENCE;
        loop {
            let held = match sqlite_path(url) {
                Some(path) => of_file(path)?,
                None if is_sqlite(url) => Some(Held::Memory),
                None => of_session(address).await?,
            };
            match held {
                Some(held) => return Ok(Self { _held: Arc::new(held) }),
                None if Instant::now() < until => tokio::time::sleep(AGAIN).await,
                None => return Err(Error::Taken { store: shown(url) }),
            }
        }
    }
}

fn of_file(store: PathBuf) -> Result<Option<Held>> {
    let mut path = store.into_os_string();
    path.push("-lock");
    let path = PathBuf::from(path);
    let failed = |error: std::io::Error| {
        Error::Unreachable(format!("{} can't be locked: {error}", path.display()))
    };
    let file =
        OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(Held::File { _file: file })),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}

async fn of_session(address: &Address) -> Result<Option<Held>> {
    let mut connection = address.connect().await?;
    let row =
        sqlx::query("SELECT pg_try_advisory_lock($1)").bind(KEY).fetch_one(&mut connection).await?;
    let is_ours: bool = row.try_get(0)?;
    Ok(is_ours.then(|| Held::Session { _connection: tokio::sync::Mutex::new(connection) }))
}
