//! A row of cells becomes an attempt, or a count of attempts.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use payments::{
    Attempt, AttemptDraft, Bucket, Currency, EventError, Field, Money, Reason, Timestamp,
};

use super::map::{Key, Mapping};
use super::pack::Counted;
use super::table::Row;
use super::{Problem, status};

/// How far ahead of the wall clock an event may lie.
pub const AHEAD_MS_MAX: i64 = 5 * 60_000;
/// The longest value.
const CHARS_MAX: usize = 128;

/// What a row holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// One attempt; the flag says whether its id came from the file.
    Attempt(Box<Attempt>, bool),
    /// Attempts counted in the row.
    Counted(Counted),
}

/// Reads rows by a mapping.
pub struct Interpreter {
    mapping: Mapping,
    dimensions: Vec<(String, usize)>,
    zone: TimeZone,
    now: Timestamp,
    currency: Option<Currency>,
    has_currency: bool,
    time_before: (Vec<u8>, Timestamp),
    /// Outcomes under names of the file's own, and what they were read as.
    pub statuses: BTreeMap<String, (&'static str, u64)>,
}

impl Interpreter {
    /// `dimensions` are the ones kept, with their columns; `now` is the wall clock.
    pub fn new(
        mapping: Mapping,
        dimensions: Vec<(String, usize)>,
        zone: TimeZone,
        now: Timestamp,
    ) -> Self {
        let currency = mapping.currency.as_deref().and_then(Currency::parse);
        let has_currency =
            currency.is_some() || mapping.column(&Key::Field(Field::AmountCurrency)).is_some();
        Self {
            has_currency,
            mapping,
            dimensions,
            zone,
            now,
            currency,
            time_before: (Vec::new(), Timestamp::from_millis(0)),
            statuses: BTreeMap::new(),
        }
    }

    /// Reads one row; every problem names its field.
    pub fn read(&mut self, row: &Row) -> Result<Item, Problem> {
        self.sound(row)?;
        let at = self.time(row)?;
        if self.mapping.counted() { self.counted(row, at) } else { self.attempt(row, at) }
            .map_err(|p| p.on(row.line))
    }

    /// What makes a row unfit whatever it says: NUL bytes, other encodings, card numbers.
    fn sound(&self, row: &Row) -> Result<(), Problem> {
        let column = |wrong: &dyn Fn(&[u8]) -> bool| {
            (0..row.len())
                .find(|i| wrong(row.cell(*i)))
                .map_or_else(|| "row".to_string(), |i| self.mapping.label(i))
        };
        if memchr::memchr(0, row.bytes()).is_some() {
            let field = column(&|cell| cell.contains(&0));
            return Err(Problem::new("nul", "holds a NUL byte").at(&field).on(row.line));
        }
        if std::str::from_utf8(row.bytes()).is_err() {
            let field = column(&|cell| std::str::from_utf8(cell).is_err());
            return Err(Problem::new("utf8", "is no UTF-8 text").at(&field).on(row.line));
        }
        if may_hold_pan(row.bytes()) {
            for i in (0..row.len()).filter(|i| !self.mapping.is_number(*i)) {
                if std::str::from_utf8(row.cell(i)).is_ok_and(payments::holds_pan) {
                    return Err(Problem::new(
                        "card_number",
                        "holds a card number; the row is refused and the number is not shown",
                    )
                    .at(&self.mapping.label(i))
                    .on(row.line));
                }
            }
        }
        Ok(())
    }

    fn time(&mut self, row: &Row) -> Result<Timestamp, Problem> {
        let cell = self.cell(row, Field::OccurredAt);
        if !cell.is_empty() && cell == self.time_before.0 {
            return Ok(self.time_before.1);
        }
        let wrong =
            |kind, detail: String| Problem::new(kind, detail).at("time").got(cell).on(row.line);
        if cell.is_empty() {
            return Err(missing("time").on(row.line));
        }
        let at = Timestamp::parse_civil(text(cell), &self.zone).map_err(|e| {
            wrong(
                "time",
                format!(
                    "{e}; allowed are RFC 3339, YYYY-MM-DD HH[:MM[:SS]] and epoch milliseconds"
                ),
            )
        })?;
        if at.as_millis() > self.now.as_millis() + AHEAD_MS_MAX {
            return Err(wrong("future", "lies in the future".into()));
        }
        self.time_before.0.clear();
        self.time_before.0.extend_from_slice(cell);
        self.time_before.1 = at;
        Ok(at)
    }

