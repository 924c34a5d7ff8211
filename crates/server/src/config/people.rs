//! Who may ask: `auth`, `limits`, and whose server this is.

use std::net::IpAddr;

use serde::Deserialize;
use url::Url;

use super::{Wrong, span};

/// `auth`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Auth {
    /// An OpenID Connect issuer whose tokens count.
    pub oidc: Option<Oidc>,
    session_ttl: Option<String>,
}

/// `auth.oidc`. The client's secret is never printed.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct Oidc {
    /// `iss` of the tokens, to the letter.
    pub issuer: String,
    /// Where its keys are; if not set, where its discovery document says.
    pub jwks_url: Option<String>,
    /// What the audience claim has to hold.
    pub audience: String,
    audience_claim: Option<String>,
    roles_claim: Option<String>,
    /// The claim that names the tenant; if not set, everybody is of this server's.
    pub tenant_claim: Option<String>,
    client_id: Option<String>,
    /// Of a confidential client.
    pub client_secret: Option<String>,
}

impl std::fmt::Debug for Oidc {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Oidc").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

impl Oidc {
    /// The claim that names the audience.
    pub fn audience_claim(&self) -> &str {
        self.audience_claim.as_deref().unwrap_or("aud")
    }

    /// The claim that gives the roles.
    pub fn roles_claim(&self) -> &str {
        self.roles_claim.as_deref().unwrap_or("roles")
    }

    /// As whom browsers log in here.
    pub fn client_id(&self) -> &str {
        self.client_id.as_deref().unwrap_or(&self.audience)
    }
}

impl Auth {
    /// How long a browser stays logged in, milliseconds.
    pub fn session_ms(&self) -> i64 {
        self.session_ttl.as_deref().and_then(span::parse).unwrap_or(8 * 3_600_000)
    }
}

/// `limits`: requests per second and caller; 0 is without a limit.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// Of every other call.
    pub requests_per_s: u32,
    /// `/v1/events`.
    pub events_per_s: u32,
    /// `/v1/route*` and `/v1/retry-advice`.
    pub route_per_s: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { requests_per_s: 1_000, events_per_s: 10_000, route_per_s: 200_000 }
    }
}

/// What is wrong with a URL that secrets or trust depend on: TLS, or this machine.
pub fn wrong_url(text: &str) -> Option<&'static str> {
    let Ok(url) = Url::parse(text) else { return Some("is no URL") };
    let is_here = match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(ip)) => IpAddr::V4(ip).is_loopback(),
        Some(url::Host::Ipv6(ip)) => IpAddr::V6(ip).is_loopback(),
        None => return Some("names no host"),
    };
    match url.scheme() {
        "https" => None,
        "http" if is_here => None,
        _ => Some("want https://, or http:// on this machine"),
    }
}

/// What each key alone can't tell.
pub fn wrong(auth: &Auth, public_url: Option<&str>) -> Vec<Wrong> {
    let mut out = Vec::new();
    let mut say = |key: &str, detail: &str| {
        out.push(Wrong { key: key.into(), detail: detail.into() });
    };
    if let Some(oidc) = &auth.oidc {
        for (name, value) in
            [("auth.oidc.issuer", &oidc.issuer), ("auth.oidc.audience", &oidc.audience)]
        {
            if value.is_empty() {
                say(name, "is missing; tokens need auth.oidc.issuer and auth.oidc.audience");
            }
        }
        let urls = [
            ("auth.oidc.issuer", Some(&oidc.issuer)),
            ("auth.oidc.jwks_url", oidc.jwks_url.as_ref()),
        ];
        for (name, value) in urls {
            let value = value.filter(|value| !value.is_empty());
            if let Some(why) = value.and_then(|value| wrong_url(value)) {
                say(name, why);
            }
        }
    }
    if auth.session_ms() < 60_000 {
        say("auth.session_ttl", "is shorter than a minute");
    }
    if let Some(why) = public_url.and_then(wrong_url) {
        say("server.public_url", why);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trust_needs_tls_or_this_machine() {
        for fine in ["https://login.example.com/", "http://localhost:8080", "http://127.0.0.1:1/x"]
        {
            assert_eq!(wrong_url(fine), None, "{fine}");
        }
        for wrong in ["http://login.example.com", "http://10.0.0.1", "ftp://localhost", "x", ""] {
            assert!(wrong_url(wrong).is_some(), "{wrong}");
        }
    }

    #[test]
    fn a_secret_is_not_shown_and_what_is_missing_is_said() {
        let auth: Auth = serde_json::from_str(
            r#"{"oidc": {"issuer": "http://far.example", "client_secret": "hush"}, "session_ttl": "5s"}"#,
        )
        .unwrap();
        assert!(!format!("{auth:?}").contains("hush"));
        let said: Vec<String> =
            wrong(&auth, Some("http://x.example")).iter().map(ToString::to_string).collect();
        let keys: Vec<&str> = said.iter().filter_map(|said| said.split(':').next()).collect();
        assert_eq!(
            keys,
            ["auth.oidc.audience", "auth.oidc.issuer", "auth.session_ttl", "server.public_url"]
        );
    }
}
