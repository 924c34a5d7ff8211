//! People: users, browsers' sessions, and changes that wait for a second person.

use payments::Timestamp;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AnyPool};

use crate::error::Result;
use crate::sql::{at, get};

/// What is known here of somebody whom the issuer vouches for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Names the row.
    pub id: String,
    /// Whom the issuer means: `sub`.
    pub subject: String,
    /// For people to read.
    pub name: String,
    /// Counts instead of the token's roles.
    pub role: Option<String>,
    /// Whether nothing of theirs counts any more.
    pub disabled: bool,
    /// Where they belong.
    pub tenant: String,
    /// When the row was made.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: String,
}

/// A browser that is logged in; what its cookie holds is never stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// SHA-256 of the cookie's secret, hexadecimal.
    pub hash: String,
    /// Who.
    pub subject: String,
    /// The role that the token gave.
    pub role: Option<String>,
    /// The scopes that it gave.
    pub scopes: Vec<String>,
    /// Where they belong.
    pub tenant: String,
    /// Since when.
    pub created_at: Timestamp,
    /// Until when.
    pub expires_at: Timestamp,
}

/// A change that waits for a second person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Names it.
    pub id: String,
    /// Whose settings.
    pub tenant: String,
    /// Who has asked.
    pub requested_by: String,
    /// When.
    pub requested_at: Timestamp,
    /// How long another may agree.
    pub expires_at: Timestamp,
    /// JSON.
    pub body: String,
}

/// A list in one column.
pub(crate) fn list(text: &str) -> Vec<String> {
    text.split(',').filter(|part| !part.is_empty()).map(Into::into).collect()
}

pub(crate) async fn users(pool: &AnyPool) -> Result<Vec<User>> {
    let rows = sqlx::query(
        "SELECT id, subject, name, role, disabled, tenant, created_at_ms, created_by FROM users ORDER BY created_at_ms DESC, id",
    )
    .fetch_all(pool)
    .await?;
    let user = |row: &AnyRow| {
        Ok(User {
            id: get(row, 0)?,
            subject: get(row, 1)?,
            name: get(row, 2)?,
            role: get(row, 3)?,
            disabled: get::<i64>(row, 4)? != 0,
            tenant: get(row, 5)?,
            created_at: at(row, 6)?,
            created_by: get(row, 7)?,
        })
    };
    rows.iter().map(user).collect()
}

pub(crate) async fn put_user(connection: &mut AnyConnection, user: &User) -> Result<()> {
    sqlx::query(
        "INSERT INTO users (id, subject, name, role, disabled, tenant, created_at_ms, created_by) VALUES ($1,$2,$3,$4,$5,$6,$7,$8) \
         ON CONFLICT (id) DO UPDATE SET name = excluded.name, role = excluded.role, disabled = excluded.disabled, tenant = excluded.tenant",
    )
    .bind(user.id.clone())
    .bind(user.subject.clone())
    .bind(user.name.clone())
    .bind(user.role.clone())
    .bind(i64::from(user.disabled))
    .bind(user.tenant.clone())
    .bind(user.created_at.as_millis())
    .bind(user.created_by.clone())
    .execute(connection)
    .await?;
    Ok(())
}

pub(crate) async fn remove_user(connection: &mut AnyConnection, id: &str) -> Result<bool> {
    let done = sqlx::query("DELETE FROM users WHERE id = $1").bind(id.to_owned());
    Ok(done.execute(connection).await?.rows_affected() > 0)
}

pub(crate) async fn sessions(pool: &AnyPool) -> Result<Vec<Session>> {
    let rows = sqlx::query(
        "SELECT hash, subject, role, scopes, tenant, created_at_ms, expires_at_ms FROM sessions",
    )
    .fetch_all(pool)
    .await?;
    let session = |row: &AnyRow| {
        Ok(Session {
            hash: get(row, 0)?,
            subject: get(row, 1)?,
            role: get(row, 2)?,
            scopes: list(&get::<String>(row, 3)?),
            tenant: get(row, 4)?,
            created_at: at(row, 5)?,
            expires_at: at(row, 6)?,
        })
    };
    rows.iter().map(session).collect()
}

