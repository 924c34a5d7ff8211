//! The stores that are measured, and the broker: real ones, started for the measurement and thrown away.

#[allow(dead_code, reason = "tests do more with it")]
#[path = "../../../crates/store/tests/contract/postgres.rs"]
mod postgres;

use std::path::{Path, PathBuf};

use anyhow::Context;

pub use postgres::Cluster;

/// Syncs of the write-ahead log so far, as PostgreSQL counts them.
pub async fn wal_syncs(url: &str) -> anyhow::Result<i64> {
    use sqlx::Connection;
    sqlx::any::install_default_drivers();
    let mut connection = sqlx::AnyConnection::connect(url).await?;
    let text = "SELECT wal_sync FROM pg_stat_wal";
    let syncs = sqlx::query_scalar(text).fetch_one(&mut connection).await?;
    connection.close().await?;
    Ok(syncs)
}

/// Counts the syncs of a process that is started with it loaded before libc.
pub struct Syncs {
    shim: PathBuf,
    count: PathBuf,
}

impl Syncs {
    /// Compiles it into a folder.
    pub fn new(folder: &Path) -> anyhow::Result<Self> {
        let (source, shim) = (folder.join("syncs.c"), folder.join("syncs.so"));
        std::fs::write(&source, include_str!("syncs.c"))?;
        let made = std::process::Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-o"])
            .args([&shim, &source])
            .args(["-ldl"])
            .status()
            .context("a C compiler is needed to count syncs")?;
        anyhow::ensure!(made.success(), "syncs.c doesn't compile");
        Ok(Self { shim, count: folder.join("syncs") })
    }

    /// What the process has to be started with.
    pub fn environment(&self) -> [(&'static str, &Path); 2] {
        [("LD_PRELOAD", &self.shim), ("SYNCS_COUNT", &self.count)]
    }

    /// So many so far: one byte each.
    pub fn so_far(&self) -> u64 {
        std::fs::metadata(&self.count).map_or(0, |meta| meta.len())
    }
}
