//! `pointsman backup` and `pointsman restore`: the whole store as one file.

mod postgres;
mod sqlite;

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use super::{Exit, configured};
use crate::read::visible;

/// `backup`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  pointsman backup pointsman-2026-11-26.backup
  pointsman backup --config /etc/pointsman.toml /backups/$(date +%F).backup

Works while a server writes: the file holds one moment, attempts, journal, snapshots, keys (as hashes) and audit log
together. SQLite is copied by SQLite, PostgreSQL by pg_dump. The file is readable by its owner only.")]
pub struct BackupArgs {
    /// Where to; must not exist
    file: PathBuf,
    /// The configuration, for store.url
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// `restore`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  pointsman restore pointsman-2026-11-26.backup
  POINTSMAN_STORE__URL=sqlite:new.db pointsman restore pointsman-2026-11-26.backup

Into a store that holds nothing yet (store.url): a new file, or an empty database. What is there already is never
overwritten; move it away first. The server that starts next goes on from the backup's moment, and passes over the time
since. Feeds of Kafka and RabbitMQ don't go back with it: to have what came since the backup once more, set the
consumer group back; what is known already is not counted twice.")]
pub struct RestoreArgs {
    /// A file that `backup` wrote
    file: PathBuf,
    /// The configuration, for store.url
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Writes the file.
pub fn backup(args: &BackupArgs) -> Result<Exit> {
    let Some(settings) = configured(args.config.as_deref()) else { return Ok(Exit::Usage) };
    let (url, to) = (settings.store_url(), args.file.as_path());
    ensure!(!to.exists(), "{} exists; name a new file, or remove it", named(to));
    let part = beside(to, ".part");
    let _ = std::fs::remove_file(&part);
    match store::sqlite_path(url) {
        Some(from) => sqlite::backup(url, &from, &part)?,
        None if store::is_postgres(url) => postgres::backup(url, &part)?,
        None => bail!("store.url {} holds nothing that could be kept", store::shown(url)),
    }
    std::fs::rename(&part, to)?;
    sync_folder(to)?;
    let size = std::fs::metadata(to)?.len();
    println!("{} holds {}: {size} bytes", named(to), store::shown(url));
    Ok(Exit::Ok)
}

/// Makes a store of it.
pub fn restore(args: &RestoreArgs) -> Result<Exit> {
    let Some(settings) = configured(args.config.as_deref()) else { return Ok(Exit::Usage) };
    let (url, from) = (settings.store_url(), args.file.as_path());
    match store::sqlite_path(url) {
        Some(to) => sqlite::restore(from, url, &to)?,
        None if store::is_postgres(url) => postgres::restore(from, url)?,
        None => bail!("store.url {} can't hold a backup", store::shown(url)),
    }
    println!("{} is what {} holds; next: pointsman serve", store::shown(url), named(from));
    Ok(Exit::Ok)
}

fn named(path: &Path) -> String {
    visible(&path.to_string_lossy())
}

fn beside(path: &Path, more: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(more);
    name.into()
}

/// A new name is durable when its folder is.
fn sync_folder(path: &Path) -> Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
    Ok(())
}

fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

/// A new file that its owner alone can read.
fn made(path: &Path) -> Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    options.open(path).with_context(|| format!("{} can't be written", named(path)))
}
