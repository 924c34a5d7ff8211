//! CSV: RFC 4180 and what spreadsheets make of it.
//!
//! Lines are split first and bounded, and a line without a quote is cut at its delimiters. Only
//! lines with quotes go through `csv-core`. A quote that never closes would swallow the rest of
//! the file, so a record may span [`RECORD_LINES_MAX`] lines; past that its first line is given
//! up and reading goes on with the second.

use std::collections::VecDeque;
use std::io::BufRead;

use csv_core::{ReadRecordResult, Reader};

use super::lines::{LINE_BYTES_MAX, Line, Lines};
use super::table::{Row, Step, Table};
use super::{Problem, visible};

/// The most lines one record may span.
const RECORD_LINES_MAX: usize = 100;
/// The most columns a file may have.
const COLUMNS_MAX: usize = 4_096;

/// A CSV file.
pub struct Csv<R> {
    lines: Lines<R>,
    delimiter: u8,
    columns: Vec<String>,
    core: Reader,
    line: Vec<u8>,
    /// Lines given back after a quote that never closed.
    waiting: VecDeque<(u64, Vec<u8>)>,
    /// A step met while looking for a closing quote, still to be told.
    deferred: Option<Step>,
    ended: bool,
    open_end: bool,
}

impl<R: BufRead> Csv<R> {
    /// Reads the header; the delimiter is the one of `,` `;` tab `|` that it holds most of.
    pub fn open(inner: R) -> Result<Self, Problem> {
        let mut lines = Lines::new(inner);
        let mut line = Vec::new();
        loop {
            match lines.next(&mut line) {
                Err(e) => return Err(broken(&e, lines.number())),
                Ok(Line::End) => {
                    return Err(Problem::new(
                        "empty",
                        "the file is empty: a header line is needed",
                    ));
                }
                Ok(Line::TooLong(bytes)) => {
                    return Err(Problem::new(
                        "line_too_long",
                        format!("the first line has {bytes} bytes; a header may have {LINE_BYTES_MAX}: this is no CSV file"),
                    )
                    .on(lines.number()));
                }
                Ok(Line::Whole) if line.trim_ascii().is_empty() => {}
                Ok(Line::Whole) => break,
            }
        }
        let header = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&line).to_vec();
        let number = lines.number();
        if memchr::memchr(0, &header).is_some() {
            return Err(Problem::new(
                "nul",
                "the header holds NUL bytes: this is no text in UTF-8 (UTF-16? save it as CSV UTF-8)",
            )
            .on(number));
        }
        let delimiter = delimiter_of(&header);
        let mut csv = Self {
            lines,
            delimiter,
            columns: Vec::new(),
            core: csv_core::ReaderBuilder::new().delimiter(delimiter).build(),
            line,
            waiting: VecDeque::new(),
            deferred: None,
            ended: false,
            open_end: false,
        };
        let mut row = Row::default();
        csv.line = header;
        match csv.record(number, &mut row) {
            Step::Row => {}
            Step::Bad(p) | Step::Broken(p) => return Err(p),
            Step::End => unreachable!("a record was given"),
        }
        if row.len() > COLUMNS_MAX {
            return Err(Problem::new(
                "header",
                format!("{} columns; at most {COLUMNS_MAX} are read", row.len()),
            )
            .on(number));
        }
        csv.columns =
            (0..row.len()).map(|i| String::from_utf8_lossy(row.cell(i)).into_owned()).collect();
        Ok(csv)
    }

    /// Lets the last column hold delimiters without quotes, as people write them by hand.
    pub fn with_open_end(mut self) -> Self {
        self.open_end = true;
        self
    }

    /// Cuts the record that begins with `self.line`, reading on where a quote is open.
    fn record(&mut self, number: u64, row: &mut Row) -> Step {
        row.clear();
        row.line = number;
        if memchr::memchr(b'"', &self.line).is_none() {
            let mut start = 0;
            for end in memchr::memchr_iter(self.delimiter, &self.line) {
                row.push(&self.line[start..end]);
                start = end + 1;
            }
            row.push(&self.line[start..]);
            return Step::Row;
        }
        let mut text = vec![0; self.line.len() + 1];
        let mut ends = vec![0; 64];
        let (mut filled, mut fields) = (0, 0);
        let mut spans: Vec<(u64, Vec<u8>)> = Vec::new();
        self.core.reset();
        loop {
            self.line.push(b'\n');
            let mut input = self.line.as_slice();
            let whole = loop {
                let (result, read, written, ended) =
                    self.core.read_record(input, &mut text[filled..], &mut ends[fields..]);
                input = &input[read..];
                filled += written;
                fields += ended;
                match result {
                    ReadRecordResult::InputEmpty => break false,
                    ReadRecordResult::OutputFull => text.resize(text.len() * 2 + 64, 0),
                    ReadRecordResult::OutputEndsFull => ends.resize(ends.len() * 2, 0),
                    ReadRecordResult::Record | ReadRecordResult::End => break true,
                }
            };
            self.line.pop();
            if whole {
                break;
            }
            let read_on = filled <= LINE_BYTES_MAX && spans.len() + 1 < RECORD_LINES_MAX;
            let next = if read_on { self.line_into() } else { None };
            match next {
                Some(Ok(n)) => spans.push((n, self.line.clone())),
                _ => {
                    for span in spans.into_iter().rev() {
                        self.waiting.push_front(span);
                    }
                    if let Some(Err(step)) = next {
                        self.deferred = Some(step);
                    }
                    return Step::Bad(
                        Problem::new("quote", "a quote is opened in this line and never closed")
                            .on(number),
                    );
                }
            }
        }
        let mut start = 0;
        for &end in &ends[..fields] {
            row.push(&text[start..end]);
            start = end;
        }
        Step::Row
    }

    /// The next line into `self.line`: its number, or what is wrong with it; `None` at the end.
    fn line_into(&mut self) -> Option<Result<u64, Step>> {
        if let Some((number, line)) = self.waiting.pop_front() {
            self.line = line;
            return Some(Ok(number));
        }
        if let Some(step) = self.deferred.take() {
            return Some(Err(step));
        }
        if self.ended {
            return None;
        }
        match self.lines.next(&mut self.line) {
            Ok(Line::Whole) => Some(Ok(self.lines.number())),
            Ok(Line::TooLong(bytes)) => Some(Err(Step::Bad(
                Problem::new(
                    "line_too_long",
                    format!("the line has {bytes} bytes; at most {LINE_BYTES_MAX} are read"),
                )
                .on(self.lines.number()),
            ))),
            Ok(Line::End) => {
                self.ended = true;
                None
            }
            Err(e) => {
                self.ended = true;
                Some(Err(Step::Broken(broken(&e, self.lines.number()))))
            }
        }
    }
}

