//! Tidiness: rules of this repository, checked as the tests of a program are.
//!
//! After TigerBeetle's `tidy.zig`. Each rule is a pure function from the files of the repository
//! to complaints, so that it can be tested on a repository that breaks it; a rule that has never
//! complained proves nothing.

mod crates;
mod documents;
mod lines;
mod repository;
mod text;

use std::path::Path;

use crate::architecture;
use crate::outcome::Outcome;
pub use crates::PURE;
use repository::Repository;

/// Says what is wrong, where: `path:line: what`.
pub type Complaint = String;

type Rule = (&'static str, fn(&Repository) -> Vec<Complaint>);

const RULES: &[Rule] = &[
    ("files are small, and the long ones shrink", lines::files_are_small),
    ("no trailing blanks, no CR, one newline at the end", text::whitespace_is_clean),
    ("nothing unfinished is left in code", text::nothing_is_unfinished),
    ("no path of anyone's machine", text::no_machine_path),
    ("no test is switched off", text::no_test_is_ignored),
    ("every module says what it is for", text::modules_have_headers),
    ("every crate says what it is and takes the workspace's lints", crates::manifests_are_whole),
    (
        "pure crates ban clocks, ambient randomness and unordered maps",
        crates::pure_crates_are_fenced,
    ),
    ("every dependency has its reason", crates::dependencies_have_reasons),
    ("decision records are numbered and listed", documents::adrs_are_listed),
    ("links lead somewhere", documents::links_resolve),
    ("commands in documents exist", documents::commands_exist),
    ("every benchmark has its place in the measurements", documents::benchmarks_are_recorded),
];

/// Checks every rule; each counts as one test.
pub fn run(root: &Path) -> Outcome {
    let repository = match Repository::read(root) {
        Ok(repository) => repository,
        Err(error) => {
            println!("{}: can't be read: {error}", root.display());
            return Outcome::of(false);
        }
    };
    let mut outcome = Outcome::default();
    for (name, rule) in RULES {
        outcome += report(name, &rule(&repository));
    }
    for (name, rule) in architecture::RULES {
        let complaints = rule(root).unwrap_or_else(|error| vec![format!("{error:#}")]);
        outcome += report(name, &complaints);
    }
    outcome
}

fn report(name: &str, complaints: &[Complaint]) -> Outcome {
    println!("tidy: {name} ... {}", if complaints.is_empty() { "ok" } else { "FAILED" });
    for complaint in complaints {
        println!("  {complaint}");
    }
    Outcome::of(complaints.is_empty())
}
