//! Who asks, and what they may.
//!
//! With API keys in the store, every request but the probes needs one: default deny. Without any, the server listens on loopback alone and
//! the caller is `local`, who may everything that one person may. Roles are cumulative; machine scopes carry none.

use std::str::FromStr;
use std::sync::Arc;

use axum::extract::{FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use serde::Serialize;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use super::page;
use super::problem::Problem;
use crate::serve::App;
use crate::serve::clock::wall;

/// What a person may; each includes those before it.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema, clap::ValueEnum,
)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Reads.
    Viewer,
    /// Engages the kill switch, rolls back, acknowledges.
    Operator,
    /// Approves, rejects, clears.
    Approver,
    /// Settings, keys, users.
    Admin,
}

impl Role {
    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Approver => "approver",
            Self::Admin => "admin",
        }
    }
}

impl FromStr for Role {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        [Self::Viewer, Self::Operator, Self::Approver, Self::Admin]
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or(())
    }
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// As the audit log names them.
    pub name: String,
    /// A person's role.
    pub role: Option<Role>,
    /// A machine's scopes.
    pub scopes: Vec<String>,
    /// Whether a key stands for it, and not a person.
    pub is_key: bool,
}

impl Principal {
    fn local() -> Self {
        let scopes = vec!["events".into(), "route".into()];
        Self { name: "local".into(), role: Some(Role::Admin), scopes, is_key: false }
    }

    /// Needs a role.
    pub fn needs(&self, role: Role) -> Result<(), Problem> {
        if self.role.is_some_and(|own| own >= role) {
            return Ok(());
        }
        Err(Problem::forbidden(format!(
            "this needs the role {}; {} has {}",
            role.as_str(),
            self.name,
            self.role.map_or("none", Role::as_str)
        )))
    }

    /// Needs a scope, or an administrator.
    pub fn needs_scope(&self, scope: &str) -> Result<(), Problem> {
        if self.scopes.iter().any(|own| own == scope) || self.role == Some(Role::Admin) {
            return Ok(());
        }
        Err(Problem::forbidden(format!("this needs the scope {scope}; {} lacks it", self.name)))
    }
}

impl FromRequestParts<Arc<App>> for Principal {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<App>) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().cloned().ok_or_else(unauthorised)
    }
}

/// The hash under which a key is stored.
pub fn hash(secret: &str) -> String {
    Sha256::digest(secret.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unauthorised() -> Problem {
    Problem::new(
        StatusCode::UNAUTHORIZED,
        "unauthorised",
        "want `Authorization: Bearer pm_...`, a key that is neither expired nor revoked (`pointsman keys create`)",
    )
}

/// Whether a request that shows no key comes from this machine, and not from a page that somebody else has put into a browser on it: such a page can
/// send simple requests anywhere, and by a name of its own that resolves to loopback (DNS rebinding) read the answers.
fn is_from_here(headers: &HeaderMap) -> bool {
    let is_loopback = |host: &str| {
        let host = host.strip_prefix('[').map_or_else(
            || host.rsplit_once(':').map_or(host, |(name, _)| name),
            |v6| v6.split(']').next().unwrap_or_default(),
        );
        let address = host.parse::<std::net::IpAddr>();
        host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|ip| ip.is_loopback())
    };
    let text = |name: header::HeaderName| headers.get(name).map(|v| v.to_str().unwrap_or_default());
    let origin = text(header::ORIGIN).map(|origin| origin.split_once("://").map_or("", |(_, o)| o));
    text(header::HOST).is_some_and(is_loopback) && origin.is_none_or(is_loopback)
}

/// Probes and the description of the interface are for everybody, and so is the page: what it shows it asks for like any other client.
const OPEN: [&str; 6] = ["/healthz", "/readyz", "/version", "/openapi.json", "/docs", "/metrics"];

/// Who asks.
pub fn of(app: &App, request: &Request) -> Result<Principal, Problem> {
    let nobody =
        || Principal { name: "nobody".into(), role: None, scopes: Vec::new(), is_key: false };
    let secret = request
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .map(|value| value.strip_prefix("Bearer ").unwrap_or_default());
    let Some(secret) = secret else {
        if app.keys.load().is_empty() {
            return if is_from_here(request.headers()) {
                Ok(Principal::local())
            } else {
                Err(Problem::forbidden(
                    "without keys only this machine is answered, by the names localhost, 127.0.0.1 and [::1], and no page of another site; \
                     `pointsman keys create` lets others in",
                ))
            };
        }
        let path = request.uri().path();
        let is_open = OPEN.contains(&path) || page::is_path(path);
        return if is_open { Ok(nobody()) } else { Err(unauthorised()) };
    };
    let key = app.keys.load().get(&hash(secret)).cloned().ok_or_else(unauthorised)?;
    let is_over = key.expires_at.is_some_and(|at| at <= wall());
    if key.revoked_at.is_some() || is_over {
        return Err(unauthorised());
    }
    let role = key.role.as_deref().and_then(|role| role.parse().ok());
    Ok(Principal { name: format!("key:{}", key.id), role, scopes: key.scopes, is_key: true })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_cumulative_and_scopes_apart() {
        let who = |role, scopes: &[&str]| Principal {
            name: "x".into(),
            role,
            scopes: scopes.iter().map(|s| (*s).into()).collect(),
            is_key: true,
        };
        assert!(who(Some(Role::Approver), &[]).needs(Role::Operator).is_ok());
        assert!(who(Some(Role::Operator), &[]).needs(Role::Approver).is_err());
        assert!(who(None, &["events"]).needs(Role::Viewer).is_err());
        assert!(who(None, &["events"]).needs_scope("route").is_err());
        assert!(who(Some(Role::Admin), &[]).needs_scope("route").is_ok());
    }

    #[test]
    fn a_page_of_another_site_is_not_this_machine() {
        let from = |host: &'static str, origin: Option<&'static str>| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, host.parse().unwrap());
            if let Some(origin) = origin {
                headers.insert(header::ORIGIN, origin.parse().unwrap());
            }
            is_from_here(&headers)
        };
        for host in ["localhost", "localhost:7070", "127.0.0.1:7070", "[::1]:7070", "LOCALHOST:1"] {
            assert!(from(host, None), "{host}");
        }
        for host in ["rebound.example:7070", "10.0.0.1", "localhost.example", ""] {
            assert!(!from(host, None), "{host}");
        }
        assert!(from("localhost:7070", Some("http://localhost:5173")));
        assert!(!from("localhost:7070", Some("https://evil.example")));
        assert!(!from("localhost:7070", Some("null")));
        assert!(!is_from_here(&HeaderMap::new()));
    }
}
