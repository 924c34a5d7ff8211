//! Storing attempts: each id once, an unknown outcome replaced once.
//!
//! New ids are found by inserting: the unique index is walked once per attempt, and only those that it refused are looked
//! up. Statements have a fixed number of rows, so that they are prepared once; what is left over goes in a shorter one.

use std::collections::BTreeMap;

use payments::{Attempt, Code, Currency, Initiator, Money, Status, Timestamp};
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use crate::cells::Cells;
use crate::error::{Error, Result};
use crate::rollups::Changes;
use crate::rows::Verdict;
use crate::sql::{Places, at, get, query};
use crate::status;

/// Rows per statement.
const ROWS: usize = 128;
const COLUMNS: usize = 13;

/// Fields that few queries ask for.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct More {
    #[serde(skip_serializing_if = "Option::is_none")]
    bin: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    propensity: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    initiator: Option<Initiator>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mcc: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    customer_ref: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    device_ref: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    terminal_ref: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ip_country: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    attributes: BTreeMap<String, String>,
}

/// Stores attempts in order; a verdict for each.
pub(crate) async fn store(
    connection: &mut AnyConnection,
    cells: &mut Cells,
    places: Places,
    attempts: &[Attempt],
) -> Result<Vec<Verdict>> {
    // Of an id that comes twice, the first is inserted and the second meets it.
    let mut first = FxHashMap::<&str, usize>::default();
    let mut fresh = Vec::with_capacity(attempts.len());
    let mut again = Vec::new();
    for (at, attempt) in attempts.iter().enumerate() {
        if first.insert(&attempt.attempt_id, at).is_none() {
            fresh.push(at)
        } else {
            again.push(at)
        }
    }
    let mut verdicts = vec![Verdict::New; attempts.len()];
    let mut changes = Changes::default();
    for rows in fresh.chunks(ROWS) {
        for at in insert(connection, cells, places, attempts, rows, &mut changes).await? {
            again.push(at);
        }
    }
    again.sort_unstable();
    for at in again {
        verdicts[at] = meet(connection, &attempts[at], &mut changes).await?;
    }
    changes.write(connection, places).await?;
    Ok(verdicts)
}

/// Inserts what is new; gives back those whose id is known.
async fn insert(
    connection: &mut AnyConnection,
    cells: &mut Cells,
    places: Places,
    attempts: &[Attempt],
    rows: &[usize],
    changes: &mut Changes,
) -> Result<Vec<usize>> {
    let text = format!(
        "INSERT INTO attempts (seq, attempt_id, payment_id, attempt_number, occurred_at_ms, cell, minor, status, \
         code_source, code_value, latency_ms, decision_id, more) VALUES {} \
         ON CONFLICT (attempt_id) DO NOTHING RETURNING seq",
        places.of(rows.len(), COLUMNS)
    );
    let mut insert = query(text).persistent(rows.len() == ROWS);
    let start = cells.seq;
    let mut numbers = Vec::with_capacity(rows.len());
    for at in rows {
        let attempt = &attempts[*at];
        let cell = cells.of(connection, attempt).await?;
        numbers.push(cell);
        cells.seq += 1;
        let code = attempt.code.as_ref();
        insert = insert
            .bind(cells.seq)
            .bind(attempt.attempt_id.clone())
            .bind(attempt.payment_id.clone())
            .bind(i64::from(attempt.attempt_number))
            .bind(attempt.occurred_at.as_millis())
            .bind(cell)
            .bind(attempt.amount.map(|amount| amount.minor))
            .bind(status::number(attempt.status))
            .bind(code.map(|code| code.source.clone()))
            .bind(code.map(|code| code.value.clone()))
            .bind(attempt.latency_ms.map(i64::from))
            .bind(attempt.decision_id.clone())
            .bind(more(attempt));
    }
    let stored = insert.fetch_all(connection).await?;
    let mut is_new = vec![false; rows.len()];
    for row in &stored {
        let seq: i64 = get(row, 0)?;
        is_new[(seq - start - 1) as usize] = true;
    }
    let mut known = Vec::new();
    for (place, at) in rows.iter().enumerate() {
        if is_new[place] {
            changes.add(numbers[place], &attempts[*at]);
        } else {
            known.push(*at);
        }
    }
    Ok(known)
}

