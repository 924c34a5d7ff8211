//! NDJSON: one attempt event per line, as `POST /v1/events` takes them.

use std::collections::BTreeSet;
use std::io::BufRead;

use payments::{Attempt, Timestamp};

use super::lines::{LINE_BYTES_MAX, Line, Lines};
use super::row::{AHEAD_MS_MAX, refused};
use super::{Problem, visible};

/// Names of attributes remembered; more than the analyst takes.
const ATTRIBUTES_KEPT: usize = 16;

/// Whether a file that begins so holds JSON objects.
pub fn looks_like(head: &[u8]) -> bool {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    head.trim_ascii_start().first() == Some(&b'{')
}

/// What the next line gave.
pub enum Next {
    /// Line and attempt.
    Attempt(u64, Box<Attempt>),
    /// A line that is no event.
    Bad(Problem),
    /// Nothing behind this place can be read.
    Broken(Problem),
    /// The end.
    End,
}

/// Events of a stream.
pub struct Events<R> {
    lines: Lines<R>,
    line: Vec<u8>,
    now: Timestamp,
    attributes: BTreeSet<String>,
}

impl<R: BufRead> Events<R> {
    /// `now` is the wall clock.
    pub fn new(stream: R, now: Timestamp) -> Self {
        Self { lines: Lines::new(stream), line: Vec::new(), now, attributes: BTreeSet::new() }
    }

    /// Names of the attributes seen so far, the first few in order.
    pub fn attributes(&self) -> impl Iterator<Item = &str> {
        self.attributes.iter().map(String::as_str)
    }

    /// The next event.
    pub fn next(&mut self) -> Next {
        loop {
            match self.lines.next(&mut self.line) {
                Ok(Line::End) => return Next::End,
                Err(e) => {
                    return Next::Broken(
                        Problem::new(
                            "unreadable",
                            format!(
                                "the file can't be read beyond this line: {}",
                                visible(&e.to_string())
                            ),
                        )
                        .on(self.lines.number()),
                    );
                }
                Ok(Line::TooLong(bytes)) => {
                    return Next::Bad(
                        Problem::new(
                            "line_too_long",
                            format!(
                                "the line has {bytes} bytes; at most {LINE_BYTES_MAX} are read"
                            ),
                        )
                        .on(self.lines.number()),
                    );
                }
                Ok(Line::Whole) => {
                    let line = self.line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&self.line);
                    if line.trim_ascii().is_empty() {
                        continue;
                    }
                    return match payments::parse_event(line) {
                        Err(e) => Next::Bad(refused(&e, None).on(self.lines.number())),
                        Ok(event) => self.accept(event.attempt),
                    };
                }
            }
        }
    }

    fn accept(&mut self, attempt: Attempt) -> Next {
        if attempt.occurred_at.as_millis() > self.now.as_millis() + AHEAD_MS_MAX {
            let problem = Problem::new("future", "lies in the future").at("occurred_at");
            let at = attempt.occurred_at.to_string();
            return Next::Bad(problem.got(at.as_bytes()).on(self.lines.number()));
        }
        for name in attempt.attributes.keys() {
            if self.attributes.len() < ATTRIBUTES_KEPT && !self.attributes.contains(name) {
                self.attributes.insert(name.clone());
            }
        }
        Next::Attempt(self.lines.number(), Box::new(attempt))
    }
}
