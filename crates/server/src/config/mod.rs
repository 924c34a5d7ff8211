//! `pointsman.toml`, and what the environment overrides.
//!
//! One file serves every part of the product, those that come later too: keys of CONTRACT 3 are
//! known and checked in shape, and `check` says which of them nothing reads yet. An unknown key is
//! an error that names the nearest known one, because a mistyped guardrail must not be silent.

mod channels;
mod gateways;
mod keys;
mod operator;
mod people;
mod settings;
mod shown;
mod sources;
mod span;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use config::{Config, Environment, File, FileFormat, Value, ValueKind};

pub use channels::{Alerts, Channel, Secret, Target};
pub use keys::{Key, keys};
pub use people::{Auth, Limits, Oidc, wrong_url};
pub use settings::{ClockSource, Settings, Telemetry};
pub use shown::{defaults, shown};
pub use sources::{Kafka, RabbitMq, Sources, TailedFile};
pub use span::parse as span;

use crate::read::visible;

/// One thing that is wrong with the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// The key, e.g. `clock.lateness`; empty for the file as a whole.
    pub key: String,
    /// What is wrong, and what is allowed.
    pub detail: String,
}

impl std::fmt::Display for Wrong {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.key.is_empty() {
            f.write_str(&self.detail)
        } else {
            write!(f, "{}: {}", self.key, self.detail)
        }
    }
}

/// A configuration that is right.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// What was set.
    pub settings: Settings,
    /// Keys that were set, with where they came from.
    pub set: Vec<(String, String)>,
    /// Their values as text, passwords included: to be compared, and shown by [`shown`] alone.
    pub values: BTreeMap<String, String>,
}

impl Loaded {
    /// Becomes another, these keys excepted.
    pub fn keep_all_but(&mut self, other: &Self, names: &[String]) {
        let mut values = other.values.clone();
        for name in names {
            match self.values.remove(name) {
                Some(value) => values.insert(name.clone(), value),
                None => values.remove(name),
            };
        }
        let (settings, set) = (other.settings.clone(), other.set.clone());
        *self = Self { settings, set, values };
    }
}

/// Keys whose values differ.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Changes {
    /// These take effect at once.
    pub taken: Vec<String>,
    /// These with the next start.
    pub needs_restart: Vec<String>,
}

impl Changes {
    /// From one configuration to another.
    pub fn between(before: &Loaded, after: &Loaded) -> Self {
        let names: BTreeSet<&String> = before.values.keys().chain(after.values.keys()).collect();
        let changed = names
            .into_iter()
            .filter(|name| before.values.get(*name) != after.values.get(*name))
            .cloned();
        let is_live = |name: &String| keys().iter().any(|k| k.matches(name) && k.is_live());
        let (taken, needs_restart) = changed.partition(is_live);
        Self { taken, needs_restart }
    }

    /// What begins so takes effect at once after all.
    pub fn take(&mut self, beginning: &str) {
        let taken = self.needs_restart.extract_if(.., |name| name.starts_with(beginning));
        self.taken.extend(taken);
    }
}

/// Reads a file, if one is named, and the environment; says everything that is wrong at once.
pub fn load(file: Option<&Path>, environment: &[(String, String)]) -> Result<Loaded, Vec<Wrong>> {
    let whole = |detail: String| vec![Wrong { key: String::new(), detail }];
    let mut sources = Config::builder();
    if let Some(path) = file {
        let name = visible(&path.to_string_lossy());
        let text = std::fs::read_to_string(path)
            .map_err(|e| whole(format!("{name} can't be read: {}", visible(&e.to_string()))))?;
        // The crate's own message has the line and the column.
        sources = sources.add_source(File::from_str(&text, FileFormat::Toml));
    }
    let ours: Vec<(String, String)> = environment
        .iter()
        .filter(|(name, _)| name.starts_with("POINTSMAN_") && name.contains("__"))
        .cloned()
        .collect();
    let overrides = Environment::with_prefix("POINTSMAN")
        .prefix_separator("_")
        .separator("__")
        .try_parsing(true)
        .list_separator(",")
        .with_list_parse_key("analysis.dimensions")
        .with_list_parse_key("memory.key")
        .with_list_parse_key("alerts.allow")
        .source(Some(ours.into_iter().collect()));
    let merged =
        sources.add_source(overrides).build().map_err(|e| whole(visible(&e.to_string())))?;
    checked(merged)
}

/// A file's keys as they are written, unchecked.
pub fn written(file: &Path) -> anyhow::Result<serde_json::Map<String, serde_json::Value>> {
    let text = std::fs::read_to_string(file)?;
    let sources = Config::builder().add_source(File::from_str(&text, FileFormat::Toml));
    Ok(sources.build()?.try_deserialize()?)
}

/// A policy of `[routing]` and `[[gateways]]`, checked as those of a file.
pub fn policy(keys: &serde_json::Value) -> Result<engine::Routing, Vec<Wrong>> {
    let whole = |e: config::ConfigError| {
        vec![Wrong { key: String::new(), detail: visible(&e.to_string()) }]
    };
    let loaded = checked(Config::try_from(keys).map_err(whole)?)?;
    Ok(loaded.settings.engine().routing)
}

