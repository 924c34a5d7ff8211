//! Errors as RFC 9457 problems, with `code` and `request_id` added.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::request;
use crate::serve::writer::Fault;

/// A problem: what is wrong, where, and what to do about it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Problem {
    /// `urn:pointsman:problem:CODE`
    r#type: String,
    title: &'static str,
    status: u16,
    detail: String,
    /// For programs.
    code: &'static str,
    /// Names the request in the log.
    request_id: String,
    #[serde(skip)]
    retry_after_s: Option<u32>,
}

impl Problem {
    /// Of a status and a code, in words.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            r#type: format!("urn:pointsman:problem:{code}"),
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            detail: detail.into(),
            code,
            request_id: request::id(),
            retry_after_s: None,
        }
    }

    /// 400: malformed.
    pub fn malformed(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed", detail)
    }

    /// 403.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", detail)
    }

    /// 404: there is no such thing, or not for the caller.
    pub fn not_found(what: &str, id: &str) -> Self {
        let detail = format!("there is no {what} {}", payments::excerpt(id));
        Self::new(StatusCode::NOT_FOUND, "not_found", detail)
    }

    /// 409: not in that state.
    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "wrong_state", detail)
    }

    /// 413.
    pub fn too_large(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail)
    }

    /// 415.
    pub fn unsupported(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail)
    }

    /// 422: well-formed, but impossible.
    pub fn impossible(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail)
    }

    /// 429.
    pub fn busy(detail: impl Into<String>) -> Self {
        let mut problem = Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many", detail);
        problem.retry_after_s = Some(1);
        problem
    }

    /// 429: this caller, for so long.
    pub fn too_often(wait: std::time::Duration) -> Self {
        let detail = "more requests than this caller may send (limits of the configuration); wait as Retry-After says";
        let mut problem = Self::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", detail);
        problem.retry_after_s = Some(u32::try_from(wait.as_secs()).unwrap_or(u32::MAX - 1) + 1);
        problem
    }

    /// 503.
    pub fn unavailable(code: &'static str, detail: impl Into<String>) -> Self {
        let mut problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, code, detail);
        problem.retry_after_s = Some(5);
        problem
    }

    /// As a JSON value, where a problem is one item of an answer.
    pub fn value(&self) -> serde_json::Value {
        serde_json::to_value(self).unwrap_or_default()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_string(&self).unwrap_or_default();
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(after) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(after));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl From<store::Error> for Problem {
    fn from(error: store::Error) -> Self {
        if error.is_passing() {
            Self::unavailable("store_unavailable", error.to_string())
        } else {
            tracing::error!(%error, "the store can't answer");
            Self::unavailable("store_failed", error.to_string())
        }
    }
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Store { why, is_passing: true } => Self::unavailable("store_unavailable", why),
            Fault::Store { why, is_passing: false } => Self::unavailable("store_failed", why),
            Fault::Refused(why) if why.contains("has expired") => {
                Self::new(StatusCode::GONE, "expired", why)
            }
            Fault::Refused(why) => Self::conflict(why),
            Fault::Stopping => Self::stopping(),
        }
    }
}

impl Problem {
    /// 503: the server is going.
    pub fn stopping() -> Self {
        Self::unavailable("stopping", "the server is stopping; ask another, or again in a moment")
    }
}
