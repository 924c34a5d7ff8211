//! A policy in a file: what would route, written in the very keys of `pointsman.toml`.
//!
//! A policy file holds `[routing]` and `[[gateways]]` and nothing else, so that what was judged is what goes into the configuration, letter for letter.
//! The environment doesn't reach into it: a file means the same wherever it is read.

use std::path::Path;

use engine::Routing;
use routing::Learning;

use crate::config::{self, Wrong};
use crate::read::visible;

/// A policy as its file has it.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// The file as it was named, made harmless.
    pub name: String,
    /// What it says.
    pub routing: Routing,
}

/// Reads a policy file; says everything that is wrong with it, the file's name first.
pub fn read(path: &Path) -> Result<Candidate, Vec<String>> {
    let name = visible(&path.to_string_lossy());
    let said = |wrong: Vec<Wrong>| -> Vec<String> {
        wrong.iter().map(|wrong| format!("{name}: {wrong}")).collect()
    };
    let loaded = config::load(Some(path), &[]).map_err(said)?;
    let is_policy = |key: &str| key.starts_with("routing.") || key == "gateways";
    let foreign = loaded.set.iter().filter(|(key, _)| !is_policy(key)).map(|(key, _)| {
        format!("{name}: {key}: a policy file holds [routing] and [[gateways]] alone; take it out")
    });
    let foreign: Vec<String> = foreign.collect();
    if !foreign.is_empty() {
        return Err(foreign);
    }
    let routing = loaded.settings.engine().routing;
    if routing.learning == Learning::Off && routing.gateways.is_empty() {
        return Err(vec![format!(
            "{name}: routing.learning is \"off\", which sends payments to the first of [[gateways]], and there is none: list them in order of preference, or let it learn"
        )]);
    }
    Ok(Candidate { name, routing })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<Candidate, Vec<String>> {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("policy.toml");
        std::fs::write(&path, text).expect("written");
        read(&path).map_err(|wrong| {
            let dir = format!("{}/", dir.path().display());
            wrong.iter().map(|line| line.replace(&dir, "")).collect()
        })
    }

    #[test]
    fn it_is_a_piece_of_the_configuration() {
        let candidate = of(
            "[routing]\nlearning = \"explore\"\nfloor = 0.02\n\n[[gateways]]\nname = \"payu\"\n",
        )
        .expect("a policy");
        assert_eq!(candidate.routing.learning, Learning::Explore);
        assert_eq!(candidate.routing.exploration.floor, 0.02);
        assert_eq!(candidate.routing.gateways[0].name, "payu");
    }

    #[test]
    fn what_is_wrong_names_file_and_key() {
        let said = |text: &str| of(text).expect_err("no policy").join("\n");
        assert_eq!(
            said("[routing]\nlearning = \"bold\""),
            "policy.toml: routing.learning: allowed: off, exploit, explore"
        );
        assert!(
            said("[clock]\nlateness = \"5s\"")
                .starts_with("policy.toml: clock.lateness: a policy file holds")
        );
        assert!(said("[routing]\nlearning = \"off\"").contains("list them in order of preference"));
        assert!(said("[routing\n").contains("line 1"));
    }
}
