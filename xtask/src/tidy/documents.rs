//! Rules on documents: what they point at must be there.

use super::Complaint;
use super::repository::Repository;

/// Decision records count up from 0001 without a gap, each with its title, status and entry in
/// the list.
pub fn adrs_are_listed(repository: &Repository) -> Vec<Complaint> {
    let list_path = "docs/adr/README.md";
    let list = repository.text(list_path).unwrap_or_default();
    let records = repository
        .ending(".md")
        .filter(|(path, _)| path.starts_with("docs/adr/") && *path != list_path);
    let mut complaints = Vec::new();
    for (number, (path, text)) in (1..).zip(records) {
        let name = path.trim_start_matches("docs/adr/");
        if !name.starts_with(&format!("{number:04}-")) {
            complaints.push(format!("{path}: the next number is {number:04}"));
        }
        if !text.starts_with(&format!("# {number}. ")) {
            complaints.push(format!("{path}: wants the title `# {number}. ...`"));
        }
        if !text.contains("\nStatus: ") {
            complaints.push(format!("{path}: wants a line `Status: ...`"));
        }
        if !list.contains(&format!("]({name})")) {
            complaints.push(format!("{path}: not listed in {list_path}"));
        }
    }
    complaints
}

/// Links between files, and to headings, resolve.
pub fn links_resolve(repository: &Repository) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for (path, text) in repository.ending(".md") {
        for (number, line) in prose(text) {
            for target in links(line) {
                if target.contains("://") || target.starts_with("mailto:") {
                    continue;
                }
                let (file, heading) = target.split_once('#').unwrap_or((target, ""));
                let file = if file.is_empty() { path.to_owned() } else { resolve(path, file) };
                if !repository.has(&file) {
                    complaints.push(format!("{path}:{number}: {target}: no such file"));
                } else if !heading.is_empty()
                    && !repository.text(&file).is_some_and(|text| has_heading(text, heading))
                {
                    complaints.push(format!("{path}:{number}: {target}: no such heading"));
                }
            }
        }
    }
    complaints
}

/// `make` targets, `xtask` tasks and packages that documents tell people to type.
pub fn commands_exist(repository: &Repository) -> Vec<Complaint> {
    let makefile = repository.text("Makefile").unwrap_or_default();
    let tasks = repository.text("xtask/src/main.rs").unwrap_or_default();
    let has_package = |name: &str| {
        let line = format!("name = \"{name}\"");
        repository.ending("Cargo.toml").any(|(_, text)| text.lines().any(|l| l == line))
    };
    let mut complaints = Vec::new();
    for (path, text) in repository.ending(".md") {
        for (number, line) in (1..).zip(text.lines()) {
            for (before, what) in
                [("make ", "target"), ("cargo xtask ", "task"), (" -p ", "package")]
            {
                for (at, _) in line.match_indices(before) {
                    // Prose may say "make sure"; what is to be typed opens a span or a line.
                    let opens = line[..at].trim_start().is_empty() || line[..at].ends_with('`');
                    let is_typed = before == " -p " && line.contains("cargo ") || opens;
                    let word: String = line[at + before.len()..]
                        .chars()
                        .take_while(|c| c.is_ascii_alphanumeric() || *c == '-' || *c == '_')
                        .collect();
                    let exists = match what {
                        "target" => makefile.lines().any(|l| l.starts_with(&format!("{word}:"))),
                        "task" => tasks.contains(&format!("Some(\"{word}\")")),
                        _ => has_package(&word),
                    };
                    if is_typed && !word.is_empty() && !exists {
                        complaints.push(format!("{path}:{number}: no {what} `{word}`"));
                    }
                }
            }
        }
    }
    complaints
}

/// Each benchmark that can be run is named in the measurements.
pub fn benchmarks_are_recorded(repository: &Repository) -> Vec<Complaint> {
    let measurements = repository.text("docs/measurements.md").unwrap_or_default();
    let main = repository.text("bench/src/main.rs").unwrap_or_default();
    main.split_once("const BENCHES")
        .and_then(|(_, rest)| rest.split_once("];"))
        .map_or("", |(list, _)| list)
        .match_indices("(\"")
        .filter_map(|(at, open)| {
            let list = main.split_once("const BENCHES")?.1;
            list[at + open.len()..].split_once('"').map(|(name, _)| name)
        })
        .filter(|name| !measurements.contains(&format!("`{name}`")))
        .map(|name| format!("docs/measurements.md: wants the figures of `{name}`"))
        .collect()
}

