//! Scenarios as commands name them: one that comes with the binary, or a file.

use std::fs;

use anyhow::{Context, Result};
use sim::Scenario;

use crate::read::visible;

/// The scenario of this name, or in this file.
pub fn find(name: &str) -> Result<Scenario> {
    if let Some((_, text)) = sim::library().iter().find(|(known, _)| *known == name) {
        return parse(name, text);
    }
    let text = fs::read_to_string(name).with_context(|| {
        format!(
            "{} is no scenario that comes with it (`pointsman sim --list`), nor a file",
            visible(name)
        )
    })?;
    parse(name, &text)
}

/// Reads its text; all that is wrong is said with its line.
pub fn parse(name: &str, text: &str) -> Result<Scenario> {
    Scenario::parse(text).map_err(|problems| {
        let lines: Vec<String> = problems.iter().map(|p| visible(&p.in_file(name))).collect();
        anyhow::anyhow!("{}", lines.join("\n"))
    })
}
