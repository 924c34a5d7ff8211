//! The outbox's statements that write.

use payments::Timestamp;
use sqlx::AnyConnection;

use super::rows::{Alert, Delivery, Recipient, Silence, Stage};
use crate::error::Result;
use crate::sql::get;

/// Writes an alert and its deliveries; false: it is known, nothing was done.
pub(crate) async fn alert(
    connection: &mut AnyConnection,
    alert: &Alert,
    to: &[Recipient],
) -> Result<bool> {
    let row = sqlx::query(
        "INSERT INTO alerts (id, place, at_ms, about, kind, stage, body) VALUES ($1, \
         (SELECT COALESCE(MAX(place), 0) + 1 FROM alerts), $2, $3, $4, $5, $6) ON CONFLICT (id) DO NOTHING RETURNING place",
    )
    .bind(alert.id.clone())
    .bind(alert.at.as_millis())
    .bind(alert.about.clone())
    .bind(alert.kind.clone())
    .bind(alert.stage.as_str().to_owned())
    .bind(alert.body.clone())
    .fetch_optional(&mut *connection)
    .await?;
    let Some(row) = row else { return Ok(false) };
    let place: i64 = get(&row, 0)?;
    settle(connection, alert).await?;
    let is_acknowledged: i64 = sqlx::query_scalar(
        "SELECT COUNT(*) FROM alerts WHERE about = $1 AND stage = 'acknowledged'",
    )
    .bind(alert.about.clone())
    .fetch_one(&mut *connection)
    .await?;
    for recipient in to {
        if recipient.escalates && is_acknowledged > 0 {
            continue;
        }
        sqlx::query(
            "INSERT INTO deliveries (alert_id, channel, place, about, state, escalates, begun_at_ms, next_at_ms, tries) \
             VALUES ($1, $2, $3, $4, 'waiting', $5, $6, $6, 0)",
        )
        .bind(alert.id.clone())
        .bind(recipient.channel.clone())
        .bind(place)
        .bind(alert.about.clone())
        .bind(i64::from(recipient.escalates))
        .bind(recipient.from.as_millis())
        .execute(&mut *connection)
        .await?;
    }
    Ok(true)
}

/// What is on its way about the same thing, and isn't needed any more.
async fn settle(connection: &mut AnyConnection, alert: &Alert) -> Result<()> {
    let repeated = "UPDATE deliveries SET state = 'delivered', next_at_ms = NULL WHERE about = $1 AND state = 'repeating'";
    let escalations = "UPDATE deliveries SET state = 'needless', next_at_ms = NULL, detail = $2 \
         WHERE about = $1 AND state = 'waiting' AND escalates = 1 AND tries = 0";
    if matches!(alert.stage, Stage::Firing | Stage::Resolved) {
        sqlx::query(repeated).bind(alert.about.clone()).execute(&mut *connection).await?;
    }
    if matches!(alert.stage, Stage::Acknowledged | Stage::Resolved) {
        sqlx::query(escalations)
            .bind(alert.about.clone())
            .bind(format!("{} before it was due", alert.stage.as_str()))
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// Notes how a delivery stands; one that was settled meanwhile stays as it is.
pub(crate) async fn delivery(connection: &mut AnyConnection, delivery: &Delivery) -> Result<()> {
    sqlx::query(
        "UPDATE deliveries SET state = $1, next_at_ms = $2, tries = $3, silence_id = $4, detail = $5, done_at_ms = $6 \
         WHERE alert_id = $7 AND channel = $8 AND next_at_ms IS NOT NULL",
    )
    .bind(delivery.state.as_str().to_owned())
    .bind(delivery.next_at.map(Timestamp::as_millis))
    .bind(delivery.tries)
    .bind(delivery.silence_id.clone())
    .bind(delivery.detail.clone())
    .bind(delivery.done_at.map(Timestamp::as_millis))
    .bind(delivery.alert_id.clone())
    .bind(delivery.channel.clone())
    .execute(&mut *connection)
    .await?;
    Ok(())
}

/// Keeps a silence.
pub(crate) async fn add_silence(connection: &mut AnyConnection, silence: &Silence) -> Result<()> {
    sqlx::query(
        "INSERT INTO silences (id, place, slice, reason, by_whom, from_ms, until_ms) VALUES ($1, \
         (SELECT COALESCE(MAX(place), 0) + 1 FROM silences), $2, $3, $4, $5, $6)",
    )
    .bind(silence.id.clone())
    .bind(silence.slice.clone())
    .bind(silence.reason.clone())
    .bind(silence.by.clone())
    .bind(silence.from.as_millis())
    .bind(silence.until.as_millis())
    .execute(&mut *connection)
    .await?;
    Ok(())
}

/// Ends a silence; what it covered is looked at again. False: none of that id is in force.
pub(crate) async fn end_silence(
    connection: &mut AnyConnection,
    id: &str,
    by: &str,
    at: Timestamp,
) -> Result<bool> {
    let done = sqlx::query(
        "UPDATE silences SET until_ms = $1, ended_by = $2 WHERE id = $3 AND until_ms > $1 AND ended_by IS NULL",
    )
    .bind(at.as_millis())
    .bind(by.to_owned())
    .bind(id.to_owned())
    .execute(&mut *connection)
    .await?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    sqlx::query(
        "UPDATE deliveries SET next_at_ms = $1 WHERE silence_id = $2 AND state = 'silenced' AND next_at_ms IS NOT NULL",
    )
    .bind(at.as_millis())
    .bind(id.to_owned())
    .execute(&mut *connection)
    .await?;
    Ok(true)
}

/// Drops alerts from before, unless something is still to happen to them, and silences that ended before.
pub(crate) async fn forget(connection: &mut AnyConnection, before: Timestamp) -> Result<()> {
    for text in [
        "DELETE FROM alerts WHERE at_ms < $1 AND NOT EXISTS \
         (SELECT 1 FROM deliveries d WHERE d.alert_id = alerts.id AND d.next_at_ms IS NOT NULL)",
        "DELETE FROM deliveries WHERE begun_at_ms < $1 AND NOT EXISTS (SELECT 1 FROM alerts a WHERE a.id = deliveries.alert_id)",
        "DELETE FROM silences WHERE until_ms < $1",
    ] {
        sqlx::query(text).bind(before.as_millis()).execute(&mut *connection).await?;
    }
    Ok(())
}
