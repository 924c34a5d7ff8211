//! One file, read whole: checked, sorted by time, ready for the engine.

use std::io::{self, BufRead, Read};
use std::path::Path;

use engine::Input;
use jiff::tz::TimeZone;
use payments::{Field, Status, Timestamp};

use super::csv::Csv;
use super::duplicates::{Ids, Repeated};
use super::map::{Key, Mapping, Wish};
use super::pack::{Counted, pack_attempt, unpack_attempt};
use super::parquet::Parquet;
use super::row::{Interpreter, Item};
use super::sort::{MEMORY_BYTES, Sorted, Sorter};
use super::source::{self, Packing, Source, Taken};
use super::table::{Row, Step, Table};
use super::{Problem, Skipped, ndjson, visible};

/// The most dimensions the analyst takes.
const DIMENSIONS_MAX: usize = 8;
/// Inputs are handed on in pieces of this many rows.
const BATCH: usize = 4_096;
/// How often progress is told, in rows.
const TELL_EVERY: u64 = 8_192;
/// The tick for single attempts whose times are finer than a minute.
const TICK_MS: i64 = 1_000;
/// The most ticks that a file may span: 400 days of seconds.
const TICKS_MAX: i64 = 34_560_000;
/// Times that all lie on this grid are bucket starts, whatever the rows hold.
const COARSE_MS: i64 = 60_000;

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
    sorted: Sorted,
    repeated: Repeated,
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

/// A file being read.
struct Loading<'a> {
    options: &'a Options,
    name: String,
    format: &'static str,
    packing: Packing,
    sorter: Sorter,
    ids: Ids,
    rows: u64,
    grid: i64,
    earliest: i64,
    latest: i64,
    skipped: Skipped,
    incomplete: Option<Problem>,
    notes: Vec<String>,
    packed: Vec<u8>,
}

impl<'a> Loading<'a> {
    fn new(options: &'a Options, name: &str, format: &'static str, packing: Packing) -> Self {
        Self {
            options,
            name: name.into(),
            format,
            packing,
            sorter: Sorter::new(options.memory_bytes),
            ids: Ids::new(options.memory_bytes / 4),
            rows: 0,
            grid: 0,
            earliest: i64::MAX,
            latest: i64::MIN,
            skipped: Skipped::default(),
            incomplete: None,
            notes: Vec::new(),
            packed: Vec::new(),
        }
    }

    fn rows_of<T: Table>(
        &mut self,
        table: &mut T,
        mapping: Mapping,
        mut tell: impl FnMut(&T),
    ) -> Result<Loaded, Problem> {
        let mut dimensions = mapping.dimensions();
        let left_out: Vec<String> = dimensions
            .split_off(dimensions.len().min(DIMENSIONS_MAX))
            .into_iter()
            .map(|d| d.0)
            .collect();
        if !left_out.is_empty() {
            self.notes.push(format!(
                "at most {DIMENSIONS_MAX} dimensions are analysed; left out: {}",
                left_out.join(", ")
            ));
        }
        if mapping.column(&Key::Field(Field::AmountMinor)).is_some()
            && mapping.column(&Key::Field(Field::AmountCurrency)).is_none()
            && mapping.currency.is_none()
        {
            self.notes.push(
                "amounts are left out: map a column of currencies, or name the one currency, e.g. currency=INR".into(),
            );
        }
        let (counted, text, guessed) = (mapping.counted(), mapping.to_string(), mapping.guessed());
        let mut interpreter = Interpreter::new(
            mapping,
            dimensions.clone(),
            self.options.zone.clone(),
            self.options.now,
        );
        let mut row = Row::default();
        let mut seen = 0u64;
        loop {
            seen += 1;
            if seen.is_multiple_of(TELL_EVERY) {
                tell(table);
            }
            match table.next(&mut row) {
                Step::End => break,
                Step::Broken(problem) => {
                    self.incomplete = Some(problem.of(&self.name));
                    break;
                }
                Step::Bad(problem) => self.skipped.add(problem.of(&self.name)),
                Step::Row => match interpreter.read(&row) {
                    Err(problem) => self.skipped.add(problem.on(row.line).of(&self.name)),
                    Ok(item) => self.add(&item, row.line).map_err(no_room)?,
                },
            }
        }
        for (name, (status, rows)) in &interpreter.statuses {
            self.notes.push(format!("status \"{name}\" is read as {status} ({rows} rows)"));
        }
        let names = dimensions.into_iter().map(|d| d.0).collect();
        self.close(names, counted, text, guessed)
    }

    fn events_of(
        &mut self,
        stream: Box<dyn BufRead + Send>,
        mut tell: impl FnMut(),
    ) -> Result<Loaded, Problem> {
        let mut events = ndjson::Events::new(stream, self.options.now);
        let mut seen = 0u64;
        loop {
            seen += 1;
            if seen.is_multiple_of(TELL_EVERY) {
                tell();
            }
            match events.next() {
                ndjson::Next::End => break,
                ndjson::Next::Broken(problem) => {
                    self.incomplete = Some(problem.of(&self.name));
                    break;
                }
                ndjson::Next::Bad(problem) => self.skipped.add(problem.of(&self.name)),
                ndjson::Next::Attempt(line, attempt) => {
                    self.add(&Item::Attempt(attempt, true), line).map_err(no_room)?;
                }
            }
        }
        let mut names: Vec<String> = super::DIMENSIONS.map(|d| d.as_str().to_string()).to_vec();
        names.extend(events.attributes().map(String::from));
        if names.len() > DIMENSIONS_MAX {
            let left_out = names.split_off(DIMENSIONS_MAX);
            self.notes.push(format!(
                "at most {DIMENSIONS_MAX} dimensions are analysed; left out: {}",
                left_out.join(", ")
            ));
        }
        self.close(names, false, String::new(), false)
    }

