//! The unit of work: one transaction of the one writer.

use async_trait::async_trait;
use payments::{Attempt, Timestamp};
use sqlx::{AnyConnection, Executor};
use tokio::sync::OwnedMutexGuard;

use crate::alerts::{self, Alert, Delivery, Recipient, Silence};
use crate::cells::Cells;
use crate::error::Result;
use crate::rows::{ApiKey, Choice, Claim, Event, KillSwitch, Kind, Object, Snapshot, Verdict};
use crate::sql::{Places, get, maybe_at, query};
use crate::{Change, Session, User, Work, attempts, audit, people};

/// The name of the fact that says which steps' effects are stored.
pub(crate) const EFFECTS: &str = "effects_step";
/// Snapshots that are kept.
const SNAPSHOTS: i64 = 2;

/// What belongs to whoever writes: passed on from one unit of work to the next.
pub(crate) struct Seat {
    pub cells: Cells,
    pub places: Places,
    /// None: the last work broke off, and its connection went with it, transaction and all.
    pub connection: Option<AnyConnection>,
}

/// An open transaction, and the writer's turn.
///
/// The connection is held here and not in a pool: one whose commit has failed is in a state that only the database knows, so it is never used again.
pub(crate) struct SqlWork {
    pub connection: AnyConnection,
    pub turn: Turn,
}

/// The writer's turn; what has been given out is taken back unless the work was committed.
pub(crate) struct Turn {
    pub seat: OwnedMutexGuard<Seat>,
    pub is_kept: bool,
}

impl Drop for Turn {
    fn drop(&mut self) {
        if self.is_kept { self.seat.cells.keep() } else { self.seat.cells.undo() }
    }
}

impl SqlWork {
    fn connection(&mut self) -> &mut AnyConnection {
        &mut self.connection
    }
}

#[async_trait]
impl Work for SqlWork {
    async fn attempts(&mut self, attempts: &[Attempt]) -> Result<Vec<Verdict>> {
        let seat = &mut *self.turn.seat;
        attempts::store(&mut self.connection, &mut seat.cells, seat.places, attempts).await
    }

    async fn step(&mut self, step: i64, body: &[u8]) -> Result<()> {
        sqlx::query("INSERT INTO journal (step, body) VALUES ($1, $2)")
            .bind(step)
            .bind(body.to_vec())
            .execute(self.connection())
            .await?;
        Ok(())
    }

    async fn effects_of(&mut self, step: i64, digest: &str) -> Result<()> {
        sqlx::query("UPDATE journal SET digest = $1 WHERE step = $2")
            .bind(digest.to_owned())
            .bind(step)
            .execute(self.connection())
            .await?;
        self.set_fact(EFFECTS, &step.to_string()).await
    }

    async fn object(&mut self, kind: Kind, object: &Object) -> Result<Option<(String, Timestamp)>> {
        // A place is given once; the one writer makes the highest plus one safe.
        let row = sqlx::query(
            "INSERT INTO objects (kind, id, place, at_ms, status, body) VALUES ($1, $2, \
             (SELECT COALESCE(MAX(place), 0) + 1 FROM objects WHERE kind = $1), $3, $4, $5) \
             ON CONFLICT (kind, id) DO UPDATE SET at_ms = excluded.at_ms, status = excluded.status, body = excluded.body \
             RETURNING acknowledged_by, acknowledged_at_ms",
        )
        .bind(kind.as_str().to_owned())
        .bind(object.id.clone())
        .bind(object.at.as_millis())
        .bind(object.status.clone())
        .bind(object.body.clone())
        .fetch_one(self.connection())
        .await?;
        let by: Option<String> = get(&row, 0)?;
        Ok(by.zip(maybe_at(&row, 1)?))
    }

