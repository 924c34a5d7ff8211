//! What a run of checks came to: counts that add up, what failed by its name, and one last line that says the counts.

use std::fmt;
use std::ops::AddAssign;

/// How many lines of what failed are said at the end: with the counts they are the tail of a log that is looked at first.
const LINES_MAX: usize = 36;
/// And how many of one failure's own words.
const WORDS_MAX: usize = 5;

/// Something to be named at the end: a test that failed, or that passed only when tried again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// What it is and what became of it, in one line.
    pub what: String,
    /// The first lines of what it said.
    pub said: Vec<String>,
}

impl Named {
    /// One that says nothing more.
    pub fn of(what: impl Into<String>) -> Self {
        Self { what: what.into(), said: Vec::new() }
    }
}

/// Counts of checks; a part of the suite adds its own to the whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Checks that held.
    pub passed: u64,
    /// Checks that did not.
    pub failed: u64,
    /// Checks that could not run.
    pub skipped: u64,
    /// What is named once more at the end, in the order it came.
    pub named: Vec<Named>,
}

impl Outcome {
    /// One check that held or did not.
    pub const fn of(held: bool) -> Self {
        Self { passed: held as u64, failed: !held as u64, skipped: 0, named: Vec::new() }
    }

    /// One check that could not run: says so, and how to get what it lacks.
    pub fn skip(part: &str, reason: &str, command: &str) -> Self {
        println!("SKIP {part}: {reason}; to get it: {command}");
        Self { skipped: 1, ..Self::default() }
    }

    /// Whether the run counts as green; under `strict` (CI) nothing may have been skipped.
    pub const fn is_good(&self, strict: bool) -> bool {
        self.failed == 0 && !(strict && self.skipped > 0)
    }

    /// The names, each with as many of its words as all of them leave room for.
    pub fn told(&self) -> Vec<String> {
        let named = &self.named[..self.named.len().min(LINES_MAX - 1)];
        let words = (LINES_MAX / named.len().max(1)).saturating_sub(1).min(WORDS_MAX);
        let mut lines = Vec::new();
        for one in named {
            lines.push(one.what.clone());
            lines.extend(one.said.iter().take(words).map(|line| format!("    {line}")));
        }
        if named.len() < self.named.len() {
            lines.push(format!("and {} more", self.named.len() - named.len()));
        }
        lines
    }
}

impl AddAssign for Outcome {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
        self.named.extend(other.named);
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { passed, failed, skipped, .. } = self;
        write!(f, "{passed} passed, {failed} failed, {skipped} skipped")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_skip_is_a_failure_only_when_strict() {
        let skipped = Outcome { passed: 3, skipped: 1, ..Outcome::default() };
        assert!(skipped.is_good(false));
        assert!(!skipped.is_good(true));
    }

    #[test]
    fn a_failure_is_never_good() {
        let mut sum = Outcome::of(true);
        sum += Outcome::of(false);
        assert!(!sum.is_good(false));
        assert_eq!(sum.to_string(), "1 passed, 1 failed, 0 skipped");
    }

    #[test]
    fn however_many_fail_their_names_fit_the_tail_of_a_log() {
        let one = |i: usize| Named {
            what: format!("test {i} ... FAILED"),
            said: (0..9).map(|line| format!("words {line}")).collect(),
        };
        for count in [0, 1, 2, 5, 6, 7, 18, 19, 34, 35, 36, 37, 500] {
            let named = (0..count).map(one).collect();
            let lines = Outcome { named, ..Outcome::default() }.told();
            assert!(lines.len() <= LINES_MAX, "{count} failures take {} lines", lines.len());
            let names = lines.iter().filter(|line| line.starts_with("test ")).count();
            let more =
                lines.last().and_then(|line| line.strip_prefix("and ")?.strip_suffix(" more"));
            let left_out = more.map_or(0, |more| more.parse::<usize>().unwrap_or(usize::MAX));
            assert_eq!(names + left_out, count, "each is named or counted");
        }
    }
}
