//! The invariants of ARCHITECTURE.md that the compiler alone doesn't hold.
//!
//! The one that matters most: the analyst can't name an action. It observes and explains; what is
//! done about it is decided elsewhere. Rust enforces half of it, since a crate can't use a type of
//! a crate it doesn't depend on; the other half is that none of the crates it does depend on holds
//! such a name either, as a type, a function or a string that ends up in a report.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context, Result};
use proc_macro2::{TokenStream, TokenTree};

use crate::metadata::Graph;
use crate::tidy::{Complaint, PURE};

type Rule = (&'static str, fn(&Path) -> Result<Vec<Complaint>>);

/// What is checked on the dependency graph and the sources behind it.
pub const RULES: &[Rule] = &[
    ("dependencies follow the arrows", |root| arrows_hold(&Graph::read(root)?)),
    ("pure crates depend on nothing that isn't", |root| pure_crates_stay_pure(&Graph::read(root)?)),
    ("the analyst can't name an action", |root| {
        let graph = Graph::read(root)?;
        let mut complaints = analyst_depends_on_no_actor(&graph)?;
        for name in graph.closure("analyst")?.0 {
            complaints.extend(sources_name_no_action(root, graph.directory(name)?)?);
        }
        Ok(complaints)
    }),
];

/// Which crates of the workspace a crate may know; those on top (`server`, `bench`, `xtask`) may
/// know all.
const ARROWS: &[(&str, &[&str])] = &[
    ("payments", &[]),
    ("stats", &[]),
    ("analyst", &["payments", "stats"]),
    ("routing", &["payments", "stats"]),
    ("pilot", &["payments", "stats", "analyst", "routing"]),
    ("engine", &["payments", "stats", "analyst", "routing", "pilot"]),
    ("sim", &["payments", "stats"]),
    ("store", &["payments"]),
];

/// Clocks, entropy, threads' runtimes, sockets and stores: nothing a pure crate could want.
const IMPURE: &[&str] = &[
    "rand",
    "getrandom",
    "fastrand",
    "chrono",
    "tokio",
    "async-std",
    "mio",
    "hyper",
    "reqwest",
    "sqlx",
];

/// Actions by the names they would have in code, without case and underscores. The fourth,
/// `alert`, is left out: telling a person is what findings are for, and the budget of alerts is
/// the analyst's own.
const ACTIONS: &[&str] = &["reroute", "adjustretry", "suppresspath", "noaction"];

fn arrows_hold(graph: &Graph) -> Result<Vec<Complaint>> {
    let mut complaints = Vec::new();
    for (name, allowed) in ARROWS {
        for known in graph.closure(name)?.0 {
            if known != *name && !allowed.contains(&known) {
                complaints.push(format!("{name} depends on {known}, which it may not know"));
            }
        }
    }
    Ok(complaints)
}

fn pure_crates_stay_pure(graph: &Graph) -> Result<Vec<Complaint>> {
    let mut complaints = Vec::new();
    for name in PURE {
        for known in graph.closure(name)?.1 {
            if IMPURE.contains(&known) {
                complaints.push(format!("{name} depends on {known}, which isn't pure"));
            }
        }
    }
    Ok(complaints)
}

fn analyst_depends_on_no_actor(graph: &Graph) -> Result<Vec<Complaint>> {
    let allowed = BTreeSet::from(["analyst", "payments", "stats"]);
    let (known, _) = graph.closure("analyst")?;
    Ok(known
        .difference(&allowed)
        .map(|name| format!("analyst depends on {name}: only payments and stats name no action"))
        .collect())
}

fn sources_name_no_action(root: &Path, directory: &Path) -> Result<Vec<Complaint>> {
    let mut complaints = Vec::new();
    for file in rust_files(&directory.join("src"))? {
        let source = std::fs::read_to_string(&file)?;
        let shown = file.strip_prefix(root).unwrap_or(&file).display();
        for (line, name) in actions_named(&source).with_context(|| shown.to_string())? {
            complaints.push(format!("{shown}:{line}: `{name}` names an action"));
        }
    }
    Ok(complaints)
}

fn rust_files(directory: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let entries = std::fs::read_dir(directory).with_context(|| directory.display().to_string())?;
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(rust_files(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Identifiers and literals that name an action, with their lines. Comments may speak of actions.
fn actions_named(source: &str) -> Result<Vec<(usize, String)>> {
    let tokens = TokenStream::from_str(source).map_err(|error| anyhow::anyhow!("{error}"))?;
    let mut found = Vec::new();
    visit(tokens, &mut found);
    Ok(found)
}

fn visit(tokens: TokenStream, found: &mut Vec<(usize, String)>) {
    for token in tokens {
        let text = match &token {
            TokenTree::Group(group) if is_comment(&group.stream()) => continue,
            TokenTree::Group(group) => {
                visit(group.stream(), found);
                continue;
            }
            TokenTree::Punct(_) => continue,
            TokenTree::Ident(name) => name.to_string(),
            TokenTree::Literal(literal) => literal.to_string(),
        };
        let plain = text.to_lowercase().replace(['_', '-', ' '], "");
        if ACTIONS.iter().any(|action| plain.contains(action)) {
            found.push((token.span().start().line, text));
        }
    }
}

/// Doc comments arrive as `#[doc = "..."]`.
fn is_comment(attribute: &TokenStream) -> bool {
    let mut tokens = attribute.clone().into_iter();
    let is_doc = matches!(tokens.next(), Some(TokenTree::Ident(name)) if name == "doc");
    is_doc && matches!(tokens.next(), Some(TokenTree::Punct(equals)) if equals.as_char() == '=')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_analyst_cannot_name_an_action() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
        for (name, rule) in RULES {
            assert_eq!(rule(root).expect(name), [""; 0], "{name}");
        }
    }

    #[test]
    fn an_action_in_code_is_found_and_one_in_a_comment_is_not() {
        let source = r#"
            //! We don't reroute.
            /// Nor suppress_path.
            fn observe() {} // nor adjust_retry
            enum Plan { Reroute }
            mod inner { const WORD: &str = "adjust_retry"; fn suppress_path() {} }
        "#;
        let found = actions_named(source).expect("tokens");
        let names: Vec<_> = found.iter().map(|(line, name)| (*line, name.as_str())).collect();
        assert_eq!(names, [(5, "Reroute"), (6, "\"adjust_retry\""), (6, "suppress_path")]);
    }

    #[test]
    fn an_actor_behind_a_dependency_is_found() {
        let graph = Graph::of(&[
            ("payments", &["pilot"]),
            ("stats", &[]),
            ("analyst", &["payments", "stats"]),
            ("engine", &["analyst"]),
            ("sim", &["stats", "getrandom"]),
            ("pilot", &[]),
            ("routing", &[]),
            ("store", &[]),
        ]);
        assert_eq!(analyst_depends_on_no_actor(&graph).expect("a graph").len(), 1);
        // payments, and through it the analyst, know the pilot; the engine may.
        assert_eq!(arrows_hold(&graph).expect("a graph").len(), 2);
        assert_eq!(pure_crates_stay_pure(&graph).expect("a graph").len(), 1);
    }
}
