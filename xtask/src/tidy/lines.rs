//! The length of files: a limit for new ones, a ratchet for those that are over it.

use super::Complaint;
use super::repository::Repository;

/// What a person reads in one sitting.
const LINES_MAX: usize = 500;

/// Files over the limit, with the length they may not exceed. The list may only shrink: a file
/// that got shorter lowers its entry, a new one over the limit is split instead of added.
const RATCHET: &[(&str, usize)] = &[("crates/payments/src/event/parse_tests.rs", 504)];

/// No source file is longer than the limit or its place on the ratchet.
pub fn files_are_small(repository: &Repository) -> Vec<Complaint> {
    with_ratchet(repository, RATCHET)
}

fn with_ratchet(repository: &Repository, ratchet: &[(&str, usize)]) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for (path, text) in repository.ending(".rs") {
        let lines = text.lines().count();
        match ratchet.iter().find(|(listed, _)| *listed == path) {
            None if lines > LINES_MAX => {
                complaints.push(format!("{path}: {lines} lines, {LINES_MAX} allowed: split it"));
            }
            Some((_, allowed)) if lines > *allowed => {
                complaints.push(format!("{path}: grew to {lines} lines from {allowed}: split it"));
            }
            Some((_, allowed)) if lines <= LINES_MAX => {
                complaints.push(format!(
                    "{path}: {lines} lines, {allowed} on the ratchet: take it off the list"
                ));
            }
            _ => {}
        }
    }
    for (path, _) in ratchet {
        if repository.text(path).is_none() {
            complaints.push(format!("{path}: on the ratchet, but gone: take it off the list"));
        }
    }
    complaints
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_file_is_refused_unless_it_was_long_before() {
        let long = "\n".repeat(LINES_MAX + 1);
        let repository = Repository::of([("a.rs", long.as_str()), ("b.txt", long.as_str())]);
        assert_eq!(with_ratchet(&repository, &[]).len(), 1);
        assert!(with_ratchet(&repository, &[("a.rs", LINES_MAX + 1)]).is_empty());
    }

    #[test]
    fn the_ratchet_only_turns_one_way() {
        let long = "\n".repeat(LINES_MAX + 10);
        let repository = Repository::of([("a.rs", long.as_str()), ("b.rs", "\n")]);
        let ratchet = [("a.rs", LINES_MAX + 9), ("b.rs", LINES_MAX + 1), ("c.rs", LINES_MAX + 1)];
        let complaints = with_ratchet(&repository, &ratchet);
        assert!(complaints[0].contains("grew"), "{complaints:?}");
        assert!(complaints[1].contains("take it off"), "{complaints:?}");
        assert!(complaints[2].contains("gone"), "{complaints:?}");
    }
}
