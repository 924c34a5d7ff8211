//! Sending one request, and what it came to.

use std::error::Error;
use std::time::Duration;

use anyhow::{Context, Result};
use payments::Timestamp;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, StatusCode, Url};

use super::guard::{Guard, Refused};
use crate::config::Alerts;
use crate::serve::clock::wall;

/// How long a connection, and an answer, may take.
const CONNECT_MAX: Duration = Duration::from_secs(5);
const ANSWER_MAX: Duration = Duration::from_secs(10);
/// The longest wait that a receiver can ask for.
const RETRY_AFTER_MAX_MS: i64 = 3_600_000;

/// A request to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parcel {
    /// Its `content-type`.
    pub content_type: &'static str,
    /// Further headers.
    pub headers: Vec<(&'static str, String)>,
    /// Its body.
    pub body: String,
}

/// What a request came to. The words name no URL and quote no answer: a path may be a secret, and an answer may repeat one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Taken.
    Taken,
    /// Not taken, and it may be next time; not before so long, if the receiver says so.
    Again(String, Option<i64>),
    /// Not taken, and it won't be.
    Never(String),
}

/// The way out.
pub struct Post {
    secure: (Guard, Client),
    plain: (Guard, Client),
}

impl Post {
    /// With the addresses that are allowed.
    pub fn new(alerts: &Alerts) -> Result<Self> {
        // The first to name a provider names it for the process; another has named the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let way = |is_plain| {
            let (allow_private, allow) = (alerts.allow_private(), alerts.allow());
            let guard = Guard { allow_private, allow, is_plain };
            let client = Client::builder()
                .user_agent(concat!("pointsman/", env!("CARGO_PKG_VERSION")))
                .redirect(Policy::none())
                .no_proxy()
                .referer(false)
                .https_only(!is_plain)
                .dns_resolver(guard.clone())
                .connect_timeout(CONNECT_MAX)
                .timeout(ANSWER_MAX)
                // No connection outlives its request: each one is checked.
                .pool_max_idle_per_host(0)
                .build()
                .context("no client for alerts; are the system's certificates installed?")?;
            Ok::<_, anyhow::Error>((guard, client))
        };
        Ok(Self { secure: way(false)?, plain: way(true)? })
    }

    /// Makes a request.
    pub async fn send(&self, url: &Url, parcel: Parcel) -> Outcome {
        let (guard, client) = if url.scheme() == "https" { &self.secure } else { &self.plain };
        if let Err(refused) = guard.check(url) {
            return Outcome::Never(refused.to_string());
        }
        let mut request = client
            .request(Method::POST, url.clone())
            .header("content-type", parcel.content_type)
            .body(parcel.body);
        for (name, value) in parcel.headers {
            request = request.header(name, value);
        }
        // Of the answer only its head is read; the rest goes with the connection.
        match request.send().await {
            Ok(answer) => judge(answer.status(), answer.headers(), wall()),
            Err(error) => fault(&error),
        }
    }
}

fn judge(status: StatusCode, headers: &HeaderMap, now: Timestamp) -> Outcome {
    let said = format!("it answered {}", status.as_u16());
    if status.is_success() {
        return Outcome::Taken;
    }
    if status.is_redirection() {
        return Outcome::Never(format!(
            "{said}: redirects aren't followed; give the address itself"
        ));
    }
    let is_passing = status.is_server_error()
        || matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS);
    if is_passing {
        let after = headers.get(RETRY_AFTER).and_then(|v| v.to_str().ok());
        return Outcome::Again(said, after.and_then(|text| retry_after(text, now)));
    }
    Outcome::Never(format!("{said}: check the channel's address and secret"))
}

/// Milliseconds: `Retry-After` is seconds or a date (RFC 9110, 10.2.3).
fn retry_after(text: &str, now: Timestamp) -> Option<i64> {
    let text = text.trim();
    let ms = match text.parse::<i64>() {
        Ok(seconds) => seconds.checked_mul(1_000)?,
        Err(_) => {
            let date = jiff::fmt::rfc2822::parse(text).ok()?;
            date.timestamp().as_millisecond() - now.as_millis()
        }
    };
    Some(ms.clamp(0, RETRY_AFTER_MAX_MS))
}

fn fault(error: &reqwest::Error) -> Outcome {
    let mut source = error.source();
    let mut last = None;
    while let Some(inner) = source {
        if let Some(refused) = inner.downcast_ref::<Refused>() {
            return Outcome::Never(refused.to_string());
        }
        last = Some(inner.to_string());
        source = inner.source();
    }
    let what = if error.is_timeout() {
        "it didn't answer in time"
    } else if error.is_connect() {
        "no connection"
    } else {
        "the connection broke"
    };
    // The innermost cause is of the socket, the resolver or TLS; the outer ones name the URL.
    let why = last.map(|last| format!(": {}", payments::excerpt(&last))).unwrap_or_default();
    Outcome::Again(format!("{what}{why}"), None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_change_is_tried_again_and_nothing_else() {
        let now = Timestamp::from_millis(1_792_584_000_000);
        let of = |status: u16, after: Option<&str>| {
            let mut headers = HeaderMap::new();
            if let Some(after) = after {
                headers.insert(RETRY_AFTER, after.parse().unwrap());
            }
            judge(StatusCode::from_u16(status).unwrap(), &headers, now)
        };
        for status in [200, 201, 202, 204] {
            assert_eq!(of(status, None), Outcome::Taken);
        }
        for status in [408, 429, 500, 502, 503, 504] {
            assert!(matches!(of(status, None), Outcome::Again(_, None)), "{status}");
        }
        for status in [301, 302, 307, 400, 401, 403, 404, 410, 422] {
            assert!(matches!(of(status, Some("5")), Outcome::Never(_)), "{status}");
        }
        let wait = |text| match of(429, Some(text)) {
            Outcome::Again(_, after) => after,
            other => panic!("{other:?}"),
        };
        assert_eq!(wait("7"), Some(7_000));
        assert_eq!(wait("999999"), Some(RETRY_AFTER_MAX_MS));
        assert_eq!(wait("Wed, 21 Oct 2026 12:00:30 GMT"), Some(30_000));
        assert_eq!(wait("Wed, 21 Oct 2020 12:00:30 GMT"), Some(0));
        assert_eq!(wait("soon"), None);
    }
}
