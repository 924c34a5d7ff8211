//! Tokens of an issuer, checked as RFC 8725 (JWT best current practices) wants it.
//!
//! In this order: size; type (3.11) and critical extensions; algorithm from a list (3.1); `kid` known and its key made for that algorithm; signature; `iss`, `exp`, `nbf`;
//! the audience (3.9); a subject. Whatever is wrong, the caller is told the same, and the log says which it was, without the token.

use jsonwebtoken::{Validation, decode, decode_header};
use payments::Timestamp;
use serde_json::{Map, Value};

use super::issuer::Issuer;
use super::jwks::Jwks;
use super::verify::ALLOWED;
use crate::http::who::Role;

/// Bytes of a token.
const BYTES_MAX: usize = 16 << 10;
/// How far the issuer's clock may be from ours, seconds.
const LEEWAY_S: i64 = 30;
/// Types that are no access or ID tokens (a logout token, a security event) are refused.
const TYPES: [&str; 3] = ["jwt", "at+jwt", "application/at+jwt"];
const SUBJECT_MAX: usize = 256;

/// What a token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimed {
    /// Who: `sub`.
    pub subject: String,
    /// The highest role that it gives.
    pub role: Option<Role>,
    /// Scopes of machines.
    pub scopes: Vec<String>,
    /// The tenant, where a claim is configured for it.
    pub tenant: Option<String>,
    /// Its end, the leeway included.
    pub expires_at: Timestamp,
}

/// What a token is used for.
pub enum Use<'a> {
    /// With a request, or to begin a session.
    Bearer,
    /// It came for a code, and was asked for with this nonce.
    Login(&'a str),
}

/// Checks tokens of one issuer.
pub struct Tokens {
    /// Whose.
    pub issuer: Issuer,
    jwks: Jwks,
}

impl Tokens {
    /// Of this issuer.
    pub fn new(issuer: Issuer) -> Self {
        super::verify::install();
        Self { issuer, jwks: Jwks::default() }
    }

    /// What a token says, or which check it fails.
    pub async fn check(&self, token: &str, used: Use<'_>) -> Result<Claimed, &'static str> {
        if token.len() > BYTES_MAX {
            return Err("too long");
        }
        let header = decode_header(token).map_err(|_| "no JWT, or of an algorithm unheard of")?;
        let kind = header.typ.as_deref().map(str::to_ascii_lowercase);
        if kind.is_some_and(|kind| !TYPES.contains(&kind.as_str())) {
            return Err("a JWT of another type");
        }
        if header.crit.is_some() || header.zip.is_some() || header.enc.is_some() {
            return Err("critical extensions, compressed or encrypted");
        }
        if !ALLOWED.contains(&header.alg) {
            return Err("an algorithm that isn't allowed");
        }
        let kid = header.kid.as_deref().ok_or("no kid")?;
        let key = self.jwks.key(&self.issuer, kid).await.ok_or("a kid that isn't known")?;
        if !key.allows(header.alg) {
            return Err("another algorithm than its key is for");
        }
        let config = &self.issuer.config;
        let mut wanted = Validation::new(header.alg);
        wanted.leeway = LEEWAY_S as u64;
        wanted.validate_nbf = true;
        // Below, for it may lie in another claim.
        wanted.validate_aud = false;
        wanted.set_issuer(&[&config.issuer]);
        wanted.set_required_spec_claims(&["exp", "iss", "sub"]);
        let claims = decode::<Map<String, Value>>(token, &key.key, &wanted).map_err(reason)?.claims;
        match used {
            Use::Bearer if !holds(claims.get(config.audience_claim()), &config.audience) => {
                return Err("for another audience");
            }
            Use::Login(nonce) => {
                if !holds(claims.get("aud"), config.client_id()) {
                    return Err("for another client");
                }
                if claims.get("nonce").and_then(Value::as_str) != Some(nonce) {
                    return Err("for another login");
                }
            }
            Use::Bearer => {}
        }
        self.claimed(&claims)
    }

    fn claimed(&self, claims: &Map<String, Value>) -> Result<Claimed, &'static str> {
        let config = &self.issuer.config;
        let subject = claims.get("sub").and_then(Value::as_str).unwrap_or_default();
        let is_fine = !subject.is_empty()
            && subject.len() <= SUBJECT_MAX
            && !subject.chars().any(char::is_control)
            // The audit log names keys and command lines so.
            && !["key:", "cli:"].iter().any(|taken| subject.starts_with(taken))
            && !payments::holds_pan(subject);
        if !is_fine {
            return Err("a subject that can't be written down");
        }
        let words = words(find(claims, config.roles_claim()));
        let scopes = ["events", "route"].into_iter().filter(|scope| words.contains(scope));
        let tenant = match &config.tenant_claim {
            None => None,
            Some(name) => {
                let tenant = find(claims, name).and_then(Value::as_str);
                Some(tenant.filter(|t| !t.is_empty()).ok_or("no tenant")?.to_owned())
            }
        };
        let end_s = claims.get("exp").and_then(Value::as_i64).ok_or("no whole exp")?;
        Ok(Claimed {
            subject: subject.to_owned(),
            role: words.iter().filter_map(|word| word.parse().ok()).max(),
            scopes: scopes.map(Into::into).collect(),
            tenant,
            expires_at: Timestamp::from_millis(
                end_s.saturating_add(LEEWAY_S).saturating_mul(1_000),
            ),
        })
    }
}