/// Lines outside fenced blocks, numbered from 1.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut is_fenced = false;
    (1..).zip(text.lines()).filter(move |(_, line)| {
        let is_fence = line.trim_start().starts_with("```");
        is_fenced ^= is_fence;
        !is_fenced && !is_fence
    })
}

/// The targets of `[text](target)`.
fn links(line: &str) -> impl Iterator<Item = &str> {
    line.split("](").skip(1).filter_map(|rest| rest.split_once(')').map(|(target, _)| target))
}

/// `target` seen from the file `from`, without `.` and `..`.
fn resolve(from: &str, target: &str) -> String {
    let mut parts: Vec<_> = from.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "." | "" => {}
            ".." => drop(parts.pop()),
            _ => parts.push(part),
        }
    }
    parts.join("/")
}

/// Whether a heading of that anchor exists, as the usual renderers name them.
fn has_heading(text: &str, anchor: &str) -> bool {
    prose(text).filter(|(_, line)| line.starts_with('#')).any(|(_, line)| {
        let slug: String = line
            .trim_start_matches('#')
            .trim()
            .to_lowercase()
            .chars()
            .filter(|c| c.is_alphanumeric() || [' ', '-', '_'].contains(c))
            .map(|c| if c == ' ' { '-' } else { c })
            .collect();
        slug == anchor
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_without_number_or_entry_are_found() {
        let record = |number: u32| format!("# {number}. Title\n\nStatus: accepted\n");
        let (one, three) = (record(1), record(3));
        let repository = Repository::of([
            ("docs/adr/0001-a.md", one.as_str()),
            ("docs/adr/0003-b.md", three.as_str()),
            ("docs/adr/README.md", "- [A](0001-a.md)\n"),
        ]);
        let complaints = adrs_are_listed(&repository);
        assert_eq!(complaints.len(), 3, "{complaints:?}");
        assert!(complaints.iter().all(|c| c.starts_with("docs/adr/0003-b.md")), "{complaints:?}");
    }

    #[test]
    fn dead_links_are_found_and_live_ones_are_not() {
        let text = "\
[up](../README.md) [dir](../docs) [web](https://example.org/x) [head](../README.md#how-it-works)
[gone](gone.md) [no head](../README.md#what)
```text
[not a link](nowhere)
```
";
        let repository = Repository::of([("docs/a.md", text), ("README.md", "## How it works\n")]);
        let complaints = links_resolve(&repository);
        assert_eq!(complaints.len(), 2, "{complaints:?}");
        assert!(complaints.iter().all(|c| c.starts_with("docs/a.md:2")), "{complaints:?}");
    }

    #[test]
    fn commands_are_looked_up() {
        let text = "\
make sure, or `make test`, or `make fly`:

    cargo run --release -p server -- demo
    cargo run -p nothing
    cargo xtask fly
";
        let repository = Repository::of([
            ("README.md", text),
            ("Makefile", "test: ## all\n\tcargo xtask test\n"),
            ("crates/server/Cargo.toml", "name = \"server\"\n"),
            ("xtask/src/main.rs", "Some(\"test\")"),
        ]);
        let found = commands_exist(&repository);
        assert_eq!(found.len(), 4, "{found:?}");
        for what in ["`sure`", "`fly`", "`nothing`", "task `fly`"] {
            assert!(found.iter().any(|c| c.contains(what)), "{what}: {found:?}");
        }
    }

    #[test]
    fn a_benchmark_without_figures_is_found() {
        let main = "const BENCHES: &[(&str, Run)] = &[(\"a\", a::run), (\"b\", b::run)];\n(\"c\")";
        let repository =
            Repository::of([("bench/src/main.rs", main), ("docs/measurements.md", "## `a`\n")]);
        let complaints = benchmarks_are_recorded(&repository);
        assert_eq!(complaints.len(), 1, "{complaints:?}");
        assert!(complaints[0].contains("`b`"), "{complaints:?}");
    }
}
