//! `Idempotency-Key`: a request that comes again gets its answer again.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use store::Claim;

use super::problem::Problem;
use super::who::{Principal, hash};
use crate::serve::App;
use crate::serve::clock::wall;
use crate::serve::metrics::Route;

const BODY_MAX: usize = 1 << 20;
const KEY_MAX: usize = 255;

/// Kept under an `Idempotency-Key` instead of the answer, which holds a secret.
#[derive(Clone)]
pub struct KeptInstead(pub String);

/// The layer; only POST with the header is touched.
pub async fn once(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let key = request.headers().get("idempotency-key").cloned();
    match key {
        Some(key) if request.method() == Method::POST => {
            let path = Route::of(&request);
            let path = path.as_str();
            keyed(&app, path, &key, request, next).await.unwrap_or_else(IntoResponse::into_response)
        }
        _ => next.run(request).await,
    }
}

async fn keyed(
    app: &App,
    path: &str,
    key: &HeaderValue,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let key = key.to_str().ok().filter(|key| !key.is_empty() && key.len() <= KEY_MAX);
    let key = key
        .ok_or_else(|| Problem::malformed("Idempotency-Key: 1 to 255 visible ASCII characters"))?;
    // What callers take for a key, and what they put into paths, is theirs: nothing of it is kept.
    let key = hash(&format!("{}\0{key}", request.uri().path()));
    let who = request.extensions().get::<Arc<Principal>>().map(|who| who.name.clone());
    let who = who.unwrap_or_default();
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, BODY_MAX)
        .await
        .map_err(|_| Problem::too_large(format!("a body of at most {BODY_MAX} bytes is read")))?;
    let body_hash = hash(&String::from_utf8_lossy(&body));
    match claim(app, &who, path, &key, &body_hash).await? {
        Claim::First => {}
        Claim::InFlight => {
            return Err(Problem::new(
                StatusCode::CONFLICT,
                "in_flight",
                "the first request with this Idempotency-Key is still being answered",
            ));
        }
        Claim::OtherBody => {
            return Err(Problem::impossible(
                "idempotency_key_reused",
                "this Idempotency-Key came with another body; use a new key",
            ));
        }
        Claim::Answered { status, body } => return Ok(replayed(status, body)),
    }
    let response = next.run(Request::from_parts(parts, Body::from(body))).await;
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, BODY_MAX).await.unwrap_or_default();
    // What the server failed at may be tried again.
    let kept = (!parts.status.is_server_error()).then_some(parts.status.as_u16());
    match parts.extensions.get::<KeptInstead>() {
        Some(KeptInstead(text)) => keep(app, &who, path, &key, kept, text).await?,
        None => keep(app, &who, path, &key, kept, &String::from_utf8_lossy(&body)).await?,
    }
    Ok(Response::from_parts(parts, Body::from(body)))
}

async fn claim(app: &App, who: &str, path: &str, key: &str, body: &str) -> Result<Claim, Problem> {
    let mut work = app.store.begin().await?;
    let claim = work.claim(who, path, key, body, wall()).await?;
    work.commit().await?;
    Ok(claim)
}

async fn keep(
    app: &App,
    who: &str,
    path: &str,
    key: &str,
    status: Option<u16>,
    text: &str,
) -> Result<(), Problem> {
    let mut work = app.store.begin().await?;
    work.answer(who, path, key, status.map(|status| (status, text))).await?;
    work.commit().await?;
    Ok(())
}

fn replayed(status: u16, body: String) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    let mut response = (status, body).into_response();
    let is_problem = status.is_client_error();
    let kind = if is_problem { "application/problem+json" } else { "application/json" };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert("idempotent-replayed", HeaderValue::from_static("true"));
    response
}
