//! Breaking the simulated network of a demonstration.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ask::Body;
use super::problem::Problem;
use super::who::{Principal, Role};
use crate::demo::{Outage, Outages};
use crate::read::visible;
use crate::serve::App;

/// A day.
const DURATION_S_MAX: i64 = 86_400;
const TEXT_MAX: usize = 128;

/// What is to break.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Strike {
    /// Dimension and value; without a gateway it strikes on all of them.
    slice: BTreeMap<String, String>,
    /// Share of approvals that fail instead.
    #[schema(minimum = 0, maximum = 1)]
    severity: f64,
    /// Of the network's time, which passes `--speed` times as fast as ours.
    #[schema(minimum = 1, maximum = 86400)]
    duration_s: i64,
}

/// An outage that has begun.
#[derive(Debug, Serialize, ToSchema)]
pub struct Begun {
    id: String,
    /// RFC 3339
    ends_at: String,
}

/// What is broken.
#[derive(Debug, Serialize, ToSchema)]
pub struct Running {
    data: Vec<Outage>,
    next_cursor: Option<String>,
}

fn is_short(text: &str) -> bool {
    text.chars().count() <= TEXT_MAX && !payments::holds_pan(text)
}

fn network(app: &App) -> Result<&Outages, Problem> {
    app.demo.get().map(AsRef::as_ref).ok_or_else(|| {
        let detail = "this server has no simulated network; `pointsman demo` has one";
        Problem::new(StatusCode::NOT_FOUND, "not_a_demo", detail)
    })
}

/// Break the simulated network
///
/// In a demonstration only.
#[utoipa::path(
    post, path = "/v1/demo/outages", tag = "demo", request_body = Strike,
    responses(
        (status = 201, body = Begun),
        (status = 404, body = Problem, content_type = "application/problem+json", description = "`not_a_demo`"),
        (status = 422, body = Problem, content_type = "application/problem+json", description = "no traffic falls into the slice, or a figure is out of its range"),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn strike(
    State(app): State<Arc<App>>,
    who: Principal,
    Body(Strike { slice, severity, duration_s }): Body<Strike>,
) -> Result<(StatusCode, Json<Begun>), Problem> {
    who.needs(Role::Operator)?;
    let network = network(&app)?;
    if !(1..=DURATION_S_MAX).contains(&duration_s) {
        let detail = format!("duration_s is {duration_s}; allowed are 1 to {DURATION_S_MAX}");
        return Err(Problem::impossible("invalid", detail));
    }
    if let Some(wrong) = slice.iter().find(|(name, value)| !is_short(name) || !is_short(value)) {
        let name = payments::excerpt(wrong.0);
        let detail = format!("slice: {name}: at most {TEXT_MAX} characters, and no card number");
        return Err(Problem::impossible("invalid", detail));
    }
    let outage = network
        .strike(slice, severity, duration_s * 1_000, &who.name)
        .map_err(|e| Problem::impossible("invalid", visible(&e.to_string())))?;
    tracing::info!(id = outage.id, by = who.name, "the simulated network is broken");
    Ok((StatusCode::CREATED, Json(Begun { id: outage.id, ends_at: outage.ends_at })))
}

/// What is broken in the simulated network now, newest first
#[utoipa::path(
    get, path = "/v1/demo/outages", tag = "demo",
    responses(
        (status = 200, body = Running),
        (status = 404, body = Problem, content_type = "application/problem+json", description = "`not_a_demo`"),
    )
)]
pub async fn outages(
    State(app): State<Arc<App>>,
    who: Principal,
) -> Result<Json<Running>, Problem> {
    who.needs(Role::Viewer)?;
    Ok(Json(Running { data: network(&app)?.running(), next_cursor: None }))
}

/// Mend all that is broken in the simulated network
#[utoipa::path(
    delete, path = "/v1/demo/outages", tag = "demo",
    responses(
        (status = 204, description = "all is mended within a second"),
        (status = 404, body = Problem, content_type = "application/problem+json", description = "`not_a_demo`"),
    )
)]
pub async fn repair(State(app): State<Arc<App>>, who: Principal) -> Result<StatusCode, Problem> {
    who.needs(Role::Operator)?;
    network(&app)?.repair();
    Ok(StatusCode::NO_CONTENT)
}
