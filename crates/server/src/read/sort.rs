//! Sorting by time what doesn't fit in memory.
//!
//! Files come in any order: exports are sharded, partitions concatenated. The engine wants event
//! time in order, because what arrives after its tick has been judged can't rewrite it. So rows
//! go through a two-level merge sort (Knuth, TAOCP 3, 5.4.1): runs as large as the memory given
//! are sorted and written to unnamed temporary files, then merged by a heap. One pass over the
//! disk each way; memory is the bound plus one read buffer per run. A file that fits in memory
//! never touches the disk.
//!
//! Rows are bytes. They are ordered by (time, the first `key` bytes, order of arrival), so rows
//! of one bucket that share their dimensions come out side by side.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};

/// Bytes of rows held before a run is written.
pub const MEMORY_BYTES: usize = 256 << 20;
const RUN_BUFFER_BYTES: usize = 256 << 10;

/// Time, length of the key, offset and length in the arena: 24 bytes per row.
#[derive(Clone, Copy)]
struct Entry {
    time: i64,
    offset: u32,
    key: u32,
    length: u32,
}

/// Collects rows in any order.
pub struct Sorter {
    arena: Vec<u8>,
    entries: Vec<Entry>,
    runs: Vec<File>,
    memory_bytes: usize,
}

impl Sorter {
    /// Holds about this much in memory, at most 4 GiB.
    pub fn new(memory_bytes: usize) -> Self {
        Self {
            arena: Vec::new(),
            entries: Vec::new(),
            runs: Vec::new(),
            memory_bytes: memory_bytes.min(u32::MAX as usize / 2),
        }
    }

    /// Adds a row whose first `key` bytes break ties of `time`.
    pub fn push(&mut self, time: i64, key: usize, row: &[u8]) -> io::Result<()> {
        let held = self.arena.len() + row.len() + self.entries.len() * size_of::<Entry>();
        if held > self.memory_bytes && !self.entries.is_empty() {
            self.spill()?;
        }
        self.entries.push(Entry {
            time,
            offset: self.arena.len() as u32,
            key: key as u32,
            length: row.len() as u32,
        });
        self.arena.extend_from_slice(row);
        Ok(())
    }

    /// All rows have come.
    pub fn finish(mut self) -> io::Result<Sorted> {
        if !self.runs.is_empty() && !self.entries.is_empty() {
            self.spill()?;
        }
        self.sort();
        Ok(Sorted { arena: self.arena, entries: self.entries, runs: self.runs })
    }

    fn sort(&mut self) {
        let arena = &self.arena;
        let key = |e: &Entry| &arena[e.offset as usize..(e.offset + e.key) as usize];
        // Stable, so that rows which tie stay in the order they came.
        self.entries.sort_by(|a, b| a.time.cmp(&b.time).then_with(|| key(a).cmp(key(b))));
    }

    fn spill(&mut self) -> io::Result<()> {
        self.sort();
        let mut out = BufWriter::with_capacity(RUN_BUFFER_BYTES, tempfile::tempfile()?);
        for e in &self.entries {
            out.write_all(&e.time.to_le_bytes())?;
            out.write_all(&e.key.to_le_bytes())?;
            out.write_all(&e.length.to_le_bytes())?;
            out.write_all(&self.arena[e.offset as usize..(e.offset + e.length) as usize])?;
        }
        let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
        self.runs.push(file);
        self.arena.clear();
        self.entries.clear();
        Ok(())
    }
}

/// Rows in order; can be gone through more than once.
pub struct Sorted {
    arena: Vec<u8>,
    entries: Vec<Entry>,
    runs: Vec<File>,
}

