//! Configuration.

use std::path::Path;

/// Everything that can be set.
#[derive(Debug, Default)]
pub struct Settings {}

impl Settings {
    /// What the engine needs of it.
    pub fn engine(&self) -> engine::Config {
        engine::Config::default()
    }
}

/// Reads a file, if one is named.
pub fn load_optional(_path: Option<&Path>) -> Result<Settings, Vec<String>> {
    Ok(Settings::default())
}
