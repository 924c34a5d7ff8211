//! Plans as a file: how sure each was, whether it helped, and which it was.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;

use anyhow::{Context, bail};

use super::run::Run;

/// Adds the plans of these runs to a file: `confidence,helped,plan`, the last in quotes.
pub fn append(path: &Path, runs: &[Run]) -> anyhow::Result<()> {
    let shown = path.display();
    let file = OpenOptions::new().create(true).append(true).open(path);
    let mut out = BufWriter::new(file.with_context(|| format!("{shown} can't be written"))?);
    for plan in runs.iter().flat_map(|run| &run.plans) {
        writeln!(out, "{:.6},{},\"{}\"", plan.confidence, u8::from(plan.helps), plan.text)?;
    }
    out.flush().with_context(|| format!("{shown} can't be written"))
}

/// Confidence and outcome of every plan in a file.
pub fn read(path: &Path) -> anyhow::Result<Vec<(f64, bool)>> {
    let shown = path.display();
    let file = File::open(path).with_context(|| format!("{shown} can't be read"))?;
    let mut cases = Vec::new();
    for (number, line) in BufReader::new(file).lines().enumerate() {
        let line = line.with_context(|| format!("{shown} can't be read"))?;
        let mut parts = line.splitn(3, ',');
        let case = parts.next().and_then(|said| said.parse().ok()).zip(parts.next());
        match case {
            Some((said, "0")) => cases.push((said, false)),
            Some((said, "1")) => cases.push((said, true)),
            _ => bail!("{shown}, line {}: want `confidence,0|1,plan`, got `{line}`", number + 1),
        }
    }
    if cases.is_empty() {
        bail!("{shown} holds no plan");
    }
    Ok(cases)
}