    fn counted(&mut self, row: &Row, at: Timestamp) -> Result<Item, Problem> {
        let attempts = count("attempts", self.count_cell(row, &Key::Attempts))?;
        let cell = self.count_cell(row, &Key::Successes);
        let successes = count("successes", cell)?;
        if successes > attempts {
            return Err(Problem::new(
                "successes",
                format!("more than the {attempts} attempts of the row"),
            )
            .at("successes")
            .got(cell));
        }
        let amount = self.total(row)?;
        let mut values = Vec::with_capacity(self.dimensions.len());
        for (name, column) in &self.dimensions {
            let found = value(name, row.cell(*column))?;
            if name == "country" && !found.is_empty() && !payments::is_country(found) {
                let detail = "is no ISO 3166 alpha-2 code in capitals, such as IN";
                return Err(Problem::new("country", detail).at(name).got(found.as_bytes()));
            }
            values.push(found.to_string());
        }
        Ok(Item::Counted(Counted { at, values, attempts, successes, amount }))
    }

    fn attempt(&mut self, row: &Row, at: Timestamp) -> Result<Item, Problem> {
        let mut draft = AttemptDraft::default();
        draft.set_time(at);
        let mut has_id = false;
        for (key, column) in self.mapping.pairs() {
            let cell = text(row.cell(column));
            if cell.is_empty() {
                continue;
            }
            match key {
                // Both are read below; without a currency amounts mean nothing.
                Key::Attempts | Key::Successes => continue,
                Key::Field(Field::OccurredAt | Field::Status) => continue,
                Key::Field(Field::AmountMinor) if !self.has_currency => continue,
                Key::Field(
                    field @ (Field::AmountMinor | Field::LatencyMs | Field::AttemptNumber),
                ) => draft.set(*field, text(whole(cell.as_bytes()))),
                Key::Field(field) => {
                    has_id |= *field == Field::AttemptId;
                    draft.set(*field, cell)
                }
                Key::Attribute(name) => draft.attribute(name, cell),
            }
            .map_err(|e| refused(&e, Some(key.name())))?;
        }
        if let Some(currency) = self.currency
            && !self.cell(row, Field::AmountMinor).is_empty()
        {
            let set = draft.set(Field::AmountCurrency, currency.as_str());
            set.map_err(|e| refused(&e, None))?;
        }
        let status = self.status(row)?;
        draft.set(Field::Status, status).map_err(|e| refused(&e, Some("status")))?;
        let attempt =
            draft.finish_mapped(&format!("row-{}", row.line)).map_err(|e| refused(&e, None))?;
        Ok(Item::Attempt(Box::new(attempt), has_id))
    }

    /// By name, or by a success of 0 or 1; as the event's name of it.
    fn status(&mut self, row: &Row) -> Result<&'static str, Problem> {
        if self.mapping.column(&Key::Field(Field::Status)).is_some() {
            let cell = self.cell(row, Field::Status);
            if cell.is_empty() {
                return Err(missing("status"));
            }
            let (status, own) = status::parse(text(cell)).ok_or_else(|| {
                Problem::new("status", format!("is no outcome; allowed are {}", status::ALLOWED))
                    .at("status")
                    .got(cell)
            })?;
            if !own {
                self.statuses.entry(super::shown(cell)).or_insert((status, 0)).1 += 1;
            }
            return Ok(status);
        }
        let cell = self.count_cell(row, &Key::Successes);
        match cell.to_ascii_lowercase().as_slice() {
            b"" => Err(missing("successes")),
            b"1" | b"true" | b"t" | b"yes" | b"y" | b"1.0" => Ok("approved"),
            b"0" | b"false" | b"f" | b"no" | b"n" | b"0.0" => Ok("declined"),
            _ => Err(Problem::new(
                "successes",
                "without a column of attempts each row is one attempt: allowed are 0 and 1",
            )
            .at("successes")
            .got(cell)),
        }
    }

