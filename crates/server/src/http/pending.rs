//! `/v1/settings/pending`: changes that give the operator more freedom wait for a second person.
//!
//! The first asks by `PATCH /v1/settings` and gets 202. A change is bound to the settings it was asked for: once these have changed it can't be agreed to. It
//! expires; who asked may ask again and gets the same. A key may ask, but never agree, and neither may whoever made the key that asked.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::operator::{Change, Settings, apply, now};
use super::problem::Problem;
use super::who::{Kind, Principal, Role};
use crate::people::key::{hex, random};
use crate::serve::App;
use crate::serve::clock::wall;
use crate::wire::rfc3339;

/// How long a change waits.
const WAITS_MS: i64 = 3_600_000;
/// Changes that wait at once.
const WAITING_MAX: usize = 100;

/// A change that waits for a second person.
#[derive(Serialize, ToSchema)]
pub struct Pending {
    id: String,
    requested_by: String,
    requested_at: String,
    expires_at: String,
    /// What of it gives more freedom
    widens: Vec<String>,
    change: Change,
}

/// All changes that wait.
#[derive(Serialize, ToSchema)]
pub struct PendingList {
    data: Vec<Pending>,
    next_cursor: Option<String>,
}

/// What is stored of a change.
#[derive(Serialize, Deserialize)]
struct Body {
    /// The settings it was asked for.
    base: String,
    widens: Vec<String>,
    change: Change,
    /// Who has made the key that asked.
    made_by: Option<String>,
}

struct Waiting {
    row: store::Change,
    body: Body,
}

impl Waiting {
    fn told(self) -> Pending {
        let Self { row, body } = self;
        Pending {
            id: row.id,
            requested_by: row.requested_by,
            requested_at: rfc3339(row.requested_at),
            expires_at: rfc3339(row.expires_at),
            widens: body.widens,
            change: body.change,
        }
    }

    fn is_of(&self, who: &Principal) -> bool {
        self.row.requested_by == who.name || self.body.made_by.as_ref() == Some(&who.name)
    }
}

/// Those of the caller's tenant, newest first; those that have expired too.
async fn waiting(app: &App, who: &Principal) -> Result<Vec<Waiting>, Problem> {
    let rows = app.store.changes().await?.into_iter().filter(|row| row.tenant == who.tenant);
    let read = |row: store::Change| match serde_json::from_str(&row.body) {
        Ok(body) => Some(Waiting { row, body }),
        Err(error) => {
            tracing::error!(%error, "a change that waits can't be read");
            None
        }
    };
    Ok(rows.filter_map(read).collect())
}

/// Asks for a change, or agrees to the same change of somebody else's.
pub async fn ask(
    app: &App,
    who: &Principal,
    before: &Settings,
    change: Change,
    widens: Vec<&'static str>,
) -> Result<Response, Problem> {
    let made_by = match &who.kind {
        Kind::Key { made_by, .. } => Some(made_by.clone()),
        Kind::Person { .. } | Kind::Browser { .. } => None,
        Kind::Local | Kind::Nobody => {
            return Err(Problem::forbidden(format!(
                "{} would give the operator more freedom, which takes two people, and without authentication nobody is told apart; change pointsman.toml \
                 and restart, or set safety.four_eyes = false if one is enough",
                widens.join(", ")
            )));
        }
    };
    let base = before.tag();
    let (now, waiting) = (wall(), waiting(app, who).await?);
    let mut live = waiting.into_iter().filter(|waiting| waiting.row.expires_at > now);
    let same = live.find(|waiting| waiting.body.base == base && waiting.body.change == change);
    if let Some(same) = same {
        if who.is_person() && !same.is_of(who) {
            return agree(app, who, before, same).await;
        }
        return Ok((StatusCode::ACCEPTED, Json(same.told())).into_response());
    }
    if live.count() >= WAITING_MAX {
        return Err(Problem::busy(format!("{WAITING_MAX} changes wait already; withdraw some")));
    }
    let id = random::<8>().map_err(|_| {
        Problem::unavailable("no_entropy", "the operating system gives no random numbers")
    })?;
    let widens = widens.into_iter().map(Into::into).collect();
    let body = Body { base, widens, change, made_by };
    let row = store::Change {
        id: format!("c_{}", hex(&id)),
        tenant: who.tenant.clone(),
        requested_by: who.name.clone(),
        requested_at: now,
        expires_at: now.plus_millis(WAITS_MS),
        body: serde_json::to_string(&body).unwrap_or_default(),
    };
    let mut work = app.store.begin().await?;
    work.add_change(&row).await?;
    work.append_audit(now, &who.name, "request_change", &row.id, &row.body).await?;
    work.commit().await?;
    Ok((StatusCode::ACCEPTED, Json(Waiting { row, body }.told())).into_response())
}

