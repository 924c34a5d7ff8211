//! Around every request: its id, who asks, and a count of what was answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::who;
use crate::serve::App;
use crate::serve::metrics::RequestLabels;

tokio::task_local! {
    static ID: String;
}

static COUNT: AtomicU64 = AtomicU64::new(0);

/// The id of the request that is being answered.
pub fn id() -> String {
    ID.try_with(Clone::clone).unwrap_or_default()
}

/// The outermost layer.
pub async fn around(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let id = format!("{:016x}-{count}", app.process);
    let route =
        request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let value = HeaderValue::from_str(&id);
    let mut response = ID
        .scope(id, async {
            match who::of(&app, &request) {
                Ok(principal) => {
                    request.extensions_mut().insert(principal);
                    next.run(request).await
                }
                Err(problem) => problem.into_response(),
            }
        })
        .await;
    let status = response.status().as_u16();
    app.metrics.requests.get_or_create(&RequestLabels { route, status }).inc();
    let headers = response.headers_mut();
    if let Ok(value) = value {
        headers.insert("x-request-id", value);
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}
