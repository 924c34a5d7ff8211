//! Lines of a file, none of them held beyond a bound.
//!
//! A file that is no text, or one damaged on its way, may hold a single line of a gigabyte. Such
//! a line is passed over as it streams by, so memory stays at the bound plus one read buffer.

use std::io::{self, BufRead};

/// The longest line that is read.
pub const LINE_BYTES_MAX: usize = 1 << 20;

/// What the next line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// Within the bound; it is in the buffer, without its line end.
    Whole,
    /// Beyond the bound: passed over, with this many bytes.
    TooLong(u64),
    /// There is none.
    End,
}

/// Splits a stream at line feeds; a carriage return before one belongs to it.
pub struct Lines<R> {
    inner: R,
    number: u64,
}

impl<R: BufRead> Lines<R> {
    /// The lines of `inner`.
    pub fn new(inner: R) -> Self {
        Self { inner, number: 0 }
    }

    /// Number of the line that `next` gave last, from 1.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Reads the next line into `line`, which is cleared first. An error in the middle of a line
    /// drops what was read of it: half a row is not sound.
    pub fn next(&mut self, line: &mut Vec<u8>) -> io::Result<Line> {
        line.clear();
        let mut length = 0u64;
        loop {
            let chunk = match self.inner.fill_buf() {
                Ok(chunk) => chunk,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(e),
            };
            if chunk.is_empty() {
                if length == 0 {
                    return Ok(Line::End);
                }
                self.number += 1;
                return Ok(self.close(line, length));
            }
            let end = memchr::memchr(b'\n', chunk);
            let taken = end.unwrap_or(chunk.len());
            length += taken as u64;
            if length <= LINE_BYTES_MAX as u64 + 1 {
                line.extend_from_slice(&chunk[..taken]);
            } else {
                *line = Vec::new();
            }
            self.inner.consume(taken + usize::from(end.is_some()));
            if end.is_some() {
                self.number += 1;
                return Ok(self.close(line, length));
            }
        }
    }

    fn close(&self, line: &mut Vec<u8>, mut length: u64) -> Line {
        if line.last() == Some(&b'\r') {
            line.pop();
            length -= 1;
        }
        if length > LINE_BYTES_MAX as u64 {
            line.clear();
            return Line::TooLong(length);
        }
        Line::Whole
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufReader, Read};

    use super::*;

    fn all(text: &[u8]) -> Vec<(Line, Vec<u8>)> {
        let mut lines = Lines::new(BufReader::with_capacity(7, text));
        let (mut out, mut line) = (Vec::new(), Vec::new());
        loop {
            match lines.next(&mut line).unwrap() {
                Line::End => return out,
                kind => out.push((kind, line.clone())),
            }
        }
    }

    #[test]
    fn splits_at_either_line_end() {
        let lines: Vec<Vec<u8>> =
            all(b"a,b\r\n\nlong enough to cross\nlast").into_iter().map(|l| l.1).collect();
        assert_eq!(lines, [&b"a,b"[..], b"", b"long enough to cross", b"last"]);
    }

    #[test]
    fn a_gigabyte_line_is_passed_over_in_bounded_memory() {
        let bytes = 1u64 << 30;
        let stream = io::repeat(b'x').take(bytes).chain(&b"\nnext\n"[..]);
        let mut lines = Lines::new(BufReader::with_capacity(1 << 16, stream));
        let mut line = Vec::new();
        assert_eq!(lines.next(&mut line).unwrap(), Line::TooLong(bytes));
        assert!(line.capacity() <= 4 * LINE_BYTES_MAX, "held {}", line.capacity());
        assert_eq!(lines.next(&mut line).unwrap(), Line::Whole);
        assert_eq!((line.as_slice(), lines.number()), (&b"next"[..], 2));
    }

    #[test]
    fn the_bound_itself_is_allowed() {
        let mut text = vec![b'x'; LINE_BYTES_MAX];
        text.extend(b"\r\n");
        assert_eq!(all(&text)[0].0, Line::Whole);
        text.insert(0, b'x');
        assert!(matches!(all(&text)[0].0, Line::TooLong(n) if n > LINE_BYTES_MAX as u64));
    }
}
