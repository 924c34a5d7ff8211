//! The stores that are measured, and the broker: real ones, started for the measurement and thrown away.

#[allow(dead_code, reason = "tests do more with it")]
#[path = "../../../crates/store/tests/contract/postgres.rs"]
mod postgres;

use std::path::{Path, PathBuf};

use anyhow::Context;

pub use postgres::Cluster;

/// Ticks of a second in `stat`.
const TICKS_PER_S: f64 = 100.0;

/// CPU that a process and those it began have used, those that have ended too; seconds.
pub fn family_cpu_s(id: u32) -> anyhow::Result<f64> {
    let mut sum = 0.0;
    for entry in std::fs::read_dir("/proc")? {
        let path = entry?.path();
        let Some(own) = path.file_name().and_then(|n| n.to_str()?.parse::<u32>().ok()) else {
            continue;
        };
        // One that has ended meanwhile is in its parent's sum.
        let Ok(stat) = std::fs::read_to_string(path.join("stat")) else { continue };
        let Some((parent, times)) = times(&stat) else { continue };
        if own == id || parent == id {
            sum += times as f64 / TICKS_PER_S;
        }
    }
    Ok(sum)
}

/// The parent, and utime, stime, cutime and cstime together: fields 4 and 14 to 17 of proc(5).
fn times(stat: &str) -> Option<(u32, u64)> {
    let (_, behind_name) = stat.rsplit_once(") ")?;
    let fields: Vec<&str> = behind_name.split(' ').collect();
    let time = |at: usize| fields.get(at)?.parse::<u64>().ok();
    Some((fields.get(1)?.parse().ok()?, time(11)? + time(12)? + time(13)? + time(14)?))
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn children_that_have_ended_count() {
        let stat = "7 (a (b) c) S 1 7 7 0 -1 4194560 1 0 0 0 250 50 20 5 20 0 9 0 5 6 7";
        assert_eq!(times(stat), Some((1, 325)));
    }

    #[test]
    fn this_process_uses_time() {
        assert!(family_cpu_s(std::process::id()).unwrap() >= 0.0);
    }
}
