//! What credentials of another tenant find on this server: nothing.
//!
//! One process serves one tenant. Whoever belongs to another is answered as on a server that is empty: lists are empty, everything that has a name is not
//! found, and nothing can be told to it. It is decided here for all calls at once, so that no handler can forget it; a call that isn't named here is refused.

use axum::Json;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::http::problem::Problem;
use crate::http::who::PUBLIC;

/// Calls that say nothing of a tenant's objects either: who somebody is.
const WHO: [&str; 2] = ["/v1/me", "/v1/session"];

/// Lists by their route; `after` is how the audit log is paged.
const LISTS: [&str; 12] = [
    "/v1/incidents",
    "/v1/interventions",
    "/v1/experiments",
    "/v1/decisions",
    "/v1/keys",
    "/v1/users",
    "/v1/gateways",
    "/v1/freezes",
    "/v1/settings/pending",
    "/v1/alerts",
    "/v1/channels",
    "/v1/silences",
];

/// The answer to somebody of another tenant; none: it is the same for everybody.
pub fn foreign(method: &Method, route: &str) -> Option<Response> {
    if PUBLIC.contains(&route) || WHO.contains(&route) || route.starts_with("/v1/session/") {
        return None;
    }
    let is_read = method == Method::GET || method == Method::HEAD;
    if is_read && LISTS.contains(&route) {
        return Some(Json(json!({"data": [], "next_cursor": null})).into_response());
    }
    if is_read && route == "/v1/audit" {
        return Some(Json(json!({"data": [], "next_after": null})).into_response());
    }
    if is_read || route.contains('{') || route == "none" {
        let detail = "there is no such thing for the tenant of this credential";
        return Some(Problem::new(StatusCode::NOT_FOUND, "not_found", detail).into_response());
    }
    let detail = "this server is another tenant's; nothing was done";
    Some(Problem::new(StatusCode::FORBIDDEN, "other_tenant", detail).into_response())
}
