//! Minute roll-ups, kept in the transaction of the attempts that they sum.

use std::collections::BTreeMap;

use payments::{Attempt, Status};
use sqlx::AnyConnection;

use crate::error::Result;
use crate::sql::{Places, query};
use crate::status;

const MINUTE_MS: i64 = 60_000;
/// Rows per statement: one text for all full ones, so that it is prepared once.
const ROWS: usize = 64;

#[derive(Clone, Copy, Debug, Default)]
struct Change {
    attempts: i64,
    minor: i64,
    latency_ms: i64,
    latencies: i64,
}

/// What one unit of work changes, by minute, cell and status: in the order of the table.
#[derive(Debug, Default)]
pub(crate) struct Changes(BTreeMap<(i64, i64, i64), Change>);

impl Changes {
    /// An attempt was stored.
    pub fn add(&mut self, cell: i64, attempt: &Attempt) {
        let minor = attempt.amount.map_or(0, |amount| amount.minor);
        let at_ms = attempt.occurred_at.as_millis();
        self.count(at_ms, cell, attempt.status, 1, minor, attempt.latency_ms);
    }

    /// A stored one counts so many times more (or less) in a status.
    pub fn count(
        &mut self,
        at_ms: i64,
        cell: i64,
        status: Status,
        times: i64,
        minor: i64,
        latency_ms: Option<u32>,
    ) {
        let minute = at_ms.div_euclid(MINUTE_MS) * MINUTE_MS;
        let change = self.0.entry((minute, cell, status::number(status))).or_default();
        change.attempts += times;
        change.minor = change.minor.saturating_add(times * minor);
        if let Some(latency_ms) = latency_ms {
            change.latency_ms += times * i64::from(latency_ms);
            change.latencies += times;
        }
    }

    /// Writes them.
    pub async fn write(self, connection: &mut AnyConnection, places: Places) -> Result<()> {
        let rows: Vec<_> = self.0.into_iter().collect();
        for rows in rows.chunks(ROWS) {
            let text = format!(
                "INSERT INTO rollups (minute_ms, cell, status, attempts, minor, latency_ms, latencies) VALUES {} \
                 ON CONFLICT (minute_ms, cell, status) DO UPDATE SET attempts = rollups.attempts + excluded.attempts, \
                 minor = rollups.minor + excluded.minor, latency_ms = rollups.latency_ms + excluded.latency_ms, \
                 latencies = rollups.latencies + excluded.latencies",
                places.of(rows.len(), 7)
            );
            let mut insert = query(text).persistent(rows.len() == ROWS);
            for ((minute, cell, status), change) in rows {
                insert = insert
                    .bind(*minute)
                    .bind(*cell)
                    .bind(*status)
                    .bind(change.attempts)
                    .bind(change.minor)
                    .bind(change.latency_ms)
                    .bind(change.latencies);
            }
            insert.execute(&mut *connection).await?;
        }
        Ok(())
    }
}
