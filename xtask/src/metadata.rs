//! The dependency graph as cargo resolves it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::process::cargo;

/// Packages and the arrows between them; dependencies of tests are left out.
#[derive(Debug, Default)]
pub struct Graph {
    packages: BTreeMap<String, Package>,
}

#[derive(Debug)]
struct Package {
    name: String,
    directory: PathBuf,
    is_member: bool,
    depends_on: Vec<String>,
}

impl Graph {
    /// Asks cargo.
    pub fn read(root: &Path) -> Result<Self> {
        let mut command = cargo(root, &["metadata", "--format-version", "1", "--locked"]);
        let output = command.output().context("cargo metadata did not start")?;
        if !output.status.success() {
            bail!("cargo metadata: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        let json: Value = serde_json::from_slice(&output.stdout).context("cargo metadata")?;
        Self::parse(&json).context("cargo metadata: an unknown form")
    }

    fn parse(json: &Value) -> Option<Self> {
        let members: BTreeSet<&str> =
            json["workspace_members"].as_array()?.iter().filter_map(Value::as_str).collect();
        let mut graph = Self::default();
        for package in json["packages"].as_array()? {
            let id = package["id"].as_str()?;
            let manifest = Path::new(package["manifest_path"].as_str()?);
            graph.packages.insert(
                id.to_owned(),
                Package {
                    name: package["name"].as_str()?.to_owned(),
                    directory: manifest.parent()?.to_owned(),
                    is_member: members.contains(id),
                    depends_on: Vec::new(),
                },
            );
        }
        for node in json["resolve"]["nodes"].as_array()? {
            let package = graph.packages.get_mut(node["id"].as_str()?)?;
            for dependency in node["deps"].as_array()? {
                let is_for_tests_only =
                    dependency["dep_kinds"].as_array()?.iter().all(|kind| kind["kind"] == "dev");
                if !is_for_tests_only {
                    package.depends_on.push(dependency["pkg"].as_str()?.to_owned());
                }
            }
        }
        Some(graph)
    }

    /// Names of everything the crate depends on, directly or not, itself included: those of the
    /// workspace, and those from outside.
    pub fn closure(&self, name: &str) -> Result<(BTreeSet<&str>, BTreeSet<&str>)> {
        let (start, _) = self.member(name)?;
        let mut seen = BTreeSet::from([start]);
        let mut open = vec![start];
        while let Some(id) = open.pop() {
            for dependency in &self.packages[id].depends_on {
                if seen.insert(dependency) {
                    open.push(dependency);
                }
            }
        }
        let names = |is_member| {
            seen.iter()
                .map(|id| &self.packages[*id])
                .filter(|package| package.is_member == is_member)
                .map(|package| package.name.as_str())
                .collect()
        };
        Ok((names(true), names(false)))
    }

    /// Where a crate of the workspace lies.
    pub fn directory(&self, name: &str) -> Result<&Path> {
        self.member(name).map(|(_, package)| package.directory.as_path())
    }

    fn member(&self, name: &str) -> Result<(&str, &Package)> {
        self.packages
            .iter()
            .find(|(_, package)| package.is_member && package.name == name)
            .map(|(id, package)| (id.as_str(), package))
            .with_context(|| format!("no crate `{name}` in the workspace"))
    }

    /// A graph of these members with these dependencies, `(name, needs)`.
    #[cfg(test)]
    pub fn of(members: &[(&str, &[&str])]) -> Self {
        let package = |name: &str, needs: &[&str]| Package {
            name: name.to_owned(),
            directory: PathBuf::new(),
            is_member: members.iter().any(|(member, _)| *member == name),
            depends_on: needs.iter().map(|need| (*need).to_owned()).collect(),
        };
        let mut packages = BTreeMap::new();
        for (name, needs) in members {
            packages.insert((*name).to_owned(), package(name, needs));
            for need in *needs {
                packages.entry((*need).to_owned()).or_insert_with(|| package(need, &[]));
            }
        }
        // A member named before it was declared got no dependencies: declare it again.
        for (name, needs) in members {
            packages.insert((*name).to_owned(), package(name, needs));
        }
        Self { packages }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_tests_need_is_left_out() {
        let json = serde_json::json!({
            "workspace_members": ["a"],
            "packages": [
                {"id": "a", "name": "a", "manifest_path": "/x/a/Cargo.toml"},
                {"id": "b", "name": "b", "manifest_path": "/y/b/Cargo.toml"},
                {"id": "c", "name": "c", "manifest_path": "/y/c/Cargo.toml"},
            ],
            "resolve": {"nodes": [
                {"id": "a", "deps": [
                    {"pkg": "b", "dep_kinds": [{"kind": "dev"}, {"kind": null}]},
                    {"pkg": "c", "dep_kinds": [{"kind": "dev"}]},
                ]},
                {"id": "b", "deps": []},
                {"id": "c", "deps": []},
            ]},
        });
        let graph = Graph::parse(&json).expect("a graph");
        let (members, others) = graph.closure("a").expect("a member");
        assert_eq!(members, BTreeSet::from(["a"]));
        assert_eq!(others, BTreeSet::from(["b"]));
    }
}
