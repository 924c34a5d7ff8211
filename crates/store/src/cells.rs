//! Cells: the combinations of dimensions, by number.
//!
//! Attempts repeat a few thousand combinations of names; a row that holds a number instead is half as long, and roll-ups are
//! small. Numbers are given by the one writer. A cache holds those of late; it is emptied when it is full, so memory is bounded.

use payments::Attempt;
use rustc_hash::FxHashMap;
use sqlx::AnyConnection;

use crate::error::Result;

/// Names remembered: 100 bytes each.
const KEPT_MAX: usize = 200_000;
/// Neither occurs in a name that was accepted.
const END: char = '\u{1f}';
const ABSENT: char = '\u{1e}';

/// The writer's counters and cache.
#[derive(Debug)]
pub(crate) struct Cells {
    /// The last row's number.
    pub seq: i64,
    last: i64,
    known: FxHashMap<String, i64>,
    /// Given by the open unit of work: forgotten if it fails.
    fresh: Vec<String>,
}

impl Cells {
    pub fn new(seq: i64, last: i64) -> Self {
        Self { seq, last, known: FxHashMap::default(), fresh: Vec::new() }
    }

    /// The open work is durable.
    pub fn keep(&mut self) {
        self.fresh.clear();
    }

    /// The open work came to nothing.
    pub fn undo(&mut self) {
        for name in self.fresh.drain(..) {
            self.known.remove(&name);
        }
    }

    /// The number of an attempt's combination.
    pub async fn of(&mut self, connection: &mut AnyConnection, attempt: &Attempt) -> Result<i64> {
        let name = name(attempt);
        if let Some(id) = self.known.get(&name) {
            return Ok(*id);
        }
        if self.known.len() >= KEPT_MAX {
            self.known.clear();
        }
        let found: Option<i64> = sqlx::query_scalar("SELECT id FROM cells WHERE name = $1")
            .bind(name.clone())
            .fetch_optional(&mut *connection)
            .await?;
        let id = match found {
            Some(id) => id,
            None => {
                self.last += 1;
                insert(connection, self.last, &name, attempt).await?;
                self.last
            }
        };
        self.fresh.push(name.clone());
        self.known.insert(name, id);
        Ok(id)
    }
}

async fn insert(
    connection: &mut AnyConnection,
    id: i64,
    name: &str,
    attempt: &Attempt,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO cells (id, name, gateway, method, network, issuer, country, merchant_id, currency) \
         VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9)",
    )
    .bind(id)
    .bind(name.to_owned())
    .bind(attempt.gateway.clone())
    .bind(attempt.method.clone())
    .bind(attempt.network.clone())
    .bind(attempt.issuer.clone())
    .bind(attempt.country.clone())
    .bind(attempt.merchant_id.clone())
    .bind(attempt.amount.map(|amount| amount.currency.to_string()))
    .execute(connection)
    .await?;
    Ok(())
}

fn name(attempt: &Attempt) -> String {
    let currency = attempt.amount.map(|amount| amount.currency.to_string());
    let parts = [
        Some(attempt.gateway.as_str()),
        Some(attempt.method.as_str()),
        attempt.network.as_deref(),
        attempt.issuer.as_deref(),
        attempt.country.as_deref(),
        Some(attempt.merchant_id.as_str()),
        currency.as_deref(),
    ];
    let mut name = String::with_capacity(96);
    for part in parts {
        match part {
            Some(part) => name.push_str(part),
            None => name.push(ABSENT),
        }
        name.push(END);
    }
    name
}
