//! `pointsman export journal`: what the engine of the local store was told, as `pointsman replay` reads it.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::{Context, Result};
use engine::{Engine, journal};

use super::{Exit, store_of};
use crate::read::visible;
use crate::serve::code;

/// Steps read at once.
const STEPS: u32 = 64;
const SNAPSHOT: &str = "start.snapshot";

/// Writes the oldest snapshot that is kept, and the journal behind it, into a folder.
pub fn export(config: Option<&Path>, folder: &Path) -> Result<Exit> {
    let Some((runtime, store)) = store_of(config)? else { return Ok(Exit::Input) };
    let store: &dyn store::Store = &store;
    let shown = visible(&folder.to_string_lossy());
    std::fs::create_dir_all(folder).with_context(|| format!("{shown} can't be made"))?;
    let snapshot = runtime.block_on(store.snapshots())?.pop();
    let (header, from) = match &snapshot {
        Some(snapshot) => {
            std::fs::write(folder.join(SNAPSHOT), &snapshot.body)
                .with_context(|| format!("{shown}/{SNAPSHOT} can't be written"))?;
            (journal::Header::saved(SNAPSHOT), snapshot.step)
        }
        None => {
            let told = runtime.block_on(store.fact(crate::serve::TOLD))?;
            let told = told.context("the store has never been served; there is no journal")?;
            let config = serde_json::from_str(&told).context("the store's configuration")?;
            (journal::Header::fresh(config), 0)
        }
    };
    let mut engine = match &snapshot {
        Some(snapshot) => engine::snapshot::load(&snapshot.body)?,
        None => Engine::new(header.config.clone().unwrap_or_default()),
    };
    let path = folder.join("journal.ndjson");
    let file = File::create(&path).with_context(|| format!("{shown} can't be written to"))?;
    let mut out = BufWriter::new(file);
    serde_json::to_writer(&mut out, &header)?;
    out.write_all(b"\n")?;
    let (mut last, mut written) = (from, 0_u64);
    loop {
        let steps = runtime.block_on(store.journal(last, STEPS))?;
        if steps.is_empty() {
            break;
        }
        for step in steps {
            last = step.step;
            let input = code::decode(&step.body)?;
            // A step whose effects were not stored yet has no digest: it is what it is now.
            let now = journal::digest(&engine.handle(&input));
            let digest = step.digest.unwrap_or(now);
            let entry = journal::Entry { step: step.step as u64, input, digest };
            serde_json::to_writer(&mut out, &entry)?;
            out.write_all(b"\n")?;
            written += 1;
        }
    }
    out.flush()?;
    println!("{written} steps in {}", visible(&path.to_string_lossy()));
    Ok(Exit::Ok)
}