fn reason(error: jsonwebtoken::errors::Error) -> &'static str {
    use jsonwebtoken::errors::ErrorKind;
    match error.kind() {
        ErrorKind::InvalidSignature => "a wrong signature",
        ErrorKind::ExpiredSignature => "expired",
        ErrorKind::ImmatureSignature => "not valid yet",
        ErrorKind::InvalidIssuer => "of another issuer",
        ErrorKind::MissingRequiredClaim(_) => "without exp, iss or sub",
        _ => "no JWT that can be read",
    }
}

/// A claim by its name; where there is none, by a path with dots (`realm_access.roles`).
fn find<'a>(claims: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    claims.get(name).or_else(|| {
        let mut parts = name.split('.');
        let first = claims.get(parts.next()?)?;
        parts.try_fold(first, |value, part| value.get(part))
    })
}

/// Whether a claim is this text, or a list with it.
fn holds(claim: Option<&Value>, wanted: &str) -> bool {
    match claim {
        Some(Value::String(text)) => text == wanted,
        Some(Value::Array(list)) => list.iter().any(|item| item.as_str() == Some(wanted)),
        _ => false,
    }
}

/// A list of words, or words with blanks between them.
fn words(claim: Option<&Value>) -> Vec<&str> {
    match claim {
        Some(Value::String(text)) => text.split_whitespace().collect(),
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn roles_are_words_of_a_claim_by_name_or_path() {
        let claims = json!({
            "cognito:groups": ["viewer", "approver", "elsewhere"],
            "realm_access": {"roles": ["operator"]},
            "scope": "events route",
            "a.b": "admin",
        });
        let claims = claims.as_object().unwrap();
        assert_eq!(words(find(claims, "cognito:groups")), ["viewer", "approver", "elsewhere"]);
        assert_eq!(words(find(claims, "realm_access.roles")), ["operator"]);
        assert_eq!(words(find(claims, "scope")), ["events", "route"]);
        assert_eq!(words(find(claims, "a.b")), ["admin"]);
        assert_eq!(words(find(claims, "realm_access.groups")), Vec::<&str>::new());
    }

    #[test]
    fn an_audience_is_a_text_or_in_a_list() {
        assert!(holds(Some(&json!("pointsman")), "pointsman"));
        assert!(holds(Some(&json!(["x", "pointsman"])), "pointsman"));
        for other in [json!("pointsman2"), json!([["pointsman"]]), json!(null), json!({})] {
            assert!(!holds(Some(&other), "pointsman"), "{other}");
        }
        assert!(!holds(None, "pointsman"));
    }
}
