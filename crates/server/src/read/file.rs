//! One file, read whole: checked, sorted by time, ready for the engine.

use std::io::{self, Read};
use std::path::Path;

use engine::Input;
use jiff::tz::TimeZone;
use payments::Timestamp;

use super::csv::Csv;
use super::duplicates::Repeated;
use super::loading::Loading;
use super::map::{Mapping, Wish};
use super::pack::{Counted, unpack_attempt};
use super::parquet::Parquet;
use super::sort::{MEMORY_BYTES, Sorted};
use super::source::{self, Packing, Source, Taken};
use super::table::Table;
use super::{Problem, Skipped, ndjson, visible};

/// Inputs are handed on in pieces of this many rows.
const BATCH: usize = 4_096;

/// How a file is to be read.
#[derive(Clone, Debug)]
pub struct Options {
    /// `--map`.
    pub wish: Wish,
    /// `--tz`.
    pub zone: TimeZone,
    /// The wall clock.
    pub now: Timestamp,
    /// Memory for sorting.
    pub memory_bytes: usize,
}

impl Options {
    /// Times without a zone are in `zone`; now is `now`.
    pub fn new(wish: Wish, zone: TimeZone, now: Timestamp) -> Self {
        Self { wish, zone, now, memory_bytes: MEMORY_BYTES }
    }
}

/// A file that has been read.
pub struct Loaded {
    /// As it was named, made harmless.
    pub name: String,
    /// `csv`, `parquet` or `ndjson`.
    pub format: &'static str,
    /// `none`, `gzip`, `zstd` or `parquet`.
    pub compression: &'static str,
    /// Keys and columns, in the form of `--map`.
    pub mapping: String,
    /// Whether columns were recognised by name.
    pub guessed: bool,
    /// Dimensions kept, in order.
    pub dimensions: Vec<String>,
    /// Whether rows hold counts.
    pub counted: bool,
    /// Length of a tick.
    pub tick_ms: i64,
    /// Rows read.
    pub rows: u64,
    /// Rows left out.
    pub skipped: Skipped,
    /// Why the end of the file could not be read.
    pub incomplete: Option<Problem>,
    /// What a reader of the report should know of how the file was read.
    pub notes: Vec<String>,
    /// All rows, in order of time.
    pub(super) sorted: Sorted,
    /// Rows that repeat an id.
    pub(super) repeated: Repeated,
}

impl Loaded {
    /// Gives everything in order of time.
    pub fn for_each(&mut self, mut give: impl FnMut(Input)) -> io::Result<()> {
        let columns: Vec<(String, usize)> =
            self.dimensions.iter().map(|d| (d.clone(), 0)).collect();
        if self.counted {
            let mut batch = Vec::with_capacity(BATCH);
            let mut open: Option<(Vec<u8>, Counted)> = None;
            self.sorted.for_each(|time, key, bytes| {
                let next = Counted::unpack(Timestamp::from_millis(time), key, bytes);
                match &mut open {
                    Some((same, row)) if row.at == next.at && **same == bytes[..key] => {
                        row.merge(&next);
                        return Ok::<_, io::Error>(());
                    }
                    _ => {}
                }
                if let Some((_, row)) = open.replace((bytes[..key].to_vec(), next)) {
                    batch.push(row.bucket(&columns));
                    if batch.len() == BATCH {
                        give(Input::Buckets(std::mem::replace(
                            &mut batch,
                            Vec::with_capacity(BATCH),
                        )));
                    }
                }
                Ok(())
            })?;
            batch.extend(open.map(|(_, row)| row.bucket(&columns)));
            if !batch.is_empty() {
                give(Input::Buckets(batch));
            }
            return Ok(());
        }
        let mut batch = Vec::with_capacity(BATCH);
        let repeated = &self.repeated;
        self.sorted.for_each(|_, _, bytes| {
            let (row, packed) = bytes.split_at(8);
            if repeated.dropped(u64::from_le_bytes(row.try_into().expect("eight bytes"))) {
                return Ok::<_, io::Error>(());
            }
            batch.push(unpack_attempt(packed)?);
            if batch.len() == BATCH {
                give(Input::Attempts(std::mem::replace(&mut batch, Vec::with_capacity(BATCH))));
            }
            Ok(())
        })?;
        if !batch.is_empty() {
            give(Input::Attempts(batch));
        }
        Ok(())
    }
}

/// Reads a file; `tell` hears of progress as (done, of how much).
pub fn read(
    path: &Path,
    options: &Options,
    tell: &mut dyn FnMut(u64, u64),
) -> Result<Loaded, Problem> {
    let name = visible(&path.to_string_lossy());
    let source =
        source::open(path).and_then(|(source, taken)| load(source, &taken, options, &name, tell));
    source.map_err(|p| p.of(&name))
}

/// Reads a stream: what `read` does for a file that is not Parquet.
pub fn read_stream(stream: Box<dyn Read + Send>, options: &Options) -> Result<Loaded, Problem> {
    let (source, taken) = source::unpack(stream, Taken::default())?;
    load(source, &taken, options, "-", &mut |_, _| {})
}

fn load(
    source: Source,
    taken: &Taken,
    options: &Options,
    name: &str,
    tell: &mut dyn FnMut(u64, u64),
) -> Result<Loaded, Problem> {
    match source {
        Source::Parquet(file) => {
            let mut mapping = None;
            let mut table = Parquet::open(file, |columns| {
                let found = Mapping::find(&options.wish, columns)?;
                let wanted = found.pairs().map(|(_, at)| at).collect();
                mapping = Some(found);
                Ok(wanted)
            })?;
            let mapping = mapping.expect("found while opening");
            let mut loading = Loading::new(options, name, "parquet", Packing::Parquet);
            loading.rows_of(&mut table, mapping, |table: &Parquet| {
                let (done, total) = table.progress();
                tell(done, total);
            })
        }
        Source::Text(mut stream, packing) => {
            let progress = || (taken.bytes.load(std::sync::atomic::Ordering::Relaxed), taken.total);
            if ndjson::looks_like(stream.fill_buf().unwrap_or_default()) {
                let mut loading = Loading::new(options, name, "ndjson", packing);
                return loading.events_of(stream, || {
                    let (done, total) = progress();
                    tell(done, total);
                });
            }
            let mut table = Csv::open(stream)?;
            let mapping = Mapping::find(&options.wish, table.columns())?;
            let mut loading = Loading::new(options, name, "csv", packing);
            loading.rows_of(&mut table, mapping, |_| {
                let (done, total) = progress();
                tell(done, total);
            })
        }
    }
}
