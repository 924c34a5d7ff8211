//! `--export-dir`: three files for those who have scripts on them, each the object that the API gives.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use serde::Serialize;

use super::App;
use crate::http::{objects, operator, routes};
use crate::read::visible;

/// How often they are written.
const EVERY: Duration = Duration::from_secs(5);
/// Rows of `live_metrics.json`.
const ROUTES_MAX: usize = 500;
/// Rows of `live_decisions.json`.
const DECISIONS_MAX: u32 = 50;

/// Writes them from now on until the server stops, and once more then. Fails at once where it can't.
pub fn begin(app: Arc<App>, folder: PathBuf) -> Result<tokio::task::JoinHandle<()>> {
    let shown = visible(&folder.to_string_lossy());
    std::fs::create_dir_all(&folder)
        .and_then(|()| tempfile::NamedTempFile::new_in(&folder))
        .with_context(|| format!("--export-dir {shown} can't be written to"))?;
    Ok(tokio::spawn(async move {
        let mut stopping = app.stopping.clone();
        let mut was_wrong = false;
        loop {
            let stops = *stopping.borrow();
            let written = write(&app, &folder).await;
            match &written {
                Err(error) if !was_wrong => {
                    tracing::warn!(folder = shown, "exports can't be written: {error:#}");
                }
                Ok(()) if was_wrong => tracing::info!(folder = shown, "exports are written again"),
                _ => {}
            }
            was_wrong = written.is_err();
            if stops {
                return;
            }
            tokio::select! {
                () = tokio::time::sleep(EVERY) => {}
                _ = stopping.changed() => {}
            }
        }
    }))
}

async fn write(app: &App, folder: &Path) -> Result<()> {
    let said = |what: &str| anyhow::anyhow!("{what} can't be read");
    let routes = routes::told(app, &["gateway"], ROUTES_MAX).await.map_err(|_| said("routes"))?;
    put(folder, "live_metrics.json", &routes)?;
    let decisions = objects::newest_decisions(app, DECISIONS_MAX).await;
    put(folder, "live_decisions.json", &decisions.map_err(|_| said("decisions"))?)?;
    let memory = operator::remembered(app).await.map_err(|_| said("memory"))?;
    put(folder, "memory.json", &memory)
}

/// Whole or not at all: readers never see half a file.
fn put(folder: &Path, name: &str, value: &impl Serialize) -> Result<()> {
    let mut file = tempfile::Builder::new().prefix(".pointsman-").tempfile_in(folder)?;
    serde_json::to_writer_pretty(&mut file, value)?;
    file.write_all(b"\n")?;
    readable(&file)?;
    file.persist(folder.join(name)).with_context(|| name.to_owned())?;
    Ok(())
}

/// Temporary files are their owner's alone; these are meant to be read.
#[cfg(unix)]
fn readable(file: &tempfile::NamedTempFile) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.as_file().set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn readable(_: &tempfile::NamedTempFile) -> std::io::Result<()> {
    Ok(())
}
