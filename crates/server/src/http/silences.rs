//! Silences: alerts of a slice aren't sent for a while, by whom and why.

use std::collections::BTreeMap;
use std::sync::Arc;

use analyst::Slice;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use payments::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};

use super::ask::{Body, Page, PageOf, Query, raw};
use super::problem::Problem;
use super::who::{Principal, Role};
use crate::serve::App;
use crate::serve::clock::wall;
use crate::serve::core::json;
use crate::wire::rfc3339;

/// The longest that a silence lasts.
const DAYS_MAX: i64 = 30;
/// Values that a silence may name.
const VALUES_MAX: usize = 8;

/// Which part of the list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Part {
    /// At most so many, 1 to 500; 50 if not given
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
    /// `next_cursor` of the page before
    cursor: Option<String>,
}

/// A silence.
#[derive(Serialize, ToSchema)]
pub struct Silence {
    id: String,
    /// Alerts whose slice has all of these values are covered.
    #[schema(value_type = BTreeMap<String, String>)]
    slice: Box<RawValue>,
    reason: String,
    by: String,
    from: String,
    until: String,
    /// Who ended it early.
    ended_by: Option<String>,
    /// Whether it is in force.
    active: bool,
}

impl Silence {
    fn of(from: store::Silence, now: Timestamp) -> Result<Self, Problem> {
        Ok(Self {
            id: from.id,
            slice: raw(from.slice)?,
            reason: from.reason,
            by: from.by,
            from: rfc3339(from.from),
            until: rfc3339(from.until),
            active: from.until > now,
            ended_by: from.ended_by,
        })
    }
}

/// Silences, newest first
#[utoipa::path(
    get, path = "/v1/silences", tag = "alerts", params(Part),
    responses(
        (status = 200, body = PageOf<Silence>),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn silences(
    State(app): State<Arc<App>>,
    who: Principal,
    Query(Part { limit, cursor }): Query<Part>,
) -> Result<Json<Page>, Problem> {
    who.needs(Role::Viewer)?;
    let paging = super::ask::Paging { limit, cursor, ..Default::default() };
    let (wanted, limit) = paging.wanted()?;
    let now = wall();
    let rows = app.store.silences(wanted.before, wanted.limit).await?;
    let placed = |row: store::Silence| Ok((row.place, json(&Silence::of(row, now)?)));
    let rows = rows.into_iter().map(placed).collect::<Result<Vec<_>, Problem>>()?;
    Ok(Json(Page::of_placed(rows, limit)?))
}

/// What is to be silent, until when and why.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    /// Alerts whose slice has all of these values; 1 to 8 of them.
    slice: BTreeMap<String, String>,
    /// RFC 3339; at most 30 days ahead.
    until: String,
    /// 1 to 500 characters.
    reason: String,
}

/// Silence a slice
///
/// Its alerts are recorded as silenced and not sent. What still goes on when the silence ends is sent then.
#[utoipa::path(
    post, path = "/v1/silences", tag = "alerts", request_body = Wanted,
    responses(
        (status = 201, body = Silence),
        (status = 422, body = Problem, content_type = "application/problem+json"),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn silence(
    State(app): State<Arc<App>>,
    who: Principal,
    Body(wanted): Body<Wanted>,
) -> Result<Response, Problem> {
    who.needs(Role::Operator)?;
    let now = wall();
    let (slice, until) = checked(&wanted, now)?;
    let silence = store::Silence {
        id: format!("sil_{:016x}", crate::serve::random()),
        slice: json(&slice),
        reason: wanted.reason,
        by: who.name.clone(),
        from: now,
        until,
        ended_by: None,
        place: 0,
    };
    let shown = Silence::of(silence.clone(), now)?;
    let mut work = app.store.begin().await?;
    work.add_silence(&silence).await?;
    work.append_audit(now, &who.name, "silence", &silence.id, &json(&shown)).await?;
    work.commit().await?;
    Ok((StatusCode::CREATED, Json(shown)).into_response())
}

fn checked(wanted: &Wanted, now: Timestamp) -> Result<(Slice, Timestamp), Problem> {
    let impossible = |detail: String| Problem::impossible("invalid", detail);
    if wanted.slice.is_empty() || wanted.slice.len() > VALUES_MAX {
        let why = "an empty slice never means everything";
        return Err(impossible(format!("slice: wants 1 to {VALUES_MAX} values; {why}")));
    }
    let is_text = |text: &str| {
        let length = text.chars().count();
        (1..=128).contains(&length) && !payments::holds_pan(text)
    };
    if let Some((name, _)) = wanted.slice.iter().find(|(n, v)| !is_text(n) || !is_text(v)) {
        let name = payments::excerpt(name);
        return Err(impossible(format!(
            "slice.{name}: wants 1 to 128 characters, and no card number"
        )));
    }
    let until = Timestamp::parse(&wanted.until)
        .map_err(|e| impossible(format!("until {}: {e}", payments::excerpt(&wanted.until))))?;
    if until <= now || until > now.plus_millis(DAYS_MAX * 86_400_000) {
        return Err(impossible(format!(
            "until {until}: wants a time within the next {DAYS_MAX} days"
        )));
    }
    let length = wanted.reason.chars().count();
    if !(1..=500).contains(&length) || payments::holds_pan(&wanted.reason) {
        return Err(impossible("reason: 1 to 500 characters, and no card number".into()));
    }
    Ok((Slice::new(wanted.slice.clone()), until))
}

/// End a silence
///
/// What it covered and still goes on is sent now.
#[utoipa::path(
    delete, path = "/v1/silences/{id}", tag = "alerts", params(("id" = String, Path)),
    responses(
        (status = 204),
        (status = 404, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn end_silence(
    State(app): State<Arc<App>>,
    who: Principal,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    who.needs(Role::Operator)?;
    let mut work = app.store.begin().await?;
    if !work.end_silence(&id, &who.name, wall()).await? {
        return Err(Problem::not_found("silence in force called", &id));
    }
    work.append_audit(wall(), &who.name, "end_silence", &id, "{}").await?;
    work.commit().await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
