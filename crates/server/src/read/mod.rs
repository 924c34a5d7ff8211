//! Files of payments: CSV (plain, gzip, zstd), Parquet, NDJSON of attempt events.
//!
//! Whatever the format, a file becomes rows, rows become attempts or counts of attempts, and those
//! come out in order of time, in bounded memory. What can't be read is said with file, line and
//! field; the rest is read.

mod csv;
mod duplicates;
mod file;
mod lines;
mod loading;
mod map;
mod names;
mod ndjson;
mod pack;
mod parquet;
mod problem;
mod row;
mod sort;
mod source;
mod status;
mod table;

use std::io::BufRead;
use std::path::Path;

pub use csv::Csv;
pub use file::{Loaded, Options, read, read_stream};
pub use map::{DIMENSIONS, Key, Mapping, Wish};
pub use problem::{Problem, Skipped, shown, visible};
pub use row::{Interpreter, Item};
pub use source::Taken;
pub use table::{Row, Step, Table};

/// Opens a text file, unpacked if it is packed.
pub fn open_text(path: &Path) -> Result<Box<dyn BufRead + Send>, Problem> {
    match source::open(path)? {
        (source::Source::Text(stream, _), _) => Ok(stream),
        (source::Source::Parquet(_), _) => {
            Err(Problem::new("unreadable", "is a Parquet file where CSV is needed"))
        }
    }
}
