//! Rows that repeat an attempt id, found exactly in bounded memory.
//!
//! Remembering fifty million ids would cost gigabytes. Instead each row leaves a 128-bit
//! fingerprint of its id in an external sort; equal ones come out side by side and a bit per row
//! says which rows to leave out. By the contract's rule a stored `unknown` or `timeout` may be
//! replaced once by a final status; in a file whose end is known that means: the final row is
//! kept and the provisional one is not. Every other repetition is a duplicate.

use std::hash::{Hash, Hasher};
use std::io;

use super::sort::Sorter;

/// Fingerprints of the rows read so far.
pub struct Ids {
    sorter: Sorter,
    rows: u64,
}

/// What became of the repetitions.
#[derive(Debug, Default)]
pub struct Repeated {
    dropped: Vec<u64>,
    /// Row and line of every duplicate, the first few.
    pub lines: Vec<u64>,
    /// Rows that repeat a known id for no reason.
    pub duplicates: u64,
    /// Unknown outcomes that a later row made final.
    pub updated: u64,
}

impl Repeated {
    /// Whether this row is left out.
    pub fn dropped(&self, row: u64) -> bool {
        let word = self.dropped.get((row / 64) as usize).copied().unwrap_or(0);
        word >> (row % 64) & 1 == 1
    }

    fn drop_row(&mut self, row: u64) {
        let at = (row / 64) as usize;
        if self.dropped.len() <= at {
            self.dropped.resize(at + 1, 0);
        }
        self.dropped[at] |= 1 << (row % 64);
    }
}

impl Ids {
    /// Holds about this much in memory.
    pub fn new(memory_bytes: usize) -> Self {
        Self { sorter: Sorter::new(memory_bytes), rows: 0 }
    }

    /// The next row's id, its line, and whether its status is final. Gives the row's number.
    pub fn add(&mut self, id: Option<&str>, line: u64, is_final: bool) -> io::Result<u64> {
        let row = self.rows;
        self.rows += 1;
        if let Some(id) = id {
            let print = fingerprint(id);
            let mut bytes = [0; 25];
            bytes[..8].copy_from_slice(&((print >> 64) as u64).to_be_bytes());
            bytes[8..16].copy_from_slice(&row.to_be_bytes());
            bytes[16..24].copy_from_slice(&line.to_be_bytes());
            bytes[24] = u8::from(is_final);
            self.sorter.push(print as u64 as i64, 16, &bytes)?;
        }
        Ok(row)
    }

    /// All rows have come.
    pub fn finish(self) -> io::Result<Repeated> {
        const LINES_MAX: usize = 100;
        let mut out = Repeated::default();
        // The row whose outcome counts for the current id, and whether that is settled.
        let mut kept: Option<((i64, u64), u64, bool)> = None;
        self.sorter.finish()?.for_each(|low, _, bytes| {
            let word =
                |at: usize| u64::from_be_bytes(bytes[at..at + 8].try_into().expect("eight bytes"));
            let (print, row, line, is_final) = ((low, word(0)), word(8), word(16), bytes[24] == 1);
            kept = match kept {
                Some((same, before, settled)) if same == print => {
                    if is_final && !settled {
                        out.updated += 1;
                        out.drop_row(before);
                        Some((print, row, true))
                    } else {
                        out.duplicates += 1;
                        out.drop_row(row);
                        if out.lines.len() < LINES_MAX {
                            out.lines.push(line);
                        }
                        Some((same, before, settled))
                    }
                }
                _ => Some((print, row, is_final)),
            };
            Ok::<_, io::Error>(())
        })?;
        out.lines.sort_unstable();
        Ok(out)
    }
}

/// Two independent 64-bit hashes; equal for different ids once in 1e19 files of a billion rows.
fn fingerprint(id: &str) -> u128 {
    let half = |salt: u8| {
        #[expect(
            deprecated,
            reason = "SipHash with fixed keys, whose result is specified; the default hasher's is not"
        )]
        let mut hasher = std::hash::SipHasher::new_with_keys(
            0x706f_696e_7473_6d61 ^ u64::from(salt),
            u64::from(salt),
        );
        id.hash(&mut hasher);
        u128::from(hasher.finish())
    };
    half(0) << 64 | half(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repeated(rows: &[(&str, bool)]) -> Repeated {
        let mut ids = Ids::new(200);
        for (line, (id, is_final)) in rows.iter().enumerate() {
            ids.add(Some(*id).filter(|i| !i.is_empty()), line as u64 + 2, *is_final).unwrap();
        }
        ids.finish().unwrap()
    }

    #[test]
    fn the_second_of_a_kind_is_dropped() {
        let r = repeated(&[
            ("a", true),
            ("b", true),
            ("a", true),
            ("", true),
            ("", true),
            ("a", false),
        ]);
        assert_eq!((r.duplicates, r.updated), (2, 0));
        assert_eq!(r.lines, [4, 7]);
        let dropped: Vec<bool> = (0..6).map(|row| r.dropped(row)).collect();
        assert_eq!(dropped, [false, false, true, false, false, true]);
    }

    #[test]
    fn an_unknown_outcome_becomes_final_once() {
        let r = repeated(&[("a", false), ("a", true), ("a", true)]);
        assert_eq!((r.duplicates, r.updated), (1, 1));
        assert_eq!([0, 1, 2].map(|row| r.dropped(row)), [true, false, true]);
    }
}
