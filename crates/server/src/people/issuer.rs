//! An OpenID Connect issuer: its discovery document, its keys, and codes for tokens.
//!
//! Sources: OpenID Connect Discovery 1.0, RFC 6749 (codes), RFC 7636 (PKCE). Addresses are https, or http on this machine; redirects are not followed,
//! answers are bounded in time and size.

use std::time::Duration;

use serde::Deserialize;
use tokio::sync::Mutex;
use url::Url;

use crate::config::{Oidc, wrong_url};

/// How long the issuer may take.
const ANSWER_MAX: Duration = Duration::from_secs(5);
/// Bytes of an answer.
const BYTES_MAX: usize = 1 << 20;

/// What the discovery document says.
#[derive(Clone, Debug, Deserialize)]
pub struct Discovered {
    issuer: String,
    jwks_uri: String,
    /// Where browsers are sent.
    pub authorization_endpoint: String,
    token_endpoint: String,
}

/// An issuer.
pub struct Issuer {
    /// As configured.
    pub config: Oidc,
    client: reqwest::Client,
    discovered: Mutex<Option<Discovered>>,
}

impl Issuer {
    /// As configured.
    pub fn new(config: Oidc) -> anyhow::Result<Self> {
        // The second time it is there already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .timeout(ANSWER_MAX)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("pointsman/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { config, client, discovered: Mutex::new(None) })
    }

    /// The key set, as text.
    pub async fn key_set(&self) -> Result<String, String> {
        let url = match &self.config.jwks_url {
            Some(url) => url.clone(),
            None => self.discovered().await?.jwks_uri,
        };
        self.text(self.client.get(url)).await
    }

    /// The discovery document; what was read once is kept.
    pub async fn discovered(&self) -> Result<Discovered, String> {
        let mut kept = self.discovered.lock().await;
        if let Some(known) = &*kept {
            return Ok(known.clone());
        }
        let base = self.config.issuer.trim_end_matches('/');
        let url = format!("{base}/.well-known/openid-configuration");
        let text = self.text(self.client.get(url)).await?;
        let found: Discovered = serde_json::from_str(&text)
            .map_err(|e| format!("its discovery document can't be read: {e}"))?;
        if found.issuer != self.config.issuer {
            return Err("its discovery document names another issuer".into());
        }
        for url in [&found.jwks_uri, &found.authorization_endpoint, &found.token_endpoint] {
            if let Some(why) = wrong_url(url) {
                return Err(format!("its discovery document holds an address that {why}"));
            }
        }
        *kept = Some(found.clone());
        Ok(found)
    }

    /// Where a browser is sent to log in.
    pub async fn login_url(&self, callback: &str, asked: &Asked) -> Result<String, String> {
        let found = self.discovered().await?;
        let mut url = Url::parse(&found.authorization_endpoint).map_err(|e| e.to_string())?;
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", self.config.client_id())
            .append_pair("redirect_uri", callback)
            .append_pair("scope", "openid")
            .append_pair("state", &asked.state)
            .append_pair("nonce", &asked.nonce)
            .append_pair("code_challenge", &asked.challenge)
            .append_pair("code_challenge_method", "S256");
        Ok(url.into())
    }

    /// The ID token for a code.
    pub async fn id_token(
        &self,
        code: &str,
        callback: &str,
        verifier: &str,
    ) -> Result<String, String> {
        #[derive(Deserialize)]
        struct Tokens {
            id_token: String,
        }
        let found = self.discovered().await?;
        let id = self.config.client_id();
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", callback),
            ("code_verifier", verifier),
            ("client_id", id),
        ];
        if let Some(secret) = &self.config.client_secret {
            form.push(("client_secret", secret));
        }
        let text = self.text(self.client.post(found.token_endpoint).form(&form)).await?;
        let tokens: Tokens = serde_json::from_str(&text)
            .map_err(|_| "its answer to the code holds no ID token".to_owned())?;
        Ok(tokens.id_token)
    }

    /// Errors name no address with its query, and nothing of what was sent.
    async fn text(&self, request: reqwest::RequestBuilder) -> Result<String, String> {
        let mut answer = request.send().await.map_err(|e| e.without_url().to_string())?;
        let status = answer.status();
        if !status.is_success() {
            return Err(format!("it answered {status}"));
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|e| e.without_url().to_string())? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > BYTES_MAX {
                return Err(format!("its answer is longer than {BYTES_MAX} bytes"));
            }
        }
        String::from_utf8(bytes).map_err(|_| "its answer is no text".into())
    }
}

/// What a login is bound to: everything follows from one secret that only the browser keeps.
pub struct Asked {
    /// Comes back with the code: the answer is to this browser's question.
    pub state: String,
    /// Comes back in the token: it was made for this question.
    pub nonce: String,
    /// Proves to the issuer that the code is used by who asked for it.
    pub verifier: String,
    challenge: String,
}

impl Asked {
    /// Of the secret in the browser's cookie.
    pub fn of(secret: &str) -> Self {
        use base64::Engine;
        use sha2::{Digest, Sha256};
        let plain = base64::engine::general_purpose::URL_SAFE_NO_PAD;
        let part = |purpose: &str| {
            plain.encode(Sha256::digest(format!("pointsman login {purpose}\0{secret}")))
        };
        let verifier = part("verifier");
        let challenge = plain.encode(Sha256::digest(&verifier));
        Self { state: part("state"), nonce: part("nonce"), verifier, challenge }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_a_login_tell_nothing_of_each_other() {
        let (one, other) = (Asked::of("a"), Asked::of("b"));
        let parts = [&one.state, &one.nonce, &one.verifier, &one.challenge, &other.state];
        for (at, part) in parts.iter().enumerate() {
            assert_eq!(part.len(), 43, "as RFC 7636 wants it");
            assert!(!parts[..at].contains(part));
        }
        assert_eq!(Asked::of("a").verifier, one.verifier);
    }
}
