//! Rules on manifests: what a crate must say of itself, and what fences the pure ones in.

use super::Complaint;
use super::repository::Repository;

/// Crates in which the same input gives the same output, bit for bit, on any machine.
pub const PURE: &[&str] = &["payments", "stats", "analyst", "routing", "pilot", "engine", "sim"];

/// What the `clippy.toml` of a pure crate bans at the least.
const BANNED: &[&str] = &[
    "std::time::Instant::now",
    "std::time::SystemTime::now",
    "std::env::var",
    "rand::rng",
    "f64::exp",
    "f64::ln",
    "std::collections::HashMap",
    "std::collections::HashSet",
];

fn manifests(repository: &Repository) -> impl Iterator<Item = (&str, &str)> {
    repository.ending("/Cargo.toml").filter(|(path, _)| !path.starts_with("fuzz/"))
}

/// The lines of a table of a manifest, numbered from 1.
fn table<'a>(text: &'a str, name: &str) -> impl Iterator<Item = (usize, &'a str)> {
    let header = format!("[{name}]");
    (1..)
        .zip(text.lines())
        .skip_while(move |(_, line)| line.trim() != header)
        .skip(1)
        .take_while(|(_, line)| !line.starts_with('['))
}

/// A crate has a description and takes edition, licence and lints from the workspace.
pub fn manifests_are_whole(repository: &Repository) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for (path, text) in manifests(repository) {
        let has =
            |name: &str, wanted: &str| table(text, name).any(|(_, line)| line.starts_with(wanted));
        if !has("package", "description = \"") {
            complaints.push(format!("{path}: wants a description"));
        }
        for key in ["version", "edition", "rust-version", "license", "publish"] {
            if !has("package", &format!("{key}.workspace = true")) {
                complaints.push(format!("{path}: wants `{key}.workspace = true`"));
            }
        }
        if !has("lints", "workspace = true") {
            complaints.push(format!("{path}: wants `[lints] workspace = true`"));
        }
        for kind in ["dependencies", "dev-dependencies", "build-dependencies"] {
            for (number, line) in table(text, kind) {
                let is_entry = line.contains('=') && !line.starts_with('#');
                if is_entry && !line.contains("workspace = true") {
                    complaints.push(format!(
                        "{path}:{number}: dependencies come from the workspace, which has their reasons"
                    ));
                }
            }
        }
    }
    let root = repository.text("Cargo.toml").unwrap_or_default();
    if !table(root, "workspace.lints.rust").any(|(_, line)| line == "unsafe_code = \"forbid\"") {
        complaints.push("Cargo.toml: the workspace's lints forbid unsafe code".into());
    }
    complaints
}

/// A pure crate has a `clippy.toml` with the bans, each with its reason, and obeys it everywhere.
pub fn pure_crates_are_fenced(repository: &Repository) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for name in PURE {
        let path = format!("crates/{name}/clippy.toml");
        let text = repository.text(&path).unwrap_or_default();
        for banned in BANNED {
            let entry = format!("path = \"{banned}\"");
            match text.lines().find(|line| line.contains(&entry)) {
                None => complaints.push(format!("{path}: wants a ban of {banned}")),
                Some(line) if !line.contains("reason = \"") => {
                    complaints.push(format!("{path}: the ban of {banned} wants its reason"));
                }
                Some(_) => {}
            }
        }
        let source = format!("crates/{name}/src/");
        for (path, text) in repository.ending(".rs").filter(|(path, _)| path.starts_with(&source)) {
            for (number, line) in (1..).zip(text.lines()) {
                let code = line.split("//").next().unwrap_or_default();
                if code.contains(concat!("clippy::dis", "allowed")) {
                    complaints.push(format!("{path}:{number}: a pure crate lifts no ban"));
                }
            }
        }
    }
    complaints
}

/// Above every dependency from outside stands the line that says why it is there.
pub fn dependencies_have_reasons(repository: &Repository) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    let mut above = "";
    for (number, line) in
        table(repository.text("Cargo.toml").unwrap_or_default(), "workspace.dependencies")
    {
        let is_entry = line.split_once(" = ").is_some_and(|(name, _)| !name.contains([' ', '#']));
        if is_entry && !line.contains("path = \"") && !above.starts_with("# ") {
            complaints.push(format!("Cargo.toml:{number}: wants a line above it that says why"));
        }
        above = line;
    }
    complaints
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dependency_without_its_reason_is_found() {
        let manifest = "\
[workspace.dependencies]
stats = { path = \"crates/stats\" }
# Why a.
a = \"1\"
b = { version = \"1\" }

[workspace.lints.rust]
unsafe_code = \"forbid\"
";
        let repository = Repository::of([("Cargo.toml", manifest)]);
        let complaints = dependencies_have_reasons(&repository);
        assert_eq!(complaints.len(), 1, "{complaints:?}");
        assert!(complaints[0].starts_with("Cargo.toml:5"), "{complaints:?}");
    }

    #[test]
    fn a_manifest_says_everything_or_is_named() {
        let whole = "\
[package]
name = \"a\"
description = \"A.\"
version.workspace = true
edition.workspace = true
rust-version.workspace = true
license.workspace = true
publish.workspace = true

[lints]
workspace = true

[dependencies]
b = { workspace = true }
";
        let root = "[workspace.lints.rust]\nunsafe_code = \"forbid\"\n";
        let repository = Repository::of([("Cargo.toml", root), ("crates/a/Cargo.toml", whole)]);
        assert_eq!(manifests_are_whole(&repository), [""; 0]);

        let broken = whole
            .replace("description = \"A.\"\n", "")
            .replace("[lints]\nworkspace = true\n", "")
            .replace("{ workspace = true }", "\"1\"");
        let repository = Repository::of([("Cargo.toml", ""), ("crates/a/Cargo.toml", &broken)]);
        assert_eq!(manifests_are_whole(&repository).len(), 4);
    }

    #[test]
    fn a_pure_crate_without_its_fence_is_found() {
        let bans: String = BANNED
            .iter()
            .map(|path| format!("{{ path = \"{path}\", reason = \"because\" }},\n"))
            .collect();
        let mut fenced: Vec<_> =
            PURE.iter().map(|name| (format!("crates/{name}/clippy.toml"), bans.clone())).collect();
        let repository = |files: &[(String, String)]| {
            let files: [(&str, &str); PURE.len()] =
                std::array::from_fn(|i| (files[i].0.as_str(), files[i].1.as_str()));
            Repository::of(files)
        };
        assert_eq!(pure_crates_are_fenced(&repository(&fenced)), [""; 0]);
        fenced[1].1 = bans.replace("f64::exp", "f64::cos");
        fenced[2].0 = "crates/analyst/src/lib.rs".into();
        fenced[2].1 = format!("#![allow({}_types)]", concat!("clippy::dis", "allowed"));
        let complaints = pure_crates_are_fenced(&repository(&fenced));
        assert_eq!(complaints.len(), 1 + BANNED.len() + 1, "{complaints:?}");
    }
}
