//! What libtest prints, read as it comes: how many tests held, and which didn't, with what they said.

use crate::outcome::{Named, Outcome};

/// Reads one line after another; the output of many test binaries may follow each other.
#[derive(Debug, Default)]
pub struct Libtest {
    /// The summaries so far, and the tests that failed.
    pub outcome: Outcome,
    /// Whose words are being heard, as an index of `outcome.named`.
    speaking: Option<usize>,
}

impl Libtest {
    /// The next line.
    pub fn hear(&mut self, line: &str) {
        if let Some(counts) = summary(line) {
            self.outcome += counts;
            self.speaking = None;
        } else if line == "failures:" {
            self.speaking = None;
        } else if let Some(name) = between(line, "test ", " ... FAILED") {
            self.outcome.named.push(Named::of(format!("test {name} ... FAILED")));
        } else if let Some(name) = between(line, "---- ", " stdout ----") {
            let what = format!("test {name} ");
            self.speaking =
                self.outcome.named.iter().rposition(|named| named.what.starts_with(&what));
        } else if let Some(named) = self.speaking.and_then(|at| self.outcome.named.get_mut(at)) {
            // What a test prints before it fails may be long, and isn't why it failed.
            let says_why = line.starts_with("thread '") || line.starts_with("Error:");
            if (says_why || !named.said.is_empty()) && !line.is_empty() {
                named.said.push(line.to_owned());
            }
        }
    }
}

fn between<'a>(line: &'a str, before: &str, after: &str) -> Option<&'a str> {
    line.strip_prefix(before)?.strip_suffix(after)
}

/// `test result: FAILED. 3 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; ...`
fn summary(line: &str) -> Option<Outcome> {
    let (_, counts) = line.strip_prefix("test result: ")?.split_once(". ")?;
    let count = |label: &str| {
        counts.split("; ").find_map(|part| part.strip_suffix(label)?.trim_end().parse::<u64>().ok())
    };
    let (passed, failed, skipped) = (count("passed")?, count("failed")?, count("ignored")?);
    Some(Outcome { passed, failed, skipped, named: vec![] })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_libtest_prints() {
        let line = "test result: ok. 12 passed; 0 failed; 2 ignored; 0 measured; 0 filtered out; finished in 0.01s";
        assert_eq!(
            summary(line),
            Some(Outcome { passed: 12, failed: 0, skipped: 2, named: vec![] })
        );
        let line = "test result: FAILED. 3 passed; 1 failed; 0 ignored; 0 measured; 7 filtered out; finished in 0.01s";
        assert_eq!(
            summary(line),
            Some(Outcome { passed: 3, failed: 1, skipped: 0, named: vec![] })
        );
    }

    #[test]
    fn takes_nothing_else_for_a_summary() {
        for line in ["", "running 3 tests", "test result: ok", "test a::b ... ok"] {
            assert_eq!(summary(line), None, "{line}");
        }
    }

    #[test]
    fn what_fails_is_named_with_what_it_said() {
        let printed = "\
running 3 tests
test a::adds ... ok
test a::divides - should panic ... FAILED
test a::adds_up ... FAILED
test src/lib.rs - a (line 3) ... FAILED

failures:

---- a::adds_up stdout ----
a long story
thread 'a::adds_up' (17) panicked at src/a.rs:3:5:
assertion `left == right` failed: it adds up

  left: 1
---- a::divides stdout ----
note: test did not panic as expected at src/a.rs:9:8
---- src/lib.rs - a (line 3) stdout ----
Error: \"none\"

failures:
    a::adds_up

test result: FAILED. 1 passed; 3 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s

thread 'of nobody' panicked";
        let mut libtest = Libtest::default();
        printed.lines().for_each(|line| libtest.hear(line));
        let named = |what: &str, said: &[&str]| Named {
            what: format!("test {what} ... FAILED"),
            said: said.iter().map(|line| (*line).to_owned()).collect(),
        };
        let panicked = [
            "thread 'a::adds_up' (17) panicked at src/a.rs:3:5:",
            "assertion `left == right` failed: it adds up",
            "  left: 1",
        ];
        let expected = Outcome {
            passed: 1,
            failed: 3,
            skipped: 0,
            named: vec![
                named("a::divides - should panic", &[]),
                named("a::adds_up", &panicked),
                named("src/lib.rs - a (line 3)", &["Error: \"none\""]),
            ],
        };
        assert_eq!(libtest.outcome, expected);
    }
}
