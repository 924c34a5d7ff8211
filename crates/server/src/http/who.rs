//! Who asks, and what they may.
//!
//! With API keys in the store or an issuer configured, every request but the probes needs a credential: default deny. Without any, the server listens on
//! loopback alone and the caller is `local`, who may everything that one person may. Roles are cumulative; machine scopes carry none.

use std::str::FromStr;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, header};
use payments::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use super::page;
use super::problem::Problem;
use super::session;
use crate::people::Buckets;
use crate::people::key::hex;
use crate::serve::App;

/// What a person may; each includes those before it.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    ToSchema,
    clap::ValueEnum,
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

/// How somebody says who they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Not at all: probes.
    Nobody,
    /// By sitting at this machine, while nobody can say it otherwise.
    Local,
    /// By a key, which somebody has made.
    Key {
        /// Who.
        made_by: String,
        /// The hash of its secret.
        hash: String,
    },
    /// By an issuer's token.
    Person {
        /// Its end.
        expires_at: Timestamp,
    },
    /// By a browser's session.
    Browser {
        /// What unsafe requests have to show.
        csrf_token: String,
        /// The hash of its secret.
        session: String,
        /// Its end.
        expires_at: Timestamp,
    },
}

/// Who asks.
#[derive(Clone)]
pub struct Principal {
    /// As the audit log names them.
    pub name: String,
    /// How they say so.
    pub kind: Kind,
    /// A person's role.
    pub role: Option<Role>,
    /// A machine's scopes.
    pub scopes: Vec<String>,
    /// Where they belong.
    pub tenant: String,
    /// How often they may ask; none: by their address.
    pub buckets: Option<Arc<Buckets>>,
}

impl Principal {
    fn nobody(tenant: &str) -> Self {
        Self {
            name: "nobody".into(),
            kind: Kind::Nobody,
            role: None,
            scopes: Vec::new(),
            tenant: tenant.into(),
            buckets: None,
        }
    }

    /// Whether it is somebody who can be told apart from others: no key, and not whoever sits at the machine.
    pub fn is_person(&self) -> bool {
        matches!(self.kind, Kind::Person { .. } | Kind::Browser { .. })
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

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        Asker::from_request_parts(parts, app).await.map(|Asker(who)| Self::clone(&who))
    }
}

/// Who asks, not copied: where every payment comes by.
pub struct Asker(pub Arc<Principal>);

impl FromRequestParts<Arc<App>> for Asker {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<App>) -> Result<Self, Problem> {
        parts.extensions.get().cloned().map(Self).ok_or_else(unauthorised)
    }
}

/// The hash under which a key is stored.
pub fn hash(secret: &str) -> String {
    hex(&Sha256::digest(secret.as_bytes()))
}

/// The same for everybody, whatever was wrong with what they showed.
pub fn unauthorised() -> Problem {
    Problem::new(
        StatusCode::UNAUTHORIZED,
        "unauthorised",
        "want `Authorization: Bearer` with a key that is neither expired nor revoked (`pointsman keys create`) or a token of the configured issuer, \
         or the cookie of a session",
    )
}

/// Whether a request that shows no key comes from this machine, and not from a page that somebody else has put into a browser on it: such a page can
/// send simple requests anywhere, and by a name of its own that resolves to loopback (DNS rebinding) read the answers.
pub fn is_from_here(headers: &HeaderMap) -> bool {
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

/// Probes and the description of the interface: they say nothing of a tenant's objects.
pub const PUBLIC: [&str; 6] =
    ["/healthz", "/readyz", "/version", "/openapi.json", "/docs", "/metrics"];

/// What is public is for everybody, so is the way in, and so is the page: what it shows it asks for like any other client.
const WAY_IN: [&str; 2] = ["/v1/session/login", "/v1/session/callback"];

fn is_open(method: &Method, path: &str) -> bool {
    // A session is begun by the token in the body.
    PUBLIC.contains(&path)
        || WAY_IN.contains(&path)
        || (path == "/v1/session" && method == Method::POST)
}

/// Who asks.
pub async fn of(app: &App, request: &Parts) -> Result<Arc<Principal>, Problem> {
    let (headers, people) = (&request.headers, &app.people);
    if let Some(value) = headers.get(header::AUTHORIZATION) {
        let secret = value.to_str().ok().and_then(|value| value.strip_prefix("Bearer "));
        let secret = secret.ok_or_else(unauthorised)?;
        let who = if secret.starts_with("pm_") {
            people.by_key(secret)
        } else {
            people.by_token(secret).await.map(Arc::new)
        };
        return who.ok_or_else(unauthorised);
    }
    if people.is_open() {
        return if is_from_here(headers) {
            Ok(people.local())
        } else {
            Err(Problem::forbidden(
                "without keys only this machine is answered, by the names localhost, 127.0.0.1 and [::1], and no page of another site; \
                 `pointsman keys create` lets others in",
            ))
        };
    }
    if let Some(who) = session::secret(app, headers).and_then(|secret| people.by_cookie(&secret)) {
        session::is_no_other_site(app, &who, request)?;
        return Ok(Arc::new(who));
    }
    let path = request.uri.path();
    let is_open = is_open(&request.method, path) || page::is_path(path);
    if is_open { Ok(Arc::new(Principal::nobody(people.tenant()))) } else { Err(unauthorised()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_cumulative_and_scopes_apart() {
        let who = |role, scopes: &[&str]| Principal {
            role,
            scopes: scopes.iter().map(|s| (*s).into()).collect(),
            ..Principal::nobody("default")
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