    /// What all attempts of a counted row asked for together.
    fn total(&self, row: &Row) -> Result<Option<Money>, Problem> {
        let cell = self.cell(row, Field::AmountMinor);
        if cell.is_empty() || !self.has_currency {
            return Ok(None);
        }
        let wrong = |detail: &str| Problem::new("amount", detail).at("minor").got(cell);
        if cell.starts_with(b"-") {
            return Err(wrong("is negative; allowed are whole minor units from 0 to 2^53-1"));
        }
        let minor = text(whole(cell))
            .parse()
            .map_err(|_| wrong("is no amount; allowed are whole minor units from 0 to 2^53-1"))?;
        let code = self.cell(row, Field::AmountCurrency);
        let currency = match (code, self.currency) {
            (b"", Some(currency)) => currency,
            (b"", None) => return Err(missing("currency")),
            _ => Currency::parse(text(code)).ok_or_else(|| {
                Problem::new("currency", "is no ISO 4217 code in capitals, such as INR")
                    .at("currency")
                    .got(code)
            })?,
        };
        Money::of_attempt(minor, currency).map(Some).map_err(|e| wrong(&e.to_string()))
    }

    fn cell<'r>(&self, row: &'r Row, field: Field) -> &'r [u8] {
        self.count_cell(row, &Key::Field(field))
    }

    fn count_cell<'r>(&self, row: &'r Row, key: &Key) -> &'r [u8] {
        self.mapping.column(key).map_or(b"", |at| row.cell(at))
    }
}

fn missing(field: &str) -> Problem {
    Problem::new("missing", "is missing").at(field)
}

/// The row has been checked to be UTF-8.
fn text(cell: &[u8]) -> &str {
    std::str::from_utf8(cell).unwrap_or_default()
}

/// Without a fraction of zeros, which exporters add to integers.
fn whole(cell: &[u8]) -> &[u8] {
    match memchr::memchr(b'.', cell) {
        Some(at) if at > 0 && cell[at + 1..].iter().all(|b| *b == b'0') => &cell[..at],
        _ => cell,
    }
}

fn count(field: &str, cell: &[u8]) -> Result<u64, Problem> {
    if cell.is_empty() {
        return Err(missing(field));
    }
    // Bounded, so that sums over a file can't overflow.
    const COUNT_MAX: u64 = 1 << 40;
    text(whole(cell)).parse().ok().filter(|n| *n <= COUNT_MAX).ok_or_else(|| {
        Problem::new("count", "must be a whole number from 0 to 2^40").at(field).got(cell)
    })
}

fn value<'a>(field: &str, cell: &'a [u8]) -> Result<&'a str, Problem> {
    let found = text(cell);
    if found.len() > CHARS_MAX && found.chars().count() > CHARS_MAX {
        return Err(Problem::new("length", format!("is longer than {CHARS_MAX} characters"))
            .at(field)
            .got(cell));
    }
    Ok(found)
}

/// What the event's own rules say, with the name that the file's user knows the field by.
pub fn refused(error: &EventError, name: Option<&str>) -> Problem {
    let kind = match error.reason {
        Reason::Missing => "missing",
        Reason::Duplicate => "given_twice",
        Reason::NotAllowed => "not_allowed",
        Reason::Contradiction => "contradiction",
        Reason::NulByte => "nul",
        Reason::CardNumber => "card_number",
        Reason::Malformed => "malformed",
    };
    let mut problem = Problem::new(kind, format!("{}; allowed: {}", error.reason, error.allowed))
        .at(name.unwrap_or(&error.field));
    if error.reason != Reason::Missing {
        // Already shortened, escaped and masked.
        problem.got = Some(error.got.trim_matches('"').into());
    }
    problem
}

/// A quick look for 13 digits in a row, single spaces and hyphens aside; misses nothing that
/// the rule for card numbers refuses.
fn may_hold_pan(bytes: &[u8]) -> bool {
    let mut digits = 0;
    for b in bytes {
        match b {
            b'0'..=b'9' => {
                digits += 1;
                if digits >= 13 {
                    return true;
                }
            }
            b' ' | b'-' => {}
            _ => digits = 0,
        }
    }
    false
}

impl Counted {
    /// As the engine takes it.
    pub fn bucket(&self, dimensions: &[(String, usize)]) -> Bucket {
        Bucket {
            starts_at: self.at,
            dimensions: dimensions
                .iter()
                .zip(&self.values)
                .filter(|(_, value)| !value.is_empty())
                .map(|((name, _), value)| (name.clone(), value.clone()))
                .collect(),
            attempts: self.attempts,
            successes: self.successes,
            amount: self.amount,
        }
    }
}
