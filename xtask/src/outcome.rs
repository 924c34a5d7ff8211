//! What a run of checks came to: counts that add up, and one last line that says them.

use std::fmt;
use std::ops::AddAssign;

/// Counts of checks; a part of the suite adds its own to the whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Checks that held.
    pub passed: u64,
    /// Checks that did not.
    pub failed: u64,
    /// Checks that could not run.
    pub skipped: u64,
}

impl Outcome {
    /// One check that held or did not.
    pub const fn of(held: bool) -> Self {
        Self { passed: held as u64, failed: !held as u64, skipped: 0 }
    }

    /// One check that could not run: says so, and how to get what it lacks.
    pub fn skip(part: &str, reason: &str, command: &str) -> Self {
        println!("SKIP {part}: {reason}; to get it: {command}");
        Self { skipped: 1, ..Self::default() }
    }

    /// Whether the run counts as green; under `strict` (CI) nothing may have been skipped.
    pub const fn is_good(self, strict: bool) -> bool {
        self.failed == 0 && !(strict && self.skipped > 0)
    }
}

impl AddAssign for Outcome {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { passed, failed, skipped } = self;
        write!(f, "{passed} passed, {failed} failed, {skipped} skipped")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_skip_is_a_failure_only_when_strict() {
        let skipped = Outcome { passed: 3, failed: 0, skipped: 1 };
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
}
