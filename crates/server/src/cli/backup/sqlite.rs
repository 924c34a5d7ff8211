//! A store in a file.

use std::fs::File;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use super::{beside, made, named, runtime, sync_folder};

/// Copies the store of this moment into a new file.
pub fn backup(url: &str, from: &Path, to: &Path) -> Result<()> {
    ensure!(from.exists(), "store.url {}: there is no such file", store::shown(url));
    // Made first, so that nobody else can read it at any time.
    made(to)?;
    runtime()?.block_on(store::copy_to(url, to))?;
    Ok(())
}

/// Makes a copy the store.
pub fn restore(from: &Path, url: &str, to: &Path) -> Result<()> {
    ensure!(from.exists(), "{}: there is no such file", named(from));
    ensure!(
        !to.exists(),
        "store.url {}: {} exists, and what it holds is not overwritten; move it away first",
        store::shown(url),
        named(to)
    );
    let part = beside(to, ".part");
    let _ = std::fs::remove_file(&part);
    let mut source = File::open(from).with_context(|| named(from))?;
    let mut target = made(&part)?;
    std::io::copy(&mut source, &mut target)?;
    target.sync_all()?;
    // The copy is looked at, for looking may write; the backup stays as it is.
    let checked = runtime()?.block_on(store::check(&part));
    for rest in ["-wal", "-shm"] {
        let _ = std::fs::remove_file(beside(&part, rest));
        // Left behind by a store that was moved away without them: they are none of this one's.
        let _ = std::fs::remove_file(beside(to, rest));
    }
    if let Err(error) = checked {
        let _ = std::fs::remove_file(&part);
        return Err(error).with_context(|| format!("{} is no sound backup", named(from)));
    }
    std::fs::rename(&part, to)?;
    sync_folder(to)
}
