//! Parquet, without Arrow.
//!
//! Only the columns that are mapped are read, a page at a time. Time stamps keep what the schema
//! says of them: adjusted to UTC they are instants; not adjusted they are civil times, written as
//! such so that `--tz` applies. Nanoseconds (what pandas writes) have no type in the row API and
//! arrive as plain integers, so the unit is taken from the schema.

use std::fs::File;
use std::sync::Arc;

use jiff::civil::DateTime;
use jiff::{SignedDuration, Unit};
use parquet::basic::{LogicalType, TimeUnit, Type as Physical};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use parquet::record::reader::RowIter;
use parquet::schema::types::Type;

use super::table::{Row, Step, Table};
use super::{Problem, visible};

/// What an integer of a column stands for.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Plain,
    /// Ticks per second; whether they are adjusted to UTC.
    Stamp(i64, bool),
}

/// A Parquet file.
pub struct Parquet {
    columns: Vec<String>,
    kinds: Vec<Kind>,
    rows: RowIter<'static>,
    /// For each projected field, its column.
    projected: Vec<usize>,
    row: u64,
    total: u64,
}

impl Parquet {
    /// Opens the file; `select` gives the columns wanted, by index into those offered.
    pub fn open(
        file: File,
        select: impl FnOnce(&[String]) -> Result<Vec<usize>, Problem>,
    ) -> Result<Self, Problem> {
        let reader = SerializedFileReader::new(file).map_err(|e| broken(&e, 0))?;
        let total = u64::try_from(reader.metadata().file_metadata().num_rows()).unwrap_or(0);
        let schema = reader.metadata().file_metadata().schema().clone();
        let flat: Vec<Arc<Type>> =
            schema.get_fields().iter().filter(|f| f.is_primitive()).cloned().collect();
        let columns: Vec<String> = flat.iter().map(|f| f.name().to_string()).collect();
        let mut wanted = select(&columns)?;
        wanted.sort_unstable();
        wanted.dedup();
        let projection = Type::group_type_builder(schema.name())
            .with_fields(wanted.iter().map(|i| flat[*i].clone()).collect())
            .build()
            .map_err(|e| broken(&e, 0))?;
        let rows = RowIter::from_file_into(Box::new(reader))
            .project(Some(projection))
            .map_err(|e| broken(&e, 0))?;
        let kinds = flat.iter().map(|f| kind_of(f)).collect();
        Ok(Self { columns, kinds, rows, projected: wanted, row: 0, total })
    }

    /// Rows read, and rows there are.
    pub fn progress(&self) -> (u64, u64) {
        (self.row, self.total)
    }
}

impl Table for Parquet {
    fn columns(&self) -> &[String] {
        &self.columns
    }

    fn next(&mut self, row: &mut Row) -> Step {
        row.clear();
        let fields = match self.rows.next() {
            None => return Step::End,
            Some(Err(e)) => return Step::Broken(broken(&e, self.row)),
            Some(Ok(fields)) => fields,
        };
        self.row += 1;
        row.line = self.row;
        let mut fields = fields.get_column_iter();
        let mut projected = self.projected.iter().copied().peekable();
        for column in 0..self.columns.len() {
            if projected.next_if_eq(&column).is_none() {
                row.push(b"");
                continue;
            }
            match fields.next() {
                Some((_, field)) => push(row, field, self.kinds[column]),
                None => row.push(b""),
            }
        }
        Step::Row
    }
}

fn kind_of(field: &Type) -> Kind {
    let info = field.get_basic_info();
    match info.logical_type_ref() {
        Some(LogicalType::Timestamp(t)) => {
            let per_second = match t.unit {
                TimeUnit::MILLIS => 1_000,
                TimeUnit::MICROS => 1_000_000,
                TimeUnit::NANOS => 1_000_000_000,
            };
            Kind::Stamp(per_second, t.is_adjusted_to_u_t_c)
        }
        _ if field.get_physical_type() == Physical::INT96 => Kind::Stamp(1_000, true),
        _ => match info.converted_type() {
            parquet::basic::ConvertedType::TIMESTAMP_MILLIS => Kind::Stamp(1_000, true),
            parquet::basic::ConvertedType::TIMESTAMP_MICROS => Kind::Stamp(1_000_000, true),
            _ => Kind::Plain,
        },
    }
}

fn push(row: &mut Row, field: &Field, kind: Kind) {
    match (field, kind) {
        (Field::Null, _) => row.push(b""),
        (Field::Str(text), _) => row.push(text.as_bytes()),
        (Field::Bytes(bytes), _) => row.push(bytes.data()),
        (
            Field::Long(ticks) | Field::TimestampMillis(ticks) | Field::TimestampMicros(ticks),
            Kind::Stamp(per_second, adjusted),
        ) => row.push(stamp(*ticks, per_second, adjusted).as_bytes()),
        (Field::Date(days), _) => {
            row.push(civil(i64::from(*days).saturating_mul(86_400_000)).as_bytes());
        }
        (Field::Bool(yes), _) => row.push(if *yes { b"1" } else { b"0" }),
        (Field::Float(x), _) => row.push(x.to_string().as_bytes()),
        (Field::Double(x), _) => row.push(x.to_string().as_bytes()),
        (other, _) => row.push(other.to_string().as_bytes()),
    }
}

/// Epoch milliseconds for instants, a civil time for what has no zone.
fn stamp(ticks: i64, per_second: i64, adjusted: bool) -> String {
    let ms = if per_second >= 1_000 { ticks.div_euclid(per_second / 1_000) } else { ticks };
    if adjusted { ms.to_string() } else { civil(ms) }
}

fn civil(ms: i64) -> String {
    let epoch = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);
    match epoch.checked_add(SignedDuration::from_millis(ms)) {
        Ok(at) => {
            at.round(Unit::Millisecond).unwrap_or(at).strftime("%Y-%m-%dT%H:%M:%S%.f").to_string()
        }
        Err(_) => ms.to_string(),
    }
}

fn broken(error: &dyn std::fmt::Display, row: u64) -> Problem {
    Problem::new(
        "unreadable",
        format!("the Parquet file can't be read beyond this row: {}", visible(&error.to_string())),
    )
    .on(row)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_keep_what_the_schema_says() {
        assert_eq!(stamp(1_581_616_800_000_000_000, 1_000_000_000, true), "1581616800000");
        assert_eq!(stamp(1_581_616_800_000_000, 1_000_000, false), "2020-02-13T18:00:00");
        assert_eq!(stamp(1_581_616_800_250, 1_000, false), "2020-02-13T18:00:00.25");
        assert_eq!(stamp(-1, 1_000_000, true), "-1");
    }
}