/// Keeps a session; what has expired goes, and of one person's the oldest beyond `most`.
pub(crate) async fn add_session(
    connection: &mut AnyConnection,
    session: &Session,
    most: u32,
) -> Result<()> {
    sqlx::query("DELETE FROM sessions WHERE expires_at_ms <= $1")
        .bind(session.created_at.as_millis())
        .execute(&mut *connection)
        .await?;
    sqlx::query(
        "INSERT INTO sessions (hash, subject, role, scopes, tenant, created_at_ms, expires_at_ms) VALUES ($1,$2,$3,$4,$5,$6,$7)",
    )
    .bind(session.hash.clone())
    .bind(session.subject.clone())
    .bind(session.role.clone())
    .bind(session.scopes.join(","))
    .bind(session.tenant.clone())
    .bind(session.created_at.as_millis())
    .bind(session.expires_at.as_millis())
    .execute(&mut *connection)
    .await?;
    sqlx::query(
        "DELETE FROM sessions WHERE subject = $1 AND hash NOT IN \
         (SELECT hash FROM sessions WHERE subject = $1 ORDER BY created_at_ms DESC, hash LIMIT $2)",
    )
    .bind(session.subject.clone())
    .bind(i64::from(most))
    .execute(connection)
    .await?;
    Ok(())
}

pub(crate) async fn end_session(connection: &mut AnyConnection, hash: &str) -> Result<bool> {
    let done = sqlx::query("DELETE FROM sessions WHERE hash = $1").bind(hash.to_owned());
    Ok(done.execute(connection).await?.rows_affected() > 0)
}

pub(crate) async fn end_sessions_of(connection: &mut AnyConnection, subject: &str) -> Result<u64> {
    let done = sqlx::query("DELETE FROM sessions WHERE subject = $1").bind(subject.to_owned());
    Ok(done.execute(connection).await?.rows_affected())
}

pub(crate) async fn changes(pool: &AnyPool) -> Result<Vec<Change>> {
    let rows = sqlx::query(
        "SELECT id, tenant, requested_by, requested_at_ms, expires_at_ms, body FROM changes ORDER BY requested_at_ms DESC, id",
    )
    .fetch_all(pool)
    .await?;
    let change = |row: &AnyRow| {
        Ok(Change {
            id: get(row, 0)?,
            tenant: get(row, 1)?,
            requested_by: get(row, 2)?,
            requested_at: at(row, 3)?,
            expires_at: at(row, 4)?,
            body: get(row, 5)?,
        })
    };
    rows.iter().map(change).collect()
}

/// Keeps a change; what has expired goes.
pub(crate) async fn add_change(connection: &mut AnyConnection, change: &Change) -> Result<()> {
    sqlx::query("DELETE FROM changes WHERE expires_at_ms <= $1")
        .bind(change.requested_at.as_millis())
        .execute(&mut *connection)
        .await?;
    sqlx::query(
        "INSERT INTO changes (id, tenant, requested_by, requested_at_ms, expires_at_ms, body) VALUES ($1,$2,$3,$4,$5,$6)",
    )
    .bind(change.id.clone())
    .bind(change.tenant.clone())
    .bind(change.requested_by.clone())
    .bind(change.requested_at.as_millis())
    .bind(change.expires_at.as_millis())
    .bind(change.body.clone())
    .execute(connection)
    .await?;
    Ok(())
}

/// Takes a change out: of many who take it at once, one gets `true`.
pub(crate) async fn take_change(connection: &mut AnyConnection, id: &str) -> Result<bool> {
    let done = sqlx::query("DELETE FROM changes WHERE id = $1").bind(id.to_owned());
    Ok(done.execute(connection).await?.rows_affected() > 0)
}