/// Every key and every value is compared with what is known.
fn checked(merged: Config) -> Result<Loaded, Vec<Wrong>> {
    let whole = |detail: String| vec![Wrong { key: String::new(), detail }];
    let mut wrong = Vec::new();
    let (mut set, mut values) = (Vec::new(), BTreeMap::new());
    walk("", &merged.cache, &mut set, &mut values, &mut wrong);
    wrong.sort_by(|a: &Wrong, b: &Wrong| a.key.cmp(&b.key));
    if !wrong.is_empty() {
        return Err(wrong);
    }
    set.sort();
    let settings: Settings =
        merged.try_deserialize().map_err(|e| whole(visible(&e.to_string())))?;
    let wrong = settings.wrong();
    if wrong.is_empty() { Ok(Loaded { settings, set, values }) } else { Err(wrong) }
}

/// For commands that work without a configuration: only a file that is named is read.
pub fn load_optional(file: Option<&Path>) -> Result<Settings, Vec<Wrong>> {
    let environment: Vec<(String, String)> = std::env::vars().collect();
    load(file, &environment).map(|l| l.settings)
}

/// Compares every key that is set with those that are known.
fn walk(
    path: &str,
    value: &Value,
    set: &mut Vec<(String, String)>,
    values: &mut BTreeMap<String, String>,
    wrong: &mut Vec<Wrong>,
) {
    if let Some(key) = keys().iter().find(|k| k.matches(path)) {
        if let Err(detail) = key.check(value) {
            wrong.push(Wrong { key: path.into(), detail });
        }
        let from = value.origin().map_or_else(|| "file".to_string(), visible);
        set.push((path.into(), from));
        values.insert(path.into(), shown::text(&value.kind));
        return;
    }
    match &value.kind {
        ValueKind::Table(table) => {
            for (name, inner) in table {
                let name = visible(name);
                let path = if path.is_empty() { name } else { format!("{path}.{name}") };
                walk(&path, inner, set, values, wrong);
            }
        }
        _ => wrong.push(Wrong { key: path.into(), detail: unknown(path) }),
    }
}

fn unknown(path: &str) -> String {
    let near = keys()
        .iter()
        .map(|k| (strsim::jaro_winkler(path, k.name), k.name))
        .max_by(|a, b| a.0.total_cmp(&b.0));
    match near {
        Some((score, name)) if score > 0.7 => format!("there is no such key; did you mean {name}?"),
        _ => "there is no such key (pointsman.toml of the project lists all of them)".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str, environment: &[(&str, &str)]) -> Result<Loaded, Vec<Wrong>> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pointsman.toml");
        std::fs::write(&path, text).unwrap();
        let environment: Vec<(String, String)> =
            environment.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
        load(Some(&path), &environment)
    }

    #[test]
    fn the_annotated_file_is_right_and_names_every_key() {
        let text = include_str!("../../../../pointsman.toml");
        let plain = of(text, &[]).unwrap();
        assert_eq!(plain.settings.engine(), engine::Config::default());
        // With every example switched on it is right too, and each known key is in it.
        let all: String =
            text.lines().map(|l| l.strip_prefix("#: ").unwrap_or(l)).collect::<Vec<_>>().join("\n");
        let loaded = of(&all, &[]).unwrap_or_else(|w| panic!("{w:?}"));
        for key in keys() {
            assert!(
                loaded.set.iter().any(|(name, _)| key.matches(name)),
                "{} is not described",
                key.name
            );
        }
    }

    #[test]
    fn an_unknown_key_names_the_nearest() {
        let wrong =
            of("[clock]\nlatenes = \"5s\"\n[alerts]\nfalse_pages_per_week = 2", &[]).unwrap_err();
        assert_eq!(wrong.len(), 1);
        assert_eq!(
            wrong[0].to_string(),
            "clock.latenes: there is no such key; did you mean clock.lateness?"
        );
    }

    #[test]
    fn everything_wrong_is_said_at_once() {
        let wrong = of(
            "[clock]\nsource = \"moon\"\nlateness = \"5 parsecs\"\n[modes]\nreroute = \"yolo\"\n[alerts]\nfalse_pages_per_week = -1",
            &[],
        )
        .unwrap_err();
        let keys: Vec<&str> = wrong.iter().map(|w| w.key.as_str()).collect();
        assert_eq!(
            keys,
            ["alerts.false_pages_per_week", "clock.lateness", "clock.source", "modes.reroute"]
        );
    }

    #[test]
    fn the_environment_overrides_the_file_and_clients_variables_are_not_keys() {
        let loaded = of(
            "[alerts]\nfalse_pages_per_week = 2\n",
            &[
                ("POINTSMAN_ALERTS__FALSE_PAGES_PER_WEEK", "0.5"),
                ("POINTSMAN_CLOCK__LATENESS", "7s"),
                ("POINTSMAN_ANALYSIS__DIMENSIONS", "gateway,issuer"),
                ("POINTSMAN_URL", "http://localhost:7070"),
            ],
        )
        .unwrap();
        assert_eq!(loaded.settings.engine().analysis.false_pages_per_week, 0.5);
        assert_eq!(loaded.settings.engine().clock.lateness_ms, 7_000);
        assert_eq!(loaded.settings.engine().analysis.dimensions, ["gateway", "issuer"]);
        let wrong = of("", &[("POINTSMAN_STORE__URI", "x")]).unwrap_err();
        assert_eq!(
            wrong[0].to_string(),
            "store.uri: there is no such key; did you mean store.url?"
        );
    }

    #[test]
    fn no_toml_is_said_with_its_line() {
        let wrong = of("[clock\n", &[]).unwrap_err();
        assert!(wrong[0].detail.contains("line 1"), "{wrong:?}");
    }
}
