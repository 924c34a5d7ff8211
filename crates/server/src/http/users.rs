//! `/v1/users`: what is known here of people whom the issuer vouches for.
//!
//! Nobody has to be in it: who isn't may what their token says. A row gives them another role, or keeps them out.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Deserializer, Serialize};
use store::User;
use utoipa::ToSchema;

use super::ask::Body;
use super::keys::{is_name, own_tenant};
use super::problem::Problem;
use super::who::{Principal, Role, hash};
use crate::serve::App;
use crate::serve::clock::wall;
use crate::wire::rfc3339;

/// A user as people and programs see them.
#[derive(Serialize, ToSchema)]
pub struct UserTold {
    id: String,
    /// `sub` of the issuer's tokens
    subject: String,
    name: String,
    /// Counts instead of the token's roles; null: those count
    role: Option<String>,
    /// Nothing of theirs counts
    disabled: bool,
    tenant: String,
    created_at: String,
    created_by: String,
}

impl From<User> for UserTold {
    fn from(user: User) -> Self {
        Self {
            id: user.id,
            subject: user.subject,
            name: user.name,
            role: user.role,
            disabled: user.disabled,
            tenant: user.tenant,
            created_at: rfc3339(user.created_at),
            created_by: user.created_by,
        }
    }
}

/// All users.
#[derive(Serialize, ToSchema)]
pub struct Users {
    data: Vec<UserTold>,
    next_cursor: Option<String>,
}

/// Users, newest first
#[utoipa::path(
    get, path = "/v1/users", tag = "users", operation_id = "users",
    responses((status = 200, body = Users), (status = "4XX", body = Problem, content_type = "application/problem+json"))
)]
pub async fn list(State(app): State<Arc<App>>, who: Principal) -> Result<Json<Users>, Problem> {
    who.needs(Role::Admin)?;
    let own = app.store.users().await?.into_iter().filter(|user| user.tenant == who.tenant);
    Ok(Json(Users { data: own.map(UserTold::from).collect(), next_cursor: None }))
}

async fn found(app: &App, who: &Principal, id: &str) -> Result<User, Problem> {
    who.needs(Role::Admin)?;
    let mut own = app.store.users().await?.into_iter().filter(|user| user.tenant == who.tenant);
    own.find(|user| user.id == id).ok_or_else(|| Problem::not_found("user", id))
}

/// One of the users
#[utoipa::path(
    get, path = "/v1/users/{id}", tag = "users", operation_id = "user", params(("id" = String, Path)),
    responses(
        (status = 200, body = UserTold),
        (status = 404, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn one(
    State(app): State<Arc<App>>,
    who: Principal,
    Path(id): Path<String>,
) -> Result<Json<UserTold>, Problem> {
    Ok(Json(found(&app, &who, &id).await?.into()))
}

/// Somebody to know.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewUser {
    /// `sub` of the issuer's tokens
    subject: String,
    #[serde(default)]
    name: String,
    role: Option<Role>,
    #[serde(default)]
    disabled: bool,
    /// The caller's own, which is taken if none is given
    tenant: Option<String>,
}

/// Know somebody
#[utoipa::path(
    post, path = "/v1/users", tag = "users", operation_id = "create_user", request_body = NewUser,
    responses(
        (status = 201, body = UserTold),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "they are known already"),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn create(
    State(app): State<Arc<App>>,
    who: Principal,
    Body(new): Body<NewUser>,
) -> Result<Response, Problem> {
    who.needs(Role::Admin)?;
    if !is_name(&new.name) || !is_name(&new.subject) || new.subject.is_empty() {
        let detail =
            "subject (needed) and name: at most 128 characters on one line, and no card number";
        return Err(Problem::impossible("invalid", detail));
    }
    let id = format!("u_{}", &hash(&new.subject)[..16]);
    let user = User {
        id: id.clone(),
        tenant: own_tenant(&who, new.tenant)?,
        subject: new.subject,
        name: new.name,
        role: new.role.map(|role| role.as_str().to_owned()),
        disabled: new.disabled,
        created_at: wall(),
        created_by: who.name.clone(),
    };
    let _one = app.people.changing.lock().await;
    if app.store.users().await?.iter().any(|known| known.id == id) {
        return Err(Problem::conflict("this subject is known already; PATCH changes it"));
    }
    keep(&app, &who, "create_user", &user).await?;
    Ok((StatusCode::CREATED, Json(UserTold::from(user))).into_response())
}

/// Stores a user; one who is disabled is logged out at once.
async fn keep(
    app: &App,
    who: &Principal,
    action: &'static str,
    user: &User,
) -> Result<(), Problem> {
    let detail = serde_json::json!({
        "subject": user.subject, "role": user.role, "disabled": user.disabled, "tenant": user.tenant,
    });
    let mut work = app.store.begin().await?;
    work.put_user(user).await?;
    if user.disabled {
        work.end_sessions_of(&user.subject).await?;
    }
    work.append_audit(wall(), &who.name, action, &user.id, &detail.to_string()).await?;
    work.commit().await?;
    app.read_people().await?;
    Ok(())
}

/// What is to change; what isn't named stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UserChange {
    name: Option<String>,
    /// null: the token's roles count again
    #[serde(default, deserialize_with = "named")]
    #[schema(value_type = Option<Role>)]
    role: Option<Option<Role>>,
    disabled: Option<bool>,
}

/// Tells null from a member that isn't there.
fn named<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Option<Role>>, D::Error> {
    Option::<Role>::deserialize(from).map(Some)
}

/// Change somebody's role, name, or keep them out
///
/// Who is disabled is refused and logged out at once.
#[utoipa::path(
    patch, path = "/v1/users/{id}", tag = "users", operation_id = "change_user", params(("id" = String, Path)), request_body = UserChange,
    responses(
        (status = 200, body = UserTold),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn change(
    State(app): State<Arc<App>>,
    who: Principal,
    Path(id): Path<String>,
    Body(change): Body<UserChange>,
) -> Result<Json<UserTold>, Problem> {
    who.needs(Role::Admin)?;
    let _one = app.people.changing.lock().await;
    let mut user = found(&app, &who, &id).await?;
    if let Some(name) = change.name {
        if !is_name(&name) {
            let detail = "name: at most 128 characters on one line, and no card number";
            return Err(Problem::impossible("invalid", detail));
        }
        user.name = name;
    }
    if let Some(role) = change.role {
        user.role = role.map(|role| role.as_str().to_owned());
    }
    if let Some(disabled) = change.disabled {
        user.disabled = disabled;
    }
    keep(&app, &who, "change_user", &user).await?;
    Ok(Json(user.into()))
}

/// Know somebody no more: their token alone counts
///
/// Who is disabled has to be enabled first, for this would let them in again.
#[utoipa::path(
    delete, path = "/v1/users/{id}", tag = "users", params(("id" = String, Path)),
    responses(
        (status = 204),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "they are disabled"),
    )
)]
pub async fn remove(
    State(app): State<Arc<App>>,
    who: Principal,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    who.needs(Role::Admin)?;
    let _one = app.people.changing.lock().await;
    let user = found(&app, &who, &id).await?;
    if user.disabled {
        let detail =
            "they are disabled, and their token would let them in again; enable them first";
        return Err(Problem::conflict(detail));
    }
    let mut work = app.store.begin().await?;
    work.remove_user(&id).await?;
    let detail = serde_json::json!({ "subject": user.subject }).to_string();
    work.append_audit(wall(), &who.name, "remove_user", &id, &detail).await?;
    work.commit().await?;
    app.read_people().await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