/// An attempt whose id is stored: a final status may replace an unknown one, once.
async fn meet(
    connection: &mut AnyConnection,
    attempt: &Attempt,
    changes: &mut Changes,
) -> Result<Verdict> {
    let row = sqlx::query(
        "SELECT seq, status, occurred_at_ms, cell, minor, latency_ms FROM attempts WHERE attempt_id = $1",
    )
    .bind(attempt.attempt_id.clone())
    .fetch_one(&mut *connection)
    .await?;
    let previous = status::of(get(&row, 1)?)
        .ok_or_else(|| Error::damaged("an attempt", "its status is no number of ours"))?;
    if previous.is_final() || !attempt.status.is_final() {
        return Ok(Verdict::Duplicate);
    }
    let (seq, at_ms, cell): (i64, i64, i64) = (get(&row, 0)?, get(&row, 2)?, get(&row, 3)?);
    let minor = get::<Option<i64>>(&row, 4)?.unwrap_or(0);
    let latency = get::<Option<i64>>(&row, 5)?.and_then(|ms| u32::try_from(ms).ok());
    let code = attempt.code.as_ref();
    sqlx::query(
        "UPDATE attempts SET status = $1, code_source = $2, code_value = $3, latency_ms = $4 WHERE seq = $5",
    )
    .bind(status::number(attempt.status))
    .bind(code.map(|code| code.source.clone()))
    .bind(code.map(|code| code.value.clone()))
    .bind(attempt.latency_ms.or(latency).map(i64::from))
    .bind(seq)
    .execute(connection)
    .await?;
    changes.count(at_ms, cell, previous, -1, minor, latency);
    changes.count(at_ms, cell, attempt.status, 1, minor, attempt.latency_ms.or(latency));
    Ok(Verdict::Updated { previous, occurred_at: Timestamp::from_millis(at_ms) })
}

fn more(attempt: &Attempt) -> Option<String> {
    let more = More {
        bin: attempt.bin.clone(),
        propensity: attempt.propensity,
        initiator: attempt.initiator,
        mcc: attempt.mcc.clone(),
        customer_ref: attempt.customer_ref.clone(),
        device_ref: attempt.device_ref.clone(),
        terminal_ref: attempt.terminal_ref.clone(),
        ip_country: attempt.ip_country.clone(),
        attributes: attempt.attributes.clone(),
    };
    (more != More::default()).then(|| serde_json::to_string(&more).unwrap_or_default())
}

/// The columns that [`read`] wants, in its order.
pub(crate) const SELECT: &str = "SELECT a.attempt_id, a.payment_id, a.attempt_number, a.occurred_at_ms, a.minor, \
     a.status, a.code_source, a.code_value, a.latency_ms, a.decision_id, a.more, c.gateway, c.method, c.network, \
     c.issuer, c.country, c.merchant_id, c.currency FROM attempts a JOIN cells c ON c.id = a.cell";

/// An attempt from its row.
pub(crate) fn read(row: &AnyRow) -> Result<Attempt> {
    const WHAT: &str = "an attempt";
    let more: Option<String> = get(row, 10)?;
    let more: More = match more {
        Some(text) => serde_json::from_str(&text).map_err(|e| Error::damaged(WHAT, e))?,
        None => More::default(),
    };
    let currency: Option<String> = get(row, 17)?;
    let currency = currency.as_deref().and_then(Currency::parse);
    let minor: Option<i64> = get(row, 4)?;
    let code = match (get::<Option<String>>(row, 6)?, get::<Option<String>>(row, 7)?) {
        (Some(source), Some(value)) => Some(Code { source, value }),
        _ => None,
    };
    let small = |column| -> Result<Option<u32>> {
        Ok(get::<Option<i64>>(row, column)?.and_then(|n| u32::try_from(n).ok()))
    };
    let status: Option<Status> = status::of(get(row, 5)?);
    Ok(Attempt {
        attempt_id: get(row, 0)?,
        payment_id: get(row, 1)?,
        attempt_number: small(2)?.unwrap_or(1),
        occurred_at: at(row, 3)?,
        merchant_id: get(row, 16)?,
        amount: minor.zip(currency).map(|(minor, currency)| Money { minor, currency }),
        gateway: get(row, 11)?,
        method: get(row, 12)?,
        network: get(row, 13)?,
        issuer: get(row, 14)?,
        country: get(row, 15)?,
        bin: more.bin,
        status: status.ok_or_else(|| Error::damaged(WHAT, "its status is no number of ours"))?,
        code,
        latency_ms: small(8)?,
        decision_id: get(row, 9)?,
        propensity: more.propensity,
        initiator: more.initiator,
        mcc: more.mcc,
        customer_ref: more.customer_ref,
        device_ref: more.device_ref,
        terminal_ref: more.terminal_ref,
        ip_country: more.ip_country,
        attributes: more.attributes,
    })
}