impl<R: BufRead> Table for Csv<R> {
    fn columns(&self) -> &[String] {
        &self.columns
    }

    fn next(&mut self, row: &mut Row) -> Step {
        loop {
            match self.line_into() {
                None => return Step::End,
                Some(Err(step)) => return step,
                Some(Ok(_)) if self.line.trim_ascii().is_empty() => {}
                Some(Ok(number)) => {
                    let step = self.record(number, row);
                    if self.open_end && matches!(step, Step::Row) {
                        row.join_from(self.columns.len(), self.delimiter);
                    }
                    if matches!(step, Step::Row) && row.len() != self.columns.len() {
                        return Step::Bad(
                            Problem::new(
                                "cells",
                                format!(
                                    "{} cells where the header has {}",
                                    row.len(),
                                    self.columns.len()
                                ),
                            )
                            .on(number),
                        );
                    }
                    return step;
                }
            }
        }
    }
}

fn delimiter_of(header: &[u8]) -> u8 {
    let count = |d: u8| memchr::memchr_iter(d, header).count();
    let mut best = b',';
    for candidate in [b';', b'\t', b'|'] {
        if count(candidate) > count(best) {
            best = candidate;
        }
    }
    best
}

fn broken(error: &std::io::Error, line: u64) -> Problem {
    Problem::new(
        "unreadable",
        format!("the file can't be read beyond this line: {}", visible(&error.to_string())),
    )
    .on(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Vec<String>, Vec<Result<Vec<String>, Problem>>) {
        let mut csv = Csv::open(text.as_bytes()).unwrap();
        let mut row = Row::default();
        let mut out = Vec::new();
        loop {
            match csv.next(&mut row) {
                Step::End => return (csv.columns.clone(), out),
                Step::Row => out.push(Ok((0..row.len())
                    .map(|i| String::from_utf8_lossy(row.cell(i)).into_owned())
                    .collect())),
                Step::Bad(p) | Step::Broken(p) => out.push(Err(p)),
            }
        }
    }

    #[test]
    fn reads_quotes_delimiters_marks_and_blank_lines() {
        let (columns, rows) = read("\u{feff}a;\"b;c\"\r\n\r\n1;\"x \"\"y\"\"\nz\"\n\"2\";3\n");
        assert_eq!(columns, ["a", "b;c"]);
        let rows: Vec<_> = rows.into_iter().map(Result::unwrap).collect();
        assert_eq!(rows, [["1", "x \"y\"\nz"], ["2", "3"]]);
    }

    #[test]
    fn a_quote_that_never_closes_costs_its_line_only() {
        let mut text = String::from("a,b\n1,\"open\n");
        for i in 0..300 {
            text.push_str(&format!("{i},x\n"));
        }
        let (_, rows) = read(&text);
        let bad: Vec<_> = rows.iter().filter_map(|r| r.as_ref().err()).collect();
        assert_eq!((bad.len(), bad[0].line, bad[0].kind), (1, Some(2), "quote"));
        assert_eq!(rows.len(), 301);
    }

    #[test]
    fn a_row_of_another_width_is_named() {
        let (_, rows) = read("a,b\n1\n1,2,3\n1,2\n");
        assert_eq!(rows.iter().filter(|r| r.is_ok()).count(), 1);
        assert_eq!(rows[1].as_ref().unwrap_err().to_string(), ":3: 3 cells where the header has 2");
    }

    #[test]
    fn nothing_at_all_is_said() {
        assert_eq!(Csv::open(&b"\n\n"[..]).err().unwrap().kind, "empty");
        assert_eq!(Csv::open(&b"a\0,b\n"[..]).err().unwrap().kind, "nul");
    }
}