impl Sorted {
    /// Gives every row in order: its time, the length of its key, its bytes.
    pub fn for_each<E: From<io::Error>>(
        &mut self,
        mut visit: impl FnMut(i64, usize, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        for e in &self.entries {
            let row = &self.arena[e.offset as usize..(e.offset + e.length) as usize];
            visit(e.time, e.key as usize, row)?;
        }
        let mut heap = BinaryHeap::new();
        for (order, file) in self.runs.iter_mut().enumerate() {
            file.seek(SeekFrom::Start(0))?;
            let mut run = Run {
                file: BufReader::with_capacity(RUN_BUFFER_BYTES, &*file),
                order,
                time: 0,
                key: 0,
                row: Vec::new(),
            };
            if run.advance()? {
                heap.push(run);
            }
        }
        while let Some(mut run) = heap.pop() {
            visit(run.time, run.key, &run.row)?;
            if run.advance()? {
                heap.push(run);
            }
        }
        Ok(())
    }

    /// The smallest distance between two different times; `None` with fewer than two.
    pub fn smallest_gap(&mut self) -> io::Result<Option<i64>> {
        let (mut last, mut gap) = (None::<i64>, None::<i64>);
        self.for_each(|time, _, _| {
            if let Some(before) = last
                && time > before
            {
                gap = Some(gap.map_or(time - before, |g| g.min(time - before)));
            }
            last = Some(time);
            Ok::<_, io::Error>(())
        })?;
        Ok(gap)
    }

    /// Whether it had to use the disk.
    pub fn spilled(&self) -> bool {
        !self.runs.is_empty()
    }
}

/// One run during the merge, standing at its next row.
struct Run<'a> {
    file: BufReader<&'a File>,
    order: usize,
    time: i64,
    key: usize,
    row: Vec<u8>,
}

impl Run<'_> {
    fn advance(&mut self) -> io::Result<bool> {
        let mut head = [0; 16];
        match self.file.read_exact(&mut head) {
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return Ok(false),
            other => other?,
        }
        let word = |at: usize| u32::from_le_bytes(head[at..at + 4].try_into().expect("four bytes"));
        self.time = i64::from_le_bytes(head[..8].try_into().expect("eight bytes"));
        self.key = word(8) as usize;
        self.row.resize(word(12) as usize, 0);
        self.file.read_exact(&mut self.row)?;
        Ok(true)
    }

    fn rank(&self) -> (i64, &[u8], usize) {
        (self.time, &self.row[..self.key], self.order)
    }
}

// Reversed, because the heap gives its greatest first and the merge wants the earliest.
impl Ord for Run<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        other.rank().cmp(&self.rank())
    }
}

impl PartialOrd for Run<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Run<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Run<'_> {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Rows = Vec<(i64, Vec<u8>)>;

    fn sorted(rows: &[(i64, Vec<u8>)], memory: usize) -> (Rows, bool, Option<i64>) {
        let mut sorter = Sorter::new(memory);
        for (time, row) in rows {
            sorter.push(*time, row.len().min(2), row).unwrap();
        }
        let mut sorted = sorter.finish().unwrap();
        let gap = sorted.smallest_gap().unwrap();
        let mut out = Vec::new();
        sorted
            .for_each(|time, _, row| {
                out.push((time, row.to_vec()));
                Ok::<_, io::Error>(())
            })
            .unwrap();
        (out, sorted.spilled(), gap)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn with_or_without_disk_it_equals_a_stable_sort(
            rows in prop::collection::vec((-5i64..5, prop::collection::vec(0u8..3, 0..6)), 0..200),
        ) {
            let mut expected = rows.clone();
            expected.sort_by(|a, b| {
                (a.0, &a.1[..a.1.len().min(2)]).cmp(&(b.0, &b.1[..b.1.len().min(2)]))
            });
            let mut times: Vec<i64> = rows.iter().map(|r| r.0).collect();
            times.sort();
            times.dedup();
            let gap = times.windows(2).map(|w| w[1] - w[0]).min();
            let (in_memory, touched, g) = sorted(&rows, MEMORY_BYTES);
            prop_assert!(!touched);
            prop_assert_eq!(g, gap);
            prop_assert_eq!(&in_memory, &expected);
            let (on_disk, touched, g) = sorted(&rows, 400);
            prop_assert!(touched || rows.len() < 20);
            prop_assert_eq!(g, gap);
            prop_assert_eq!(&on_disk, &expected);
        }
    }
}