    async fn acknowledge(&mut self, kind: Kind, id: &str, by: &str, at: Timestamp) -> Result<bool> {
        let done = sqlx::query(
            "UPDATE objects SET acknowledged_by = COALESCE(acknowledged_by, $1), \
             acknowledged_at_ms = COALESCE(acknowledged_at_ms, $2) WHERE kind = $3 AND id = $4",
        )
        .bind(by.to_owned())
        .bind(at.as_millis())
        .bind(kind.as_str().to_owned())
        .bind(id.to_owned())
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected() > 0)
    }

    async fn event(&mut self, event: &Event) -> Result<()> {
        sqlx::query("INSERT INTO events (id, at_ms, kind, body) VALUES ($1, $2, $3, $4)")
            .bind(event.id)
            .bind(event.at.as_millis())
            .bind(event.kind.clone())
            .bind(event.body.clone())
            .execute(self.connection())
            .await?;
        Ok(())
    }

    async fn choices(&mut self, choices: Vec<Choice>) -> Result<()> {
        const ROWS: usize = 64;
        let places = self.turn.seat.places;
        let mut choices = choices.into_iter();
        while choices.len() > 0 {
            let rows = choices.len().min(ROWS);
            let text = format!(
                "INSERT INTO choices (decision_id, at_ms, body) VALUES {}",
                places.of(rows, 3)
            );
            let mut insert = query(text).persistent(rows == ROWS);
            for choice in choices.by_ref().take(rows) {
                insert =
                    insert.bind(choice.decision_id).bind(choice.at.as_millis()).bind(choice.body);
            }
            insert.execute(self.connection()).await?;
        }
        Ok(())
    }

    async fn snapshot(&mut self, snapshot: &Snapshot) -> Result<()> {
        sqlx::query(
            "INSERT INTO snapshots (step, at_ms, body, beside) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (step) DO UPDATE SET at_ms = excluded.at_ms, body = excluded.body, beside = excluded.beside",
        )
        .bind(snapshot.step)
        .bind(snapshot.at.as_millis())
        .bind(snapshot.body.clone())
        .bind(snapshot.beside.clone())
        .execute(self.connection())
        .await?;
        let kept = sqlx::query("SELECT step FROM snapshots ORDER BY step DESC LIMIT $1")
            .bind(SNAPSHOTS)
            .fetch_all(self.connection())
            .await?;
        // With one snapshot alone, the journal from its beginning is the only other way back.
        if kept.len() as i64 == SNAPSHOTS {
            let oldest: i64 = get(&kept[kept.len() - 1], 0)?;
            for text in [
                "DELETE FROM snapshots WHERE step < $1",
                "DELETE FROM journal WHERE step <= $1 AND step < (SELECT MAX(step) FROM journal)",
            ] {
                sqlx::query(text).bind(oldest).execute(self.connection()).await?;
            }
        }
        Ok(())
    }

    async fn set_fact(&mut self, name: &str, value: &str) -> Result<()> {
        sqlx::query(
            "INSERT INTO facts (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        )
        .bind(name.to_owned())
        .bind(value.to_owned())
        .execute(self.connection())
        .await?;
        Ok(())
    }

    async fn set_kill_switch(&mut self, switch: &KillSwitch) -> Result<()> {
        let requested = switch.clear_requested.clone();
        sqlx::query(
            "UPDATE kill_switch SET engaged = $1, reason = $2, by_whom = $3, at_ms = $4, \
             clear_requested_by = $5, clear_expires_at_ms = $6 WHERE only_row = 1",
        )
        .bind(i64::from(switch.engaged))
        .bind(switch.reason.clone())
        .bind(switch.by.clone())
        .bind(switch.at_ms)
        .bind(requested.as_ref().map(|(by, _)| by.clone()))
        .bind(requested.map(|(_, until)| until))
        .execute(self.connection())
        .await?;
        Ok(())
    }

    async fn add_key(&mut self, key: &ApiKey) -> Result<()> {
        sqlx::query(
            "INSERT INTO api_keys (id, hash, role, scopes, created_at_ms, created_by, expires_at_ms, revoked_at_ms, name, tenant) \
             VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10)",
        )
        .bind(key.id.clone())
        .bind(key.hash.clone())
        .bind(key.role.clone())
        .bind(key.scopes.join(","))
        .bind(key.created_at.as_millis())
        .bind(key.created_by.clone())
        .bind(key.expires_at.map(Timestamp::as_millis))
        .bind(key.revoked_at.map(Timestamp::as_millis))
        .bind(key.name.clone())
        .bind(key.tenant.clone())
        .execute(self.connection())
        .await?;
        Ok(())
    }

    async fn revoke_key(&mut self, id: &str, at: Timestamp) -> Result<bool> {
        let done = sqlx::query(
            "UPDATE api_keys SET revoked_at_ms = $1 WHERE id = $2 AND revoked_at_ms IS NULL",
        )
        .bind(at.as_millis())
        .bind(id.to_owned())
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected() > 0)
    }

    async fn put_user(&mut self, user: &User) -> Result<()> {
        people::put_user(self.connection(), user).await
    }

    async fn remove_user(&mut self, id: &str) -> Result<bool> {
        people::remove_user(self.connection(), id).await
    }

    async fn add_session(&mut self, session: &Session, most: u32) -> Result<()> {
        people::add_session(self.connection(), session, most).await
    }

    async fn end_session(&mut self, hash: &str) -> Result<bool> {
        people::end_session(self.connection(), hash).await
    }

    async fn end_sessions_of(&mut self, subject: &str) -> Result<u64> {
        people::end_sessions_of(self.connection(), subject).await
    }

    async fn add_change(&mut self, change: &Change) -> Result<()> {
        people::add_change(self.connection(), change).await
    }

    async fn take_change(&mut self, id: &str) -> Result<bool> {
        people::take_change(self.connection(), id).await
    }

    async fn append_audit(
        &mut self,
        at: Timestamp,
        actor: &str,
        action: &str,
        object: &str,
        detail: &str,
    ) -> Result<()> {
        audit::append(self.connection(), at, [actor, action, object, detail]).await
    }

    async fn alert(&mut self, alert: &Alert, to: &[Recipient]) -> Result<bool> {
        alerts::alert(self.connection(), alert, to).await
    }

    async fn delivery(&mut self, delivery: &Delivery) -> Result<()> {
        alerts::delivery(self.connection(), delivery).await
    }

    async fn add_silence(&mut self, silence: &Silence) -> Result<()> {
        alerts::add_silence(self.connection(), silence).await
    }

    async fn end_silence(&mut self, id: &str, by: &str, at: Timestamp) -> Result<bool> {
        alerts::end_silence(self.connection(), id, by, at).await
    }

    async fn claim(
        &mut self,
        principal: &str,
        path: &str,
        key: &str,
        body_hash: &str,
        at: Timestamp,
    ) -> Result<Claim> {
        let claimed = sqlx::query(
            "INSERT INTO idempotency (principal, path, idempotency_key, body_hash, at_ms) VALUES ($1,$2,$3,$4,$5) \
             ON CONFLICT (principal, path, idempotency_key) DO NOTHING",
        )
        .bind(principal.to_owned())
        .bind(path.to_owned())
        .bind(key.to_owned())
        .bind(body_hash.to_owned())
        .bind(at.as_millis())
        .execute(self.connection())
        .await?;
        if claimed.rows_affected() > 0 {
            return Ok(Claim::First);
        }
        let row = sqlx::query(
            "SELECT body_hash, status, answer FROM idempotency WHERE principal = $1 AND path = $2 AND idempotency_key = $3",
        )
        .bind(principal.to_owned())
        .bind(path.to_owned())
        .bind(key.to_owned())
        .fetch_one(self.connection())
        .await?;
        if get::<String>(&row, 0)? != body_hash {
            return Ok(Claim::OtherBody);
        }
        let status = get::<Option<i64>>(&row, 1)?.and_then(|status| u16::try_from(status).ok());
        Ok(match (status, get::<Option<String>>(&row, 2)?) {
            (Some(status), Some(body)) => Claim::Answered { status, body },
            _ => Claim::InFlight,
        })
    }

    async fn answer(
        &mut self,
        principal: &str,
        path: &str,
        key: &str,
        answer: Option<(u16, &str)>,
    ) -> Result<()> {
        let text = match answer {
            Some(_) => {
                "UPDATE idempotency SET status = $4, answer = $5 WHERE principal = $1 AND path = $2 AND idempotency_key = $3"
            }
            None => {
                "DELETE FROM idempotency WHERE principal = $1 AND path = $2 AND idempotency_key = $3"
            }
        };
        let mut query =
            sqlx::query(text).bind(principal.to_owned()).bind(path.to_owned()).bind(key.to_owned());
        if let Some((status, body)) = answer {
            query = query.bind(i64::from(status)).bind(body.to_owned());
        }
        query.execute(self.connection()).await?;
        Ok(())
    }

    async fn release_claims(&mut self) -> Result<()> {
        sqlx::query("DELETE FROM idempotency WHERE status IS NULL")
            .execute(self.connection())
            .await?;
        Ok(())
    }

    async fn prune(&mut self, before: Timestamp, events_max: i64) -> Result<()> {
        // The newest event stays whatever its age: ids go on from it.
        sqlx::query(
            "DELETE FROM events WHERE id < (SELECT MAX(id) FROM events) \
             AND (at_ms < $1 OR id <= (SELECT MAX(id) FROM events) - $2)",
        )
        .bind(before.as_millis())
        .bind(events_max)
        .execute(self.connection())
        .await?;
        for text in
            ["DELETE FROM choices WHERE at_ms < $1", "DELETE FROM idempotency WHERE at_ms < $1"]
        {
            sqlx::query(text).bind(before.as_millis()).execute(self.connection()).await?;
        }
        Ok(())
    }

    async fn forget_attempts(&mut self, before: Timestamp, limit: u32) -> Result<u64> {
        let gone = sqlx::query(
            "DELETE FROM attempts WHERE seq IN (SELECT seq FROM attempts WHERE occurred_at_ms < $1 LIMIT $2)",
        )
        .bind(before.as_millis())
        .bind(i64::from(limit))
        .execute(self.connection())
        .await?;
        sqlx::query("DELETE FROM rollups WHERE minute_ms < $1 - 60000")
            .bind(before.as_millis())
            .execute(self.connection())
            .await?;
        Ok(gone.rows_affected())
    }

    async fn forget_alerts(&mut self, before: Timestamp) -> Result<()> {
        alerts::forget(self.connection(), before).await
    }

    async fn commit(self: Box<Self>) -> Result<()> {
        let Self { mut connection, mut turn } = *self;
        connection.execute("COMMIT").await?;
        turn.is_kept = true;
        turn.seat.connection = Some(connection);
        Ok(())
    }
}
