//! `/v1/keys`: who may ask without being a person, and keys that stand for people.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use payments::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ask::Body;
use super::once::KeptInstead;
use super::problem::Problem;
use super::who::{Principal, Role};
use crate::people::key::{SCOPES, Wanted, detail};
use crate::serve::App;
use crate::serve::clock::wall;
use crate::wire::Key;

/// All keys.
#[derive(Serialize, ToSchema)]
pub struct Keys {
    data: Vec<Key>,
    next_cursor: Option<String>,
}

/// API keys, newest first
#[utoipa::path(
    get, path = "/v1/keys", tag = "keys", operation_id = "keys",
    responses((status = 200, body = Keys), (status = "4XX", body = Problem, content_type = "application/problem+json"))
)]
pub async fn list(State(app): State<Arc<App>>, who: Principal) -> Result<Json<Keys>, Problem> {
    who.needs(Role::Admin)?;
    let own = app.store.keys().await?.into_iter().filter(|key| key.tenant == who.tenant);
    Ok(Json(Keys { data: own.map(Key::from).collect(), next_cursor: None }))
}

/// What a key is to be: a person's role, or a machine's scopes.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewKey {
    /// For people to read, at most 128 characters
    #[serde(default)]
    name: String,
    role: Option<Role>,
    /// `events`, `route`
    #[serde(default)]
    scopes: Vec<String>,
    /// RFC 3339; without end if not given
    expires_at: Option<String>,
    /// The caller's own, which is taken if none is given
    tenant: Option<String>,
}

/// A key, the only time that its secret is told.
#[derive(Serialize, ToSchema)]
pub struct Made {
    /// The secret; null when the answer is replayed, for it is kept nowhere.
    key: Option<String>,
    #[serde(flatten)]
    #[schema(inline)]
    about: Key,
}

/// A text for people to read: short, of one line, and no card number.
pub fn is_name(text: &str) -> bool {
    text.chars().count() <= 128 && !text.chars().any(char::is_control) && !payments::holds_pan(text)
}

/// The caller's tenant, which is the only one that may be named.
pub fn own_tenant(who: &Principal, wanted: Option<String>) -> Result<String, Problem> {
    match wanted {
        Some(other) if other != who.tenant => Err(Problem::forbidden(format!(
            "tenant: only {} can be given by its people",
            who.tenant
        ))),
        _ => Ok(who.tenant.clone()),
    }
}

/// Make a key
///
/// Its secret is in this answer and nowhere else.
#[utoipa::path(
    post, path = "/v1/keys", tag = "keys", operation_id = "create_key", request_body = NewKey,
    responses(
        (status = 201, body = Made),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn create(
    State(app): State<Arc<App>>,
    who: Principal,
    Body(new): Body<NewKey>,
) -> Result<Response, Problem> {
    who.needs(Role::Admin)?;
    let wrong = |detail: &str| Err(Problem::impossible("invalid", detail));
    if !is_name(&new.name) {
        return wrong("name: at most 128 characters on one line, and no card number");
    }
    if new.role.is_some() != new.scopes.is_empty() {
        return wrong("want either a role (viewer, operator, approver, admin) or scopes");
    }
    if new.scopes.iter().any(|scope| !SCOPES.contains(&scope.as_str())) {
        return wrong("scopes: there are events and route");
    }
    let expires_at = match new.expires_at.as_deref().map(Timestamp::parse) {
        None => None,
        Some(Ok(at)) if at > wall() => Some(at),
        Some(_) => return wrong("expires_at: want an RFC 3339 time in the future"),
    };
    let tenant = own_tenant(&who, new.tenant)?;
    let (name, role, mut scopes) = (new.name, new.role, new.scopes);
    scopes.sort();
    scopes.dedup();
    let wanted = Wanted { name, role, scopes, expires_at, tenant, made_by: who.name.clone() };
    let (key, secret) = wanted.make().map_err(|_| {
        Problem::unavailable("no_entropy", "the operating system gives no random numbers")
    })?;
    let mut work = app.store.begin().await?;
    work.add_key(&key).await?;
    work.append_audit(wall(), &who.name, "create_key", &key.id, &detail(&key)).await?;
    work.commit().await?;
    app.read_people().await?;
    let mut made = Made { key: None, about: key.into() };
    let kept = KeptInstead(serde_json::to_string(&made).unwrap_or_default());
    made.key = Some(secret);
    let mut response = (StatusCode::CREATED, Json(made)).into_response();
    response.extensions_mut().insert(kept);
    Ok(response)
}

/// Revoke a key
///
/// It is refused at once, by other processes on the same store within seconds.
#[utoipa::path(
    delete, path = "/v1/keys/{id}", tag = "keys", params(("id" = String, Path)),
    responses(
        (status = 204),
        (status = 404, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn revoke(
    State(app): State<Arc<App>>,
    who: Principal,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    who.needs(Role::Admin)?;
    let nothing = || Problem::not_found("key that isn't revoked called", &id);
    let keys = app.store.keys().await?;
    if !keys.iter().any(|key| key.id == id && key.tenant == who.tenant) {
        return Err(nothing());
    }
    let mut work = app.store.begin().await?;
    if !work.revoke_key(&id, wall()).await? {
        return Err(nothing());
    }
    work.append_audit(wall(), &who.name, "revoke", &id, "{}").await?;
    work.commit().await?;
    app.read_people().await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
