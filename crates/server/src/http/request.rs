//! Around every request: its id, who asks, and a count of what was answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tracing::{Instrument, Span};
use tracing_opentelemetry::OpenTelemetrySpanExt;

use super::page;
use super::problem::Problem;
use super::who::{self, Principal};
use crate::people::tenant;
use crate::serve::App;
use crate::serve::listen::Peer;
use crate::serve::metrics::{RequestLabels, Route};
use crate::telemetry::{TARGET, parent};

/// Names a request; written out where it is needed.
#[derive(Clone, Copy)]
struct Id {
    process: u64,
    count: u64,
}

impl std::fmt::Display for Id {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:016x}-{}", self.process, self.count)
    }
}

tokio::task_local! {
    static ID: Id;
}

static COUNT: AtomicU64 = AtomicU64::new(0);

/// The id of the request that is being answered.
pub fn id() -> String {
    ID.try_with(Id::to_string).unwrap_or_default()
}

/// How long an answer may take to begin, the reading of a slow body included; the stream's begins at once.
const ANSWER_MAX: Duration = Duration::from_secs(60);

/// 504, not 503: that would say that nothing was stored.
fn too_long() -> Problem {
    let detail = "there was no answer within 60 s, and whether it was done isn't known; ask again: attempts count once by attempt_id, and \
                  Idempotency-Key does the same for commands";
    Problem::new(StatusCode::GATEWAY_TIMEOUT, "timeout", detail)
}

/// For traces: nothing of the path but its pattern, and nothing of the body. Costs nothing where nobody traces.
fn span(request: &Request, route: &str) -> Span {
    let span = tracing::debug_span!(
        target: TARGET,
        "request",
        otel.name = %format_args!("{} {route}", request.method()),
        otel.kind = "server",
        http.request.method = %request.method(),
        http.route = route,
        http.response.status_code = tracing::field::Empty,
        pointsman.request_id = id(),
    );
    if !span.is_disabled() {
        // A caller's id that makes no sense is no reason to answer otherwise.
        let _ = span.set_parent(parent(request.headers()));
    }
    span
}

/// Who asks, if they may ask this now and here; else the answer.
async fn admitted(app: &App, request: &Parts, route: &str) -> Result<Arc<Principal>, Response> {
    let who = who::of(app, request).await;
    let taken = match who.as_ref().ok().and_then(|who| who.buckets.as_ref()) {
        Some(buckets) => buckets.take(request.uri.path()),
        None => {
            let peer = request.extensions.get::<Peer>();
            peer.map_or(Ok(()), |peer| app.people.stranger(peer.from.ip()))
        }
    };
    if let Err(wait) = taken {
        app.metrics.requests_limited.inc();
        return Err(Problem::too_often(wait).into_response());
    }
    let who = who.map_err(IntoResponse::into_response)?;
    if who.tenant != app.people.tenant()
        && !page::is_path(request.uri.path())
        && let Some(answer) = tenant::foreign(&request.method, route)
    {
        return Err(answer);
    }
    Ok(who)
}

/// The outermost layer.
pub async fn around(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let id = Id { process: app.process, count: COUNT.fetch_add(1, Ordering::Relaxed) };
    let route = Route::of(&request);
    let mut response = ID
        .scope(id, async {
            let (mut parts, body) = request.into_parts();
            match admitted(&app, &parts, route.as_str()).await {
                Ok(principal) => {
                    parts.extensions.insert(principal);
                    let request = Request::from_parts(parts, body);
                    let span = span(&request, route.as_str());
                    let answer = tokio::time::timeout(ANSWER_MAX, next.run(request));
                    let answer = answer.instrument(span.clone()).await;
                    let answer = answer.unwrap_or_else(|_| too_long().into_response());
                    span.record("http.response.status_code", answer.status().as_u16());
                    answer
                }
                Err(answer) => answer,
            }
        })
        .await;
    let status = response.status().as_u16();
    app.metrics.requests.get_or_create(&RequestLabels { route, status }).inc();
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::try_from(id.to_string()) {
        headers.insert("x-request-id", value);
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}
