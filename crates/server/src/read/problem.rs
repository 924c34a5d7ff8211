//! What was wrong with a row, said so that its owner can mend it.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

/// How many problems are kept word for word; the rest are only counted.
const KEPT_MAX: usize = 100;

/// One thing that was wrong, with the place where it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The file as it was named.
    pub file: Box<str>,
    /// Line, from 1; the row for files without lines.
    pub line: Option<u64>,
    /// Field of the event, or column.
    pub field: Option<Box<str>>,
    /// What was there, made harmless; never a card number.
    pub got: Option<String>,
    /// What is wrong and what is allowed.
    pub detail: String,
    /// A short name of the kind, to count by.
    #[serde(rename = "reason")]
    pub kind: &'static str,
}

impl Problem {
    /// A problem of this kind; place and field are added by who knows them.
    pub fn new(kind: &'static str, detail: impl Into<String>) -> Self {
        Self {
            file: Box::default(),
            line: None,
            field: None,
            got: None,
            detail: detail.into(),
            kind,
        }
    }

    /// Names the field.
    pub fn at(mut self, field: &str) -> Self {
        self.field = Some(visible(field).into());
        self
    }

    /// Shows what was there.
    pub fn got(mut self, value: &[u8]) -> Self {
        self.got = Some(shown(value));
        self
    }

    /// Names the line.
    pub fn on(mut self, line: u64) -> Self {
        self.line = Some(line);
        self
    }

    /// Names the file.
    pub fn of(mut self, file: &str) -> Self {
        self.file = visible(file).into();
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if let Some(field) = &self.field {
            write!(f, ": {field}")?;
        }
        write!(f, ": {}", self.detail)?;
        if let Some(got) = &self.got {
            write!(f, " (got \"{got}\")")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problem {}

/// Rows that were left out, and why.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Skipped {
    /// How many.
    pub total: u64,
    /// How many of each kind.
    pub reasons: BTreeMap<&'static str, u64>,
    /// The first of them.
    pub first: Vec<Problem>,
}

impl Skipped {
    /// One more.
    pub fn add(&mut self, problem: Problem) {
        self.total += 1;
        *self.reasons.entry(problem.kind).or_default() += 1;
        if self.first.len() < KEPT_MAX {
            self.first.push(problem);
        }
    }
}

/// Text from outside as it may be shown: control characters and those that reorder text become
/// escapes, so that a name can neither drive a terminal nor pass for another.
pub fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() || reorders(c) {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}

/// Bidirectional overrides and isolates, invisible joiners and byte-order marks.
fn reorders(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{2028}' | '\u{2029}')
}

/// A cell as it may be quoted in a message: visible, short, and never a card number.
pub fn shown(value: &[u8]) -> String {
    payments::excerpt(&String::from_utf8_lossy(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_file_line_field_and_value() {
        let problem =
            Problem::new("amount", "must be 0 or more").at("minor").got(b"-5").on(17).of("a.csv");
        assert_eq!(problem.to_string(), "a.csv:17: minor: must be 0 or more (got \"-5\")");
    }

    #[test]
    fn nothing_shown_can_drive_a_terminal() {
        assert_eq!(visible("a\u{1b}]0;x\u{7}\u{202e}b"), "a\\u{1b}]0;x\\u{7}\\u{202e}b");
    }

    #[test]
    fn counts_all_and_keeps_the_first() {
        let mut skipped = Skipped::default();
        for line in 0..250 {
            skipped.add(Problem::new("time", "no").on(line));
        }
        assert_eq!((skipped.total, skipped.first.len()), (250, KEPT_MAX));
        assert_eq!(skipped.reasons["time"], 250);
    }
}
