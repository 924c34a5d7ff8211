//! The outbox's statements that read.

use payments::Timestamp;
use sqlx::AnyPool;
use sqlx::any::AnyRow;

use super::rows::{Alert, Delivery, DeliveryState, Due, Silence, Stage};
use crate::error::Result;
use crate::rows::Wanted;
use crate::sql::{at, get, maybe_at, query};

const ALERT: &str = "a.id, a.place, a.at_ms, a.about, a.kind, a.stage, a.body";
const DELIVERY: &str = "d.alert_id, d.channel, d.state, d.escalates, d.begun_at_ms, d.next_at_ms, d.tries, d.silence_id, d.detail, d.done_at_ms";
const SILENCE: &str = "id, place, slice, reason, by_whom, from_ms, until_ms, ended_by";

fn alert(row: &AnyRow, from: usize) -> Result<Alert> {
    Ok(Alert {
        id: get(row, from)?,
        place: get(row, from + 1)?,
        at: at(row, from + 2)?,
        about: get(row, from + 3)?,
        kind: get(row, from + 4)?,
        stage: Stage::read(&get::<String>(row, from + 5)?)?,
        body: get(row, from + 6)?,
    })
}

fn delivery(row: &AnyRow) -> Result<Delivery> {
    Ok(Delivery {
        alert_id: get(row, 0)?,
        channel: get(row, 1)?,
        state: DeliveryState::read(&get::<String>(row, 2)?)?,
        escalates: get::<i64>(row, 3)? != 0,
        begun_at: at(row, 4)?,
        next_at: maybe_at(row, 5)?,
        tries: get(row, 6)?,
        silence_id: get(row, 7)?,
        detail: get(row, 8)?,
        done_at: maybe_at(row, 9)?,
    })
}

fn silence(row: &AnyRow) -> Result<Silence> {
    Ok(Silence {
        id: get(row, 0)?,
        place: get(row, 1)?,
        slice: get(row, 2)?,
        reason: get(row, 3)?,
        by: get(row, 4)?,
        from: at(row, 5)?,
        until: at(row, 6)?,
        ended_by: get(row, 7)?,
    })
}

/// Alerts with their deliveries, newest first; `status` is the stage.
pub(crate) async fn alerts(pool: &AnyPool, wanted: &Wanted) -> Result<Vec<(Alert, Vec<Delivery>)>> {
    let text = format!(
        "SELECT {ALERT} FROM alerts a WHERE a.place < $1 AND a.at_ms >= $2 AND a.at_ms < $3 AND ($4 = '' OR a.stage = $4) \
         ORDER BY a.place DESC LIMIT $5"
    );
    let rows = query(text)
        .bind(wanted.before.unwrap_or(i64::MAX))
        .bind(wanted.since.map_or(i64::MIN, Timestamp::as_millis))
        .bind(wanted.until.map_or(i64::MAX, Timestamp::as_millis))
        .bind(wanted.status.clone().unwrap_or_default())
        .bind(i64::from(wanted.limit))
        .fetch_all(pool)
        .await?;
    let mut found = Vec::with_capacity(rows.len());
    for row in &rows {
        found.push((alert(row, 0)?, Vec::new()));
    }
    let (Some((newest, _)), Some((oldest, _))) = (found.first(), found.last()) else {
        return Ok(found);
    };
    let text = format!(
        "SELECT {DELIVERY} FROM deliveries d WHERE d.place >= $1 AND d.place <= $2 ORDER BY d.place, d.channel"
    );
    let rows = query(text).bind(oldest.place).bind(newest.place).fetch_all(pool).await?;
    for row in &rows {
        let delivery = delivery(row)?;
        if let Some((_, own)) = found.iter_mut().find(|(alert, _)| alert.id == delivery.alert_id) {
            own.push(delivery);
        }
    }
    Ok(found)
}

/// Deliveries to a channel whose time has come, oldest first; of those about one thing, the first that is still to be sent.
pub(crate) async fn due(
    pool: &AnyPool,
    channel: &str,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<Due>> {
    let text = format!(
        "SELECT {DELIVERY}, {ALERT}, \
         (SELECT COUNT(*) FROM deliveries e WHERE e.channel = d.channel AND e.about = d.about AND e.place < d.place \
          AND e.state IN ('delivered', 'repeating', 'given_up')), \
         (SELECT COUNT(*) FROM alerts b WHERE b.about = d.about AND b.place > d.place AND b.stage IN ('firing', 'resolved')) \
         FROM deliveries d JOIN alerts a ON a.id = d.alert_id WHERE d.channel = $1 AND d.next_at_ms <= $2 \
         AND NOT EXISTS (SELECT 1 FROM deliveries e WHERE e.channel = d.channel AND e.about = d.about AND e.place < d.place \
          AND e.state = 'waiting') ORDER BY d.place LIMIT $3"
    );
    let rows = query(text)
        .bind(channel.to_owned())
        .bind(now.as_millis())
        .bind(i64::from(limit))
        .fetch_all(pool)
        .await?;
    let due = |row: &AnyRow| {
        Ok(Due {
            delivery: delivery(row)?,
            alert: alert(row, 10)?,
            is_known: get::<i64>(row, 17)? > 0,
            is_superseded: get::<i64>(row, 18)? > 0,
        })
    };
    rows.iter().map(due).collect()
}

/// Deliveries per channel that something is still to happen to.
pub(crate) async fn open_deliveries(pool: &AnyPool) -> Result<Vec<(String, i64)>> {
    let rows = sqlx::query(
        "SELECT channel, COUNT(*) FROM deliveries WHERE next_at_ms IS NOT NULL AND state <> 'repeating' GROUP BY channel",
    )
    .fetch_all(pool)
    .await?;
    rows.iter().map(|row| Ok((get(row, 0)?, get(row, 1)?))).collect()
}

/// Silences, newest first.
pub(crate) async fn silences(
    pool: &AnyPool,
    before: Option<i64>,
    limit: u32,
) -> Result<Vec<Silence>> {
    let text =
        format!("SELECT {SILENCE} FROM silences WHERE place < $1 ORDER BY place DESC LIMIT $2");
    let rows =
        query(text).bind(before.unwrap_or(i64::MAX)).bind(i64::from(limit)).fetch_all(pool).await?;
    rows.iter().map(silence).collect()
}

/// Silences in force.
pub(crate) async fn active_silences(pool: &AnyPool, now: Timestamp) -> Result<Vec<Silence>> {
    let text = format!("SELECT {SILENCE} FROM silences WHERE until_ms > $1 ORDER BY place");
    let rows = query(text).bind(now.as_millis()).fetch_all(pool).await?;
    rows.iter().map(silence).collect()
}
