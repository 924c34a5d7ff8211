//! A file while it is read: rows are checked, packed and sorted; what was wrong is collected.

use std::io::{self, BufRead};

use payments::Field;

use super::duplicates::Ids;
use super::file::{Loaded, Options};
use super::map::{Key, Mapping};
use super::pack::pack_attempt;
use super::row::{Interpreter, Item};
use super::sort::Sorter;
use super::source::Packing;
use super::table::{Row, Step, Table};
use super::{Problem, Skipped, ndjson, visible};

/// The most dimensions the analyst takes.
const DIMENSIONS_MAX: usize = 8;
/// How often progress is told, in rows.
const TELL_EVERY: u64 = 8_192;
/// The tick for single attempts whose times are finer than a minute.
const TICK_MS: i64 = 1_000;
/// The most ticks that a file may span: 70 days of seconds.
const TICKS_MAX: i64 = 6_048_000;
/// Times that all lie on this grid are bucket starts, whatever the rows hold.
const COARSE_MS: i64 = 60_000;

/// A file being read.
pub struct Loading<'a> {
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
    /// Nothing is read yet.
    pub fn new(options: &'a Options, name: &str, format: &'static str, packing: Packing) -> Self {
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

    /// Reads a table by a mapping.
    pub fn rows_of<T: Table>(
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

    /// Reads attempt events.
    pub fn events_of(
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
                let is_final = attempt.status.is_final();
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
