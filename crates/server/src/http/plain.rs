//! Plain resources: the audit log, gateways, freeze windows.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use engine::Input;
use payments::Timestamp;
use pilot::{Command, Freeze};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};

use super::ask::{Body, Query, raw};
use super::command::tell;
use super::problem::Problem;
use super::who::{Principal, Role};
use crate::serve::App;
use crate::serve::writer::Audit;
use crate::wire::rfc3339;

/// Which part of the log.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Part {
    /// Entries behind this one, oldest first
    after: Option<i64>,
    /// At most so many, 1 to 500; 50 if not given
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
}

/// An entry of the log; each holds the hash of the one before.
#[derive(Serialize, ToSchema)]
pub struct Entry {
    seq: i64,
    at: String,
    actor: String,
    action: String,
    object: String,
    #[schema(value_type = serde_json::Value)]
    detail: Box<RawValue>,
    previous: String,
    hash: String,
}

/// Entries in order.
#[derive(Serialize, ToSchema)]
pub struct Log {
    data: Vec<Entry>,
    /// `after` of the next part.
    next_after: Option<i64>,
}

/// The audit log, oldest first, so that a chain can be followed
#[utoipa::path(
    get, path = "/v1/audit", tag = "audit", params(Part),
    responses(
        (status = 200, body = Log),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn audit(
    State(app): State<Arc<App>>,
    who: Principal,
    Query(part): Query<Part>,
) -> Result<Json<Log>, Problem> {
    who.needs(Role::Admin)?;
    let limit = part.limit.unwrap_or(50);
    if !(1..=500).contains(&limit) {
        return Err(Problem::malformed(format!("limit is {limit}; allowed are 1 to 500")));
    }
    let entries = app.store.audit(part.after.unwrap_or(0), limit).await?;
    let next_after = entries.last().filter(|_| entries.len() == limit as usize).map(|e| e.seq);
    let entry = |entry: store::AuditEntry| {
        Ok::<_, Problem>(Entry {
            seq: entry.seq,
            at: rfc3339(entry.at),
            actor: entry.actor,
            action: entry.action,
            object: entry.object,
            detail: raw(entry.detail)?,
            previous: entry.previous,
            hash: entry.hash,
        })
    };
    Ok(Json(Log { data: entries.into_iter().map(entry).collect::<Result<_, _>>()?, next_after }))
}

/// Gateways that payments may be sent to, in order of preference.
#[derive(Serialize, ToSchema)]
pub struct Gateways {
    #[schema(value_type = Vec<serde_json::Value>)]
    data: Vec<routing::Gateway>,
    next_cursor: Option<String>,
}

/// The configured gateways (`[[gateways]]`), in order of preference
#[utoipa::path(
    get, path = "/v1/gateways", tag = "gateways",
    responses((status = 200, body = Gateways), (status = "4XX", body = Problem, content_type = "application/problem+json"))
)]
pub async fn gateways(
    State(app): State<Arc<App>>,
    who: Principal,
) -> Result<Json<Gateways>, Problem> {
    who.needs(Role::Viewer)?;
    let data = app.plane.policy.load().incumbent.terms().gateways.clone();
    Ok(Json(Gateways { data, next_cursor: None }))
}

/// A window in which nothing new is done; rollbacks and expiry go on.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FreezeWindow {
    /// RFC 3339
    from: String,
    /// RFC 3339
    to: String,
    reason: String,
}

/// All freeze windows.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Freezes {
    data: Vec<FreezeWindow>,
}

async fn freezes_now(app: &App) -> Result<Freezes, Problem> {
    let freezes = app.engine.ask(|core| core.engine.pilot().settings().freezes.clone()).await;
    let window = |freeze: Freeze| FreezeWindow {
        from: rfc3339(freeze.from),
        to: rfc3339(freeze.to),
        reason: freeze.reason,
    };
    let freezes = freezes.ok_or_else(Problem::stopping)?;
    Ok(Freezes { data: freezes.into_iter().map(window).collect() })
}

/// Freeze windows
#[utoipa::path(
    get, path = "/v1/freezes", tag = "safety",
    responses((status = 200, body = Freezes), (status = "4XX", body = Problem, content_type = "application/problem+json"))
)]
pub async fn freezes(
    State(app): State<Arc<App>>,
    who: Principal,
) -> Result<Json<Freezes>, Problem> {
    who.needs(Role::Viewer)?;
    Ok(Json(freezes_now(&app).await?))
}

/// Windows that may be set.
const FREEZES_MAX: usize = 100;

/// Set all freeze windows
///
/// Adding one takes an operator, taking one out or shortening it an approver.
#[utoipa::path(
    put, path = "/v1/freezes", tag = "safety", request_body = Freezes,
    responses(
        (status = 200, body = Freezes),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn set_freezes(
    State(app): State<Arc<App>>,
    who: Principal,
    Body(wanted): Body<Freezes>,
) -> Result<Json<Freezes>, Problem> {
    who.needs(Role::Operator)?;
    if wanted.data.len() > FREEZES_MAX {
        return Err(Problem::impossible("invalid", format!("data: at most {FREEZES_MAX} windows")));
    }
    let freezes = wanted.data.into_iter().map(freeze).collect::<Result<Vec<Freeze>, _>>()?;
    let before = app.engine.ask(|core| core.engine.pilot().settings().freezes.clone()).await;
    let before = before.ok_or_else(Problem::stopping)?;
    let still = |old: &Freeze| freezes.iter().any(|new| new.from <= old.from && new.to >= old.to);
    if !before.iter().all(still) {
        who.needs(Role::Approver)?;
    }
    let command = Command::SetFreezes(freezes);
    let detail = serde_json::to_string(&command).unwrap_or_default();
    let audit =
        Audit { actor: who.name.clone(), action: "freeze", object: "settings".into(), detail };
    let input = Input::Command { at: app.clock.now(), command: Box::new(command) };
    tell(&app, input, audit, None).await?;
    Ok(Json(freezes_now(&app).await?))
}

fn freeze(window: FreezeWindow) -> Result<Freeze, Problem> {
    let time = |name: &str, text: &str| {
        Timestamp::parse(text).map_err(|e| {
            let text = payments::excerpt(text);
            Problem::impossible("invalid", format!("{name} {text}: {e}"))
        })
    };
    let (from, to) = (time("from", &window.from)?, time("to", &window.to)?);
    if from >= to {
        return Err(Problem::impossible("invalid", "from has to lie before to"));
    }
    let reason = window.reason;
    if reason.is_empty() || reason.chars().count() > 500 || payments::holds_pan(&reason) {
        let detail = "reason: 1 to 500 characters, and no card number";
        return Err(Problem::impossible("invalid", detail));
    }
    Ok(Freeze { from, to, reason })
}