/// The second person's word.
async fn agree(
    app: &App,
    who: &Principal,
    before: &Settings,
    waiting: Waiting,
) -> Result<Response, Problem> {
    let after = before.with(&waiting.body.change)?;
    let mut work = app.store.begin().await?;
    if !work.take_change(&waiting.row.id).await? {
        return Err(Problem::not_found("change that waits", &waiting.row.id));
    }
    work.commit().await?;
    apply(app, who, before, after, Some(&waiting.row.requested_by)).await
}

/// Changes that wait for a second person, newest first
#[utoipa::path(
    get, path = "/v1/settings/pending", tag = "settings", operation_id = "pending_changes",
    responses((status = 200, body = PendingList), (status = "4XX", body = Problem, content_type = "application/problem+json"))
)]
pub async fn list(
    State(app): State<Arc<App>>,
    who: Principal,
) -> Result<Json<PendingList>, Problem> {
    who.needs(Role::Viewer)?;
    let now = wall();
    let live = waiting(&app, &who).await?.into_iter().filter(|w| w.row.expires_at > now);
    Ok(Json(PendingList { data: live.map(Waiting::told).collect(), next_cursor: None }))
}

async fn one(app: &App, who: &Principal, id: &str) -> Result<Waiting, Problem> {
    let found = waiting(app, who).await?.into_iter().find(|waiting| waiting.row.id == id);
    found.ok_or_else(|| Problem::not_found("change that waits", id))
}

/// Agree to a change
///
/// Another person than the one who asked; then it is in force.
#[utoipa::path(
    post, path = "/v1/settings/pending/{id}/confirm", tag = "settings", params(("id" = String, Path)),
    responses(
        (status = 200, body = Settings),
        (status = 403, body = Problem, content_type = "application/problem+json", description = "the same person again, or no person"),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "the settings have changed since it was asked for"),
        (status = 410, body = Problem, content_type = "application/problem+json", description = "it has expired"),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn confirm(
    State(app): State<Arc<App>>,
    who: Principal,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    who.needs(Role::Admin)?;
    let _one = app.people.changing.lock().await;
    let waiting = one(&app, &who, &id).await?;
    if !who.is_person() {
        return Err(Problem::forbidden("only a person agrees to a change, not a key"));
    }
    if waiting.is_of(&who) {
        return Err(Problem::forbidden("another person has to agree to this change"));
    }
    if waiting.row.expires_at <= wall() {
        let detail = format!("{} has expired; it has to be asked for again", waiting.row.id);
        return Err(Problem::new(StatusCode::GONE, "expired", detail));
    }
    let before = now(&app).await?;
    if before.tag() != waiting.body.base {
        let detail =
            "the settings have changed since this was asked for; it has to be asked for again";
        return Err(Problem::conflict(detail));
    }
    agree(&app, &who, &before, waiting).await
}

/// Withdraw a change
#[utoipa::path(
    delete, path = "/v1/settings/pending/{id}", tag = "settings", params(("id" = String, Path)),
    responses(
        (status = 204),
        (status = 404, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn withdraw(
    State(app): State<Arc<App>>,
    who: Principal,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    who.needs(Role::Admin)?;
    let _one = app.people.changing.lock().await;
    let waiting = one(&app, &who, &id).await?;
    let mut work = app.store.begin().await?;
    work.take_change(&waiting.row.id).await?;
    work.append_audit(wall(), &who.name, "withdraw_change", &id, "{}").await?;
    work.commit().await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
