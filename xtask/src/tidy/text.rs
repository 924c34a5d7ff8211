//! Rules on the text of files, line by line.

use super::Complaint;
use super::repository::Repository;

/// What people wrote, and not what a program did: only these follow the rules of layout.
const WRITTEN: &[&str] = &[".rs", ".md", ".toml", ".yml", ".html", "Makefile", ".ci/run"];

fn written(repository: &Repository) -> impl Iterator<Item = (&str, &str)> {
    repository.files().filter(|(path, _)| WRITTEN.iter().any(|suffix| path.ends_with(suffix)))
}

/// Complains of each line that holds one of the words.
fn lines_with<'a>(
    files: impl Iterator<Item = (&'a str, &'a str)>,
    words: &[&str],
    complaint: &str,
) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for (path, text) in files {
        for (number, line) in (1..).zip(text.lines()) {
            if let Some(word) = words.iter().find(|word| line.contains(*word)) {
                complaints.push(format!("{path}:{number}: `{word}`: {complaint}"));
            }
        }
    }
    complaints
}

/// Layout that no reader sees and every diff shows.
pub fn whitespace_is_clean(repository: &Repository) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for (path, text) in written(repository) {
        for (number, line) in (1..).zip(text.split('\n')) {
            if line.ends_with([' ', '\t', '\r']) {
                complaints.push(format!("{path}:{number}: trailing blank or CR"));
            }
            if line.contains('\t') && path.ends_with(".rs") {
                complaints.push(format!("{path}:{number}: tab"));
            }
        }
        if !text.is_empty() && (!text.ends_with('\n') || text.ends_with("\n\n")) {
            complaints.push(format!("{path}: wants exactly one newline at its end"));
        }
    }
    complaints
}

/// Half-done work belongs in a branch. (The words are put together here so that the rule doesn't
/// find itself.)
pub fn nothing_is_unfinished(repository: &Repository) -> Vec<Complaint> {
    let words = [
        concat!("todo", "!("),
        concat!("unimplemented", "!("),
        concat!("dbg", "!("),
        concat!("FIX", "ME"),
        concat!("TO", "DO"),
        concat!("(skel", "eton)"),
    ];
    lines_with(repository.ending(".rs"), &words, "finish it or take it out")
}

/// A path that exists on one machine only is wrong on all others.
pub fn no_machine_path(repository: &Repository) -> Vec<Complaint> {
    let words = [
        concat!("/ho", "me/"),
        concat!("/ro", "ot/"),
        concat!("/wo", "rk/"),
        concat!("/Us", "ers/"),
        concat!("C:", "\\"),
    ];
    lines_with(written(repository), &words, "a path of one machine")
}

/// What runs only when asked for by name isn't checked; long measurements belong in `bench`.
pub fn no_test_is_ignored(repository: &Repository) -> Vec<Complaint> {
    let words = [concat!("#[igno", "re"), concat!("```igno", "re")];
    lines_with(repository.ending(".rs"), &words, "a test that never runs can't fail")
}

/// The header is where a module argues for what it does.
pub fn modules_have_headers(repository: &Repository) -> Vec<Complaint> {
    repository
        .ending(".rs")
        .filter(|(_, text)| {
            // The lines an unusual target needs may come first.
            let first = text.lines().find(|line| !line.is_empty() && !line.starts_with("#!["));
            !first.is_some_and(|line| line.starts_with("//! ") && line.len() > "//! ".len())
        })
        .map(|(path, _)| format!("{path}: wants a `//!` header that says what it is for"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layout_is_judged_in_what_people_write() {
        let repository = Repository::of([
            ("a.rs", "//! A.\nfn a() {} \n"),
            ("b.md", "no newline"),
            ("c.toml", "ok = true\n"),
            ("golden.txt", "trailing \n\n"),
        ]);
        let complaints = whitespace_is_clean(&repository);
        assert_eq!(complaints.len(), 2, "{complaints:?}");
        assert!(complaints[0].starts_with("a.rs:2"), "{complaints:?}");
    }

    #[test]
    fn words_are_found_with_their_line() {
        let unfinished = format!("//! A.\nfn a() {{ {}) }}\n", concat!("todo", "!("));
        let repository = Repository::of([("a.rs", unfinished.as_str())]);
        assert!(nothing_is_unfinished(&repository)[0].starts_with("a.rs:2"));

        let path = format!("see {}someone/x\n", concat!("/ho", "me/"));
        let repository = Repository::of([("a.md", path.as_str())]);
        assert_eq!(no_machine_path(&repository).len(), 1);

        let ignored = format!("//! A.\n{}]\n", concat!("#[igno", "re"));
        let repository = Repository::of([("a.rs", ignored.as_str())]);
        assert_eq!(no_test_is_ignored(&repository).len(), 1);
    }

    #[test]
    fn a_module_without_a_header_is_named() {
        let repository = Repository::of([
            ("a.rs", "//! What it is for.\n"),
            ("b.rs", "#![no_main]\n//! What it is for.\n"),
            ("c.rs", "use std::fmt;\n"),
            ("d.rs", ""),
        ]);
        let complaints = modules_have_headers(&repository);
        assert_eq!(complaints.len(), 2, "{complaints:?}");
    }
}
