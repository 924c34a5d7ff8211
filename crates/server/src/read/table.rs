//! A file as rows of cells, whatever its format.

use super::Problem;

/// One row: its cells as bytes, whatever the format said about their types.
#[derive(Clone, Debug, Default)]
pub struct Row {
    /// Line of the file (the row, for files without lines), from 1.
    pub line: u64,
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Row {
    /// Empties it, keeping its memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    /// Adds a cell.
    pub fn push(&mut self, cell: &[u8]) {
        self.bytes.extend_from_slice(cell);
        self.ends.push(self.bytes.len());
    }

    /// How many cells it has.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The cell of a column, without white space around it; empty where the row is too short.
    pub fn cell(&self, column: usize) -> &[u8] {
        let Some(&end) = self.ends.get(column) else { return b"" };
        let start = if column == 0 { 0 } else { self.ends[column - 1] };
        self.bytes[start..end].trim_ascii()
    }

    /// Joins what lies beyond `columns` cells to the last of them.
    pub fn join_from(&mut self, columns: usize, delimiter: u8) {
        while columns > 0 && self.ends.len() > columns {
            let end = self.ends.remove(columns - 1);
            self.bytes.insert(end, delimiter);
            self.ends[columns - 1..].iter_mut().for_each(|e| *e += 1);
        }
    }

    /// All bytes of all cells.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// What came next.
#[derive(Debug)]
pub enum Step {
    /// A row; it is in the buffer.
    Row,
    /// A row that can't be read; the next one may be.
    Bad(Problem),
    /// Nothing behind this place can be read.
    Broken(Problem),
    /// The end.
    End,
}

/// A file as rows of cells.
pub trait Table {
    /// Names of the columns.
    fn columns(&self) -> &[String];
    /// The next row.
    fn next(&mut self, row: &mut Row) -> Step;
}
