//! Building statements with many rows, and reading columns, for both databases.

use std::fmt::Write;

use payments::Timestamp;
use sqlx::any::{AnyArguments, AnyRow};
use sqlx::query::Query;
use sqlx::{Any, AssertSqlSafe, Row};

use crate::error::{Error, Result};

/// A statement with its values bound, from a text that this crate has put together.
pub(crate) fn query(text: String) -> Query<'static, Any, AnyArguments> {
    sqlx::query(AssertSqlSafe(text))
}

/// How a database writes the places of values in statements of many rows. Both read `$1`, but SQLite looks a named place up by walking over all of
/// them, for each value: at 1,664 places that costs more than the insert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Places {
    /// `(?,?),(?,?)`: SQLite.
    Plain,
    /// `($1,$2),($3,$4)`: PostgreSQL.
    Numbered,
}

impl Places {
    /// Rows of places.
    pub fn of(self, rows: usize, columns: usize) -> String {
        let mut text = String::with_capacity(rows * columns * 5);
        let mut place = 0;
        for row in 0..rows {
            text.push_str(if row == 0 { "(" } else { ",(" });
            for column in 0..columns {
                place += 1;
                if column > 0 {
                    text.push(',');
                }
                match self {
                    Self::Plain => text.push('?'),
                    Self::Numbered => drop(write!(text, "${place}")),
                }
            }
            text.push(')');
        }
        text
    }
}

/// A column's value.
pub(crate) fn get<'r, T>(row: &'r AnyRow, column: usize) -> Result<T>
where
    T: sqlx::Decode<'r, Any> + sqlx::Type<Any>,
{
    row.try_get(column).map_err(|e| Error::damaged("a row", e))
}

/// A column's instant.
pub(crate) fn at(row: &AnyRow, column: usize) -> Result<Timestamp> {
    Ok(Timestamp::from_millis(get(row, column)?))
}

/// A column's instant, if it has one.
pub(crate) fn maybe_at(row: &AnyRow, column: usize) -> Result<Option<Timestamp>> {
    Ok(get::<Option<i64>>(row, column)?.map(Timestamp::from_millis))
}

#[cfg(test)]
mod tests {
    #[test]
    fn places_are_numbered_through() {
        assert_eq!(super::Places::Numbered.of(2, 3), "($1,$2,$3),($4,$5,$6)");
        assert_eq!(super::Places::Plain.of(2, 3), "(?,?,?),(?,?,?)");
    }
}
