//! Reading: everything that is committed, from connections of its own.

use std::sync::Arc;

use async_trait::async_trait;
use payments::{Attempt, NONE, Timestamp};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AnyPool, Executor};
use tokio::runtime::Handle;
use tokio::sync::Mutex;

use crate::alerts::{self, Alert, Delivery, Due, Silence};
use crate::error::{Error, Result};
use crate::open::Address;
use crate::rows::{
    ApiKey, AuditEntry, Choice, Event, KillSwitch, Kind, Object, Progress, Snapshot, Step, Sums,
    Try, Wanted,
};
use crate::sql::{at, get, maybe_at, query};
use crate::work::{EFFECTS, Seat, SqlWork, Turn};
use crate::{Change, Session, Store, User, Work, attempts, blocks, people, status};

/// A store in SQLite or PostgreSQL.
pub struct Sql {
    pub(crate) address: Address,
    /// Where it was opened: the writer's connection is driven there, whoever asks for it.
    pub(crate) home: Handle,
    pub(crate) readers: AnyPool,
    pub(crate) seat: Arc<Mutex<Seat>>,
}

/// Dimensions that roll-ups can be summed by.
const SLICEABLE: [&str; 7] =
    ["gateway", "method", "network", "issuer", "country", "merchant_id", "currency"];

impl Sql {
    async fn connect(&self) -> Result<AnyConnection> {
        let address = self.address.clone();
        let connecting = self.home.spawn(async move { address.connect().await });
        connecting.await.map_err(|e| Error::Database(format!("connecting broke off: {e}")))?
    }
}