    fn add(&mut self, item: &Item, line: u64) -> io::Result<()> {
        self.rows += 1;
        self.packed.clear();
        match item {
            Item::Counted(row) => {
                self.earliest = self.earliest.min(row.at.as_millis());
                self.latest = self.latest.max(row.at.as_millis());
                let key = row.pack(&mut self.packed);
                self.sorter.push(row.at.as_millis(), key, &self.packed)
            }
            Item::Attempt(attempt, has_id) => {
                let at = attempt.occurred_at.as_millis();
                self.grid = gcd(self.grid, at);
                self.earliest = self.earliest.min(at);
                self.latest = self.latest.max(at);
                let is_final = !matches!(attempt.status, Status::Unknown | Status::Timeout);
                let id = has_id.then_some(attempt.attempt_id.as_str());
                let row = self.ids.add(id, line, is_final)?;
                self.packed.extend_from_slice(&row.to_le_bytes());
                pack_attempt(attempt, &mut self.packed)?;
                self.sorter.push(at, 0, &self.packed)
            }
        }
    }

    fn close(
        &mut self,
        dimensions: Vec<String>,
        counted: bool,
        mapping: String,
        guessed: bool,
    ) -> Result<Loaded, Problem> {
        let empty = || (Sorter::new(0), Ids::new(0));
        let (sorter, ids) = empty();
        let sorter = std::mem::replace(&mut self.sorter, sorter);
        let repeated = std::mem::replace(&mut self.ids, ids).finish().map_err(no_room)?;
        for line in &repeated.lines {
            self.skipped.add(
                Problem::new(
                    "duplicate",
                    "repeats an attempt id that was read before; counted once",
                )
                .at("attempt_id")
                .on(*line)
                .of(&self.name),
            );
        }
        let beyond = repeated.duplicates - repeated.lines.len() as u64;
        self.skipped.total += beyond;
        if beyond > 0 {
            *self.skipped.reasons.entry("duplicate").or_default() += beyond;
        }
        if repeated.updated > 0 {
            self.notes.push(format!(
                "{} unknown or timed-out attempts were replaced by their final status",
                repeated.updated
            ));
        }
        self.rows -= repeated.duplicates + repeated.updated;
        const YEAR_1973_MS: i64 = 94_694_400_000;
        if self.rows > 0 && self.latest < YEAR_1973_MS {
            self.notes.push(
                "all times lie before 1973: whole numbers are milliseconds since 1970, not seconds"
                    .into(),
            );
        }
        let mut sorted = sorter.finish().map_err(no_room)?;
        let coarse = self.grid >= COARSE_MS || (self.grid == 0 && !counted);
        let tick_ms = if counted || coarse {
            let whole_hour = self.latest.rem_euclid(3_600_000) == 0;
            let alone = if whole_hour { 3_600_000 } else { COARSE_MS };
            sorted.smallest_gap().map_err(no_room)?.unwrap_or(alone).max(TICK_MS)
        } else {
            TICK_MS
        };
        let fine = tick_ms;
        let tick_ms = self.bounded(tick_ms);
        if tick_ms > fine {
            self.notes.push(format!(
                "the times span {} days: judged every {} s (is a row misdated?)",
                (self.latest - self.earliest) / 86_400_000,
                tick_ms / 1_000
            ));
        } else if !counted && tick_ms >= COARSE_MS {
            self.notes.push(format!(
                "times stand on a grid of {} s: each is taken for the start of a bucket of that length",
                tick_ms / 1_000
            ));
        }
        if sorted.spilled() {
            self.notes.push("larger than the memory for sorting: temporary files were used".into());
        }
        Ok(Loaded {
            name: self.name.clone(),
            format: self.format,
            compression: self.packing.name(),
            mapping,
            guessed,
            dimensions,
            counted,
            tick_ms,
            rows: self.rows,
            skipped: std::mem::take(&mut self.skipped),
            incomplete: self.incomplete.take(),
            notes: std::mem::take(&mut self.notes),
            sorted,
            repeated,
        })
    }
}

impl Loading<'_> {
    /// A tick so long that the file's span has a bounded number of them: one row dated 1970 must
    /// not cost a billion empty ticks.
    fn bounded(&self, tick_ms: i64) -> i64 {
        let least = self.latest.saturating_sub(self.earliest) / TICKS_MAX;
        let longer = [10_000, 60_000, 600_000, 3_600_000, 86_400_000];
        if least <= tick_ms {
            return tick_ms;
        }
        longer.into_iter().find(|ms| *ms >= least).unwrap_or(least)
    }
}

fn no_room(error: io::Error) -> Problem {
    Problem::new(
        "temporary_files",
        format!(
            "sorting needs room for temporary files in {}: {} (set TMPDIR to a larger place)",
            visible(&std::env::temp_dir().to_string_lossy()),
            visible(&error.to_string())
        ),
    )
}

fn gcd(mut a: i64, mut b: i64) -> i64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a.abs()
}
