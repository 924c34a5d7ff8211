//! Probes and the server about itself: version, health, metrics, the interface's description.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::problem::Problem;
use super::who::{Kind, Principal, Role};
use crate::serve::App;
use crate::serve::health::{Phase, StoreState};
use crate::serve::metrics;
use crate::wire::rfc3339;

/// What runs.
#[derive(Debug, Serialize, ToSchema)]
pub struct Version {
    name: &'static str,
    version: &'static str,
}

/// What runs
#[utoipa::path(get, path = "/version", tag = "server", responses((status = 200, body = Version)))]
pub async fn version() -> Json<Version> {
    Json(Version { name: "pointsman", version: env!("CARGO_PKG_VERSION") })
}

/// Alive: it answers
#[utoipa::path(get, path = "/healthz", tag = "server", responses((status = 200, body = String, content_type = "text/plain")))]
pub async fn alive() -> &'static str {
    "ok"
}

/// Whether it can work.
#[derive(Debug, Serialize, ToSchema)]
pub struct Ready {
    /// `ready` or `degraded`
    status: &'static str,
    /// By part; `ok`, or what is wrong
    checks: BTreeMap<&'static str, String>,
}

/// Whether it can work
///
/// `degraded` when the store is down (routing goes on, events are answered 503) or a feed can't be read. 503 only while starting or stopping.
#[utoipa::path(
    get, path = "/readyz", tag = "server",
    responses(
        (status = 200, body = Ready),
        (status = 503, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn ready(State(app): State<Arc<App>>) -> Result<Json<Ready>, Problem> {
    if app.health.phase() != Phase::Running {
        return Err(Problem::stopping());
    }
    let store = match app.health.store() {
        StoreState::Up => match app.store.ping().await {
            Ok(()) => "ok".to_owned(),
            Err(error) => error.to_string(),
        },
        StoreState::Down(why) | StoreState::Failed(why) => why,
    };
    let is_up = store == "ok";
    let killed = if app.is_killed() { "engaged" } else { "ok" };
    let mut checks = BTreeMap::from([
        ("store", store),
        ("route", "ok".to_owned()),
        ("kill_switch", killed.to_owned()),
        ("config", app.health.configured().unwrap_or_else(|| "ok".into())),
    ]);
    let feeds = app.health.feeds();
    let are_read = feeds.values().all(Option::is_none);
    checks.extend(
        feeds.into_iter().map(|(name, wrong)| (name, wrong.unwrap_or_else(|| "ok".into()))),
    );
    Ok(Json(Ready { status: if is_up && are_read { "ready" } else { "degraded" }, checks }))
}

/// Metrics, as Prometheus reads them
///
/// In the form of OpenMetrics 1.0; in Prometheus' own (0.0.4) for those who accept `text/plain` and not that.
#[utoipa::path(
    get, path = "/metrics", tag = "server",
    responses((status = 200, content((String = "application/openmetrics-text"), (String = "text/plain"))))
)]
pub async fn metrics(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    let is_up = matches!(app.health.store(), StoreState::Up);
    app.metrics.store_up.set(f64::from(u8::from(is_up)));
    app.metrics.waiting.set((crate::serve::ROOM - app.room.available_permits()) as i64);
    let accept = headers.get(header::ACCEPT).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let is_plain = accept.contains("text/plain") && !accept.contains("openmetrics");
    let (kind, text) = if is_plain {
        ("text/plain; version=0.0.4; charset=utf-8", metrics::plain(&app.metrics.text()))
    } else {
        let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
        (kind, app.metrics.text())
    };
    ([(header::CONTENT_TYPE, kind)], text).into_response()
}

/// This description
#[utoipa::path(get, path = "/openapi.json", tag = "server", responses((status = 200, body = serde_json::Value)))]
pub async fn openapi() -> Response {
    super::route::json(super::description())
}

/// This description, for people
#[utoipa::path(get, path = "/docs", tag = "server", responses((status = 200, body = String, content_type = "text/html")))]
pub async fn docs() -> Result<Html<String>, Problem> {
    super::docs::page().map(Html)
}

/// Who asks.
#[derive(Debug, Serialize, ToSchema)]
pub struct Me {
    /// As the audit log names them
    name: String,
    /// How they say so: `local`, `key`, `token` or `session`
    by: &'static str,
    role: Option<Role>,
    scopes: Vec<String>,
    tenant: String,
    /// Of a session: what `X-CSRF-Token` has to be with whatever changes something
    csrf_token: Option<String>,
    /// Of a session
    expires_at: Option<String>,
}

impl Me {
    /// Who they are, as they may know it.
    pub fn of(who: Principal) -> Self {
        let Principal { name, kind, role, scopes, tenant, .. } = who;
        let by = match kind {
            Kind::Nobody => "nothing",
            Kind::Local => "local",
            Kind::Key { .. } => "key",
            Kind::Person { .. } => "token",
            Kind::Browser { .. } => "session",
        };
        let (csrf_token, expires_at) = match kind {
            Kind::Browser { csrf_token, expires_at, .. } => {
                (Some(csrf_token), Some(rfc3339(expires_at)))
            }
            _ => (None, None),
        };
        Self { name, by, role, scopes, tenant, csrf_token, expires_at }
    }
}

/// Who am I
#[utoipa::path(get, path = "/v1/me", tag = "server", responses((status = 200, body = Me)))]
pub async fn me(who: Principal) -> Json<Me> {
    Json(Me::of(who))
}

/// No such path.
pub async fn nothing(uri: axum::http::Uri) -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "not_found",
        format!("there is no path {}; GET /docs lists them", payments::excerpt(uri.path())),
    )
}

/// A path, and another method.
pub async fn other_method(method: axum::http::Method) -> Problem {
    let detail = format!("{method} isn't answered here; GET /docs lists what is");
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail)
}