#[async_trait]
impl Store for Sql {
    async fn begin(&self) -> Result<Box<dyn Work>> {
        let mut seat = self.seat.clone().lock_owned().await;
        let mut connection = match seat.connection.take() {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        connection.execute(self.address.begin).await?;
        Ok(Box::new(SqlWork { connection, turn: Turn { seat, is_kept: false } }))
    }

    async fn ping(&self) -> Result<()> {
        sqlx::query("SELECT 1").execute(&self.readers).await?;
        Ok(())
    }

    async fn progress(&self) -> Result<Progress> {
        let row = sqlx::query(
            "SELECT (SELECT COALESCE(MAX(step), 0) FROM journal), (SELECT COALESCE(MAX(id), 0) FROM events)",
        )
        .fetch_one(&self.readers)
        .await?;
        let effects = match self.fact(EFFECTS).await? {
            Some(text) => text.parse().map_err(|e| Error::damaged("a step's number", e))?,
            None => 0,
        };
        Ok(Progress { step: get(&row, 0)?, event: get(&row, 1)?, effects })
    }

    async fn fact(&self, name: &str) -> Result<Option<String>> {
        Ok(sqlx::query_scalar("SELECT value FROM facts WHERE name = $1")
            .bind(name.to_owned())
            .fetch_optional(&self.readers)
            .await?)
    }

    async fn snapshots(&self) -> Result<Vec<Snapshot>> {
        let rows = sqlx::query(
            "SELECT step, at_ms, body, beside FROM snapshots ORDER BY step DESC LIMIT 2",
        )
        .fetch_all(&self.readers)
        .await?;
        let snapshot = |row: &AnyRow| {
            Ok(Snapshot {
                step: get(row, 0)?,
                at: at(row, 1)?,
                body: get(row, 2)?,
                beside: get(row, 3)?,
            })
        };
        rows.iter().map(snapshot).collect()
    }

    async fn journal(&self, after: i64, limit: u32) -> Result<Vec<Step>> {
        let rows = sqlx::query(
            "SELECT step, body, digest FROM journal WHERE step > $1 ORDER BY step LIMIT $2",
        )
        .bind(after)
        .bind(i64::from(limit))
        .fetch_all(&self.readers)
        .await?;
        let step = |row: &AnyRow| {
            Ok(Step { step: get(row, 0)?, body: get(row, 1)?, digest: get(row, 2)? })
        };
        rows.iter().map(step).collect()
    }

    async fn objects(&self, kind: Kind, wanted: &Wanted) -> Result<Vec<Object>> {
        let rows = sqlx::query(
            "SELECT id, at_ms, status, body, acknowledged_by, acknowledged_at_ms, place FROM objects WHERE kind = $1 \
             AND place < $2 AND at_ms >= $3 AND at_ms < $4 AND ($5 = '' OR status = $5) ORDER BY place DESC LIMIT $6",
        )
        .bind(kind.as_str().to_owned())
        .bind(wanted.before.unwrap_or(i64::MAX))
        .bind(wanted.since.map_or(i64::MIN, Timestamp::as_millis))
        .bind(wanted.until.map_or(i64::MAX, Timestamp::as_millis))
        .bind(wanted.status.clone().unwrap_or_default())
        .bind(i64::from(wanted.limit))
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(object).collect()
    }

    async fn object(&self, kind: Kind, id: &str) -> Result<Option<Object>> {
        let row = sqlx::query(
            "SELECT id, at_ms, status, body, acknowledged_by, acknowledged_at_ms, place FROM objects WHERE kind = $1 AND id = $2",
        )
        .bind(kind.as_str().to_owned())
        .bind(id.to_owned())
        .fetch_optional(&self.readers)
        .await?;
        row.as_ref().map(object).transpose()
    }

    async fn events(&self, after: i64, limit: u32) -> Result<Vec<Event>> {
        let rows = sqlx::query(
            "SELECT id, at_ms, kind, body FROM events WHERE id > $1 ORDER BY id LIMIT $2",
        )
        .bind(after)
        .bind(i64::from(limit))
        .fetch_all(&self.readers)
        .await?;
        let event = |row: &AnyRow| {
            Ok(Event { id: get(row, 0)?, at: at(row, 1)?, kind: get(row, 2)?, body: get(row, 3)? })
        };
        rows.iter().map(event).collect()
    }

    async fn oldest_event(&self) -> Result<Option<i64>> {
        Ok(sqlx::query_scalar("SELECT MIN(id) FROM events").fetch_one(&self.readers).await?)
    }

    async fn choice(&self, decision_id: &str) -> Result<Option<Choice>> {
        let text = format!(
            "{} SELECT choices.decision_id, choices.at_ms, choices.body FROM choices {} ORDER BY choices.seq LIMIT 1",
            blocks::of("choices"),
            blocks::among("choices", "decision_id"),
        );
        let row = query(text).bind(decision_id.to_owned()).fetch_optional(&self.readers).await?;
        let choice = |row: &AnyRow| {
            Ok(Choice { decision_id: get(row, 0)?, at: at(row, 1)?, body: get(row, 2)? })
        };
        row.as_ref().map(choice).transpose()
    }

    async fn payment(&self, payment_id: &str) -> Result<Vec<Attempt>> {
        let text = format!(
            "{} {} {} ORDER BY a.occurred_at_ms, a.seq LIMIT 1000",
            blocks::of("attempts"),
            attempts::SELECT,
            blocks::among("a", "payment_id"),
        );
        let rows = query(text).bind(payment_id.to_owned()).fetch_all(&self.readers).await?;
        rows.iter().map(attempts::read).collect()
    }

    async fn series(
        &self,
        slice: &[(String, String)],
        from: Timestamp,
        to: Timestamp,
        step_ms: i64,
    ) -> Result<Vec<Sums>> {
        let mut text = String::from(
            "SELECT r.minute_ms / $1 * $1 AS start_ms, r.status, CAST(SUM(r.attempts) AS BIGINT), \
             CAST(SUM(r.latency_ms) AS BIGINT), CAST(SUM(r.latencies) AS BIGINT) FROM rollups r JOIN cells c ON c.id = r.cell \
             WHERE r.minute_ms >= $2 AND r.minute_ms < $3",
        );
        let (and, values) = conditions(slice, 4)?;
        text.push_str(&and);
        text.push_str(" GROUP BY start_ms, r.status ORDER BY start_ms, r.status");
        let mut sums = query(text).bind(step_ms.max(1)).bind(from.as_millis()).bind(to.as_millis());
        for value in values {
            sums = sums.bind(value);
        }
        let mut series: Vec<Sums> = Vec::new();
        for row in &sums.fetch_all(&self.readers).await? {
            let at_ms = get(row, 0)?;
            if series.last().is_none_or(|last| last.at_ms != at_ms) {
                series.push(Sums { at_ms, ..Sums::default() });
            }
            let last = series.last_mut().ok_or_else(|| Error::damaged("a series", "no step"))?;
            let status = usize::try_from(get::<i64>(row, 1)?).unwrap_or(usize::MAX);
            let place = last.attempts.get_mut(status);
            *place
                .ok_or_else(|| Error::damaged("a roll-up", "its status is no number of ours"))? +=
                get::<i64>(row, 2)?;
            last.latency_ms += get::<i64>(row, 3)?;
            last.latencies += get::<i64>(row, 4)?;
        }
        Ok(series)
    }

    async fn tries(
        &self,
        slice: &[(String, String)],
        from: Timestamp,
        to: Timestamp,
        limit: u32,
    ) -> Result<Vec<Try>> {
        let (and, values) = conditions(slice, 4)?;
        let text = format!(
            "SELECT a.payment_id, a.occurred_at_ms, a.attempt_number, c.method, c.gateway, a.status, \
             CAST(CASE WHEN 1 = 1{and} THEN 1 ELSE 0 END AS BIGINT) FROM attempts a JOIN cells c ON c.id = a.cell \
             WHERE a.occurred_at_ms >= $1 AND a.occurred_at_ms < $2 ORDER BY a.occurred_at_ms DESC, a.seq DESC LIMIT $3"
        );
        let mut tries =
            query(text).bind(from.as_millis()).bind(to.as_millis()).bind(i64::from(limit));
        for value in values {
            tries = tries.bind(value);
        }
        let rows = tries.fetch_all(&self.readers).await?;
        rows.iter().map(one_try).collect()
    }

    async fn attempts_count(&self) -> Result<i64> {
        Ok(sqlx::query_scalar("SELECT COUNT(*) FROM attempts").fetch_one(&self.readers).await?)
    }

    async fn kill_switch(&self) -> Result<KillSwitch> {
        let row = sqlx::query(
            "SELECT engaged, reason, by_whom, at_ms, clear_requested_by, clear_expires_at_ms FROM kill_switch WHERE only_row = 1",
        )
        .fetch_one(&self.readers)
        .await?;
        let by: Option<String> = get(&row, 4)?;
        Ok(KillSwitch {
            engaged: get::<i64>(&row, 0)? != 0,
            reason: get(&row, 1)?,
            by: get(&row, 2)?,
            at_ms: get(&row, 3)?,
            clear_requested: by.zip(get(&row, 5)?),
        })
    }

    async fn keys(&self) -> Result<Vec<ApiKey>> {
        let text = format!("{KEYS} ORDER BY created_at_ms DESC, id");
        query(text).fetch_all(&self.readers).await?.iter().map(key).collect()
    }

    async fn key_by_hash(&self, hash: &str) -> Result<Option<ApiKey>> {
        let found = query(format!("{KEYS} WHERE hash = $1")).bind(hash.to_owned());
        found.fetch_optional(&self.readers).await?.as_ref().map(key).transpose()
    }

    async fn users(&self) -> Result<Vec<User>> {
        people::users(&self.readers).await
    }

    async fn sessions(&self) -> Result<Vec<Session>> {
        people::sessions(&self.readers).await
    }

    async fn changes(&self) -> Result<Vec<Change>> {
        people::changes(&self.readers).await
    }

    async fn audit(&self, after: i64, limit: u32) -> Result<Vec<AuditEntry>> {
        let rows = sqlx::query(
            "SELECT seq, at_ms, actor, action, object, detail, previous, hash FROM audit WHERE seq > $1 ORDER BY seq LIMIT $2",
        )
        .bind(after)
        .bind(i64::from(limit))
        .fetch_all(&self.readers)
        .await?;
        let entry = |row: &AnyRow| {
            Ok(AuditEntry {
                seq: get(row, 0)?,
                at: at(row, 1)?,
                actor: get(row, 2)?,
                action: get(row, 3)?,
                object: get(row, 4)?,
                detail: get(row, 5)?,
                previous: get(row, 6)?,
                hash: get(row, 7)?,
            })
        };
        rows.iter().map(entry).collect()
    }

    async fn alerts(&self, wanted: &Wanted) -> Result<Vec<(Alert, Vec<Delivery>)>> {
        alerts::alerts(&self.readers, wanted).await
    }

    async fn due(&self, channel: &str, now: Timestamp, limit: u32) -> Result<Vec<Due>> {
        alerts::due(&self.readers, channel, now, limit).await
    }

    async fn open_deliveries(&self) -> Result<Vec<(String, i64)>> {
        alerts::open_deliveries(&self.readers).await
    }

    async fn silences(&self, before: Option<i64>, limit: u32) -> Result<Vec<Silence>> {
        alerts::silences(&self.readers, before, limit).await
    }

    async fn active_silences(&self, now: Timestamp) -> Result<Vec<Silence>> {
        alerts::active_silences(&self.readers, now).await
    }
}

/// `AND` for each pair, and the values to be bound, the first of them at this place.
fn conditions(slice: &[(String, String)], first: usize) -> Result<(String, Vec<String>)> {
    let (mut text, mut values) = (String::new(), Vec::new());
    for (dimension, value) in slice {
        let known = SLICEABLE.iter().find(|name| *name == dimension);
        let Some(name) = known else {
            let allowed = SLICEABLE.join(", ");
            return Err(Error::Database(format!(
                "roll-ups have no {dimension}; they have {allowed}"
            )));
        };
        if value == NONE {
            text.push_str(&format!(" AND c.{name} IS NULL"));
        } else {
            text.push_str(&format!(" AND c.{name} = ${}", first + values.len()));
            values.push(value.clone());
        }
    }
    Ok((text, values))
}

fn one_try(row: &AnyRow) -> Result<Try> {
    let wrong = || Error::damaged("an attempt", "its status or number is none of ours");
    Ok(Try {
        payment_id: get(row, 0)?,
        at: at(row, 1)?,
        attempt_number: u32::try_from(get::<i64>(row, 2)?).map_err(|_| wrong())?,
        method: get(row, 3)?,
        gateway: get(row, 4)?,
        status: status::of(get(row, 5)?).ok_or_else(wrong)?,
        is_chosen: get::<i64>(row, 6)? != 0,
    })
}

fn object(row: &AnyRow) -> Result<Object> {
    let by: Option<String> = get(row, 4)?;
    Ok(Object {
        id: get(row, 0)?,
        at: at(row, 1)?,
        status: get(row, 2)?,
        body: get(row, 3)?,
        acknowledged: by.zip(maybe_at(row, 5)?),
        place: get(row, 6)?,
    })
}

const KEYS: &str = "SELECT id, hash, role, scopes, created_at_ms, created_by, expires_at_ms, revoked_at_ms, name, tenant FROM api_keys";

fn key(row: &AnyRow) -> Result<ApiKey> {
    Ok(ApiKey {
        id: get(row, 0)?,
        hash: get(row, 1)?,
        role: get(row, 2)?,
        scopes: people::list(&get::<String>(row, 3)?),
        created_at: at(row, 4)?,
        created_by: get(row, 5)?,
        expires_at: maybe_at(row, 6)?,
        revoked_at: maybe_at(row, 7)?,
        name: get(row, 8)?,
        tenant: get(row, 9)?,
    })
}
