//! An issuer's public keys, fetched when they are needed (RFC 7517).
//!
//! **Rotation.** A token with a `kid` that isn't known has the set fetched, at most once a minute, whoever sends how many of them; so a new key is
//! honoured within a minute, and a flood of made-up ids reaches nobody. A set that has grown old is fetched again by the way, so that a key that was
//! withdrawn ends too. **Failing closed.** Without a set no token counts; one that could not be renewed for a day counts no more.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use tokio::sync::Mutex;

use super::issuer::Issuer;

/// Between two fetches.
pub const FETCH_EVERY: Duration = Duration::from_secs(60);
/// After this a set is fetched again though nothing is missing.
const OLD: Duration = Duration::from_secs(300);
/// After this it counts no more.
const TOO_OLD: Duration = Duration::from_secs(86_400);
/// Keys of one set.
const KEYS_MAX: usize = 100;

/// A public key, and what it may be used for.
#[derive(Debug)]
pub struct Key {
    /// The key.
    pub key: DecodingKey,
    algorithms: Vec<Algorithm>,
}

impl Key {
    /// Whether a token of this algorithm may be checked by it (RFC 8725, 3.1: one algorithm per key, where the issuer says so).
    pub fn allows(&self, algorithm: Algorithm) -> bool {
        self.algorithms.contains(&algorithm)
    }
}

#[derive(Default)]
struct Known {
    keys: BTreeMap<String, Arc<Key>>,
    at: Option<Instant>,
}

/// The keys of an issuer.
#[derive(Default)]
pub struct Jwks {
    known: ArcSwap<Known>,
    /// When it was last tried.
    tried: Mutex<Option<Instant>>,
}

impl Jwks {
    /// The key of an id.
    pub async fn key(&self, issuer: &Issuer, kid: &str) -> Option<Arc<Key>> {
        let known = self.known.load_full();
        let age = known.at.map(|at| at.elapsed());
        let found = known.keys.get(kid).filter(|_| age.is_some_and(|age| age < TOO_OLD));
        if let Some(key) = found {
            if age.is_none_or(|age| age < OLD) {
                return Some(key.clone());
            }
            // One request renews it; the others go on with what is known.
            let Ok(tried) = self.tried.try_lock() else { return Some(key.clone()) };
            self.fetch(issuer, tried).await;
        } else {
            let tried = self.tried.lock().await;
            self.fetch(issuer, tried).await;
        }
        let known = self.known.load();
        known.keys.get(kid).filter(|_| known.at.is_some_and(|at| at.elapsed() < TOO_OLD)).cloned()
    }

    async fn fetch(
        &self,
        issuer: &Issuer,
        mut tried: tokio::sync::MutexGuard<'_, Option<Instant>>,
    ) {
        if tried.is_some_and(|at| at.elapsed() < FETCH_EVERY) {
            return;
        }
        *tried = Some(Instant::now());
        match issuer.key_set().await.and_then(|text| read(&text)) {
            Ok(keys) => {
                tracing::info!(keys = keys.len(), "fetched the issuer's keys");
                self.known.store(Arc::new(Known { keys, at: Some(Instant::now()) }));
            }
            Err(why) => tracing::warn!(why, "the issuer's keys can't be fetched"),
        }
    }
}

/// Reads a set; keys of other kinds, for other uses or without an id are left out.
fn read(text: &str) -> Result<BTreeMap<String, Arc<Key>>, String> {
    #[derive(Deserialize)]
    struct Set {
        keys: Vec<serde_json::Value>,
    }
    let set: Set = serde_json::from_str(text).map_err(|e| format!("it is no key set: {e}"))?;
    let mut keys = BTreeMap::new();
    for value in set.keys.into_iter().take(KEYS_MAX) {
        // One key that can't be read spoils no other.
        let Ok(jwk) = serde_json::from_value::<Jwk>(value) else { continue };
        let Some(kid) = jwk.common.key_id.clone() else { continue };
        let is_for_signing =
            matches!(jwk.common.public_key_use, None | Some(PublicKeyUse::Signature));
        let algorithms = algorithms(&jwk);
        if !is_for_signing || algorithms.is_empty() {
            continue;
        }
        let Ok(key) = DecodingKey::from_jwk(&jwk) else { continue };
        keys.insert(kid, Arc::new(Key { key, algorithms }));
    }
    Ok(keys)
}

/// What a key may be used for: what its kind can, and of that only `alg` where it says one. Shared secrets can nothing.
fn algorithms(jwk: &Jwk) -> Vec<Algorithm> {
    use Algorithm::{ES256, ES384, EdDSA, PS256, PS384, PS512, RS256, RS384, RS512};
    let able: &[Algorithm] = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => &[RS256, RS384, RS512, PS256, PS384, PS512],
        AlgorithmParameters::EllipticCurve(on) => match on.curve {
            EllipticCurve::P256 => &[ES256],
            EllipticCurve::P384 => &[ES384],
            _ => &[],
        },
        AlgorithmParameters::OctetKeyPair(on) if on.curve == EllipticCurve::Ed25519 => &[EdDSA],
        _ => &[],
    };
    let said = |algorithm: Algorithm| match jwk.common.key_algorithm {
        None => true,
        Some(wanted) => KeyAlgorithm::from(algorithm) == wanted,
    };
    able.iter().copied().filter(|algorithm| said(*algorithm)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_gives_keys_for_what_they_are_for() {
        let n = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";
        let set = serde_json::json!({"keys": [
            {"kid": "a", "kty": "RSA", "n": n, "e": "AQAB", "alg": "RS256", "use": "sig"},
            {"kid": "b", "kty": "RSA", "n": n, "e": "AQAB"},
            {"kid": "c", "kty": "RSA", "n": n, "e": "AQAB", "use": "enc"},
            {"kid": "d", "kty": "oct", "k": "c2VjcmV0", "alg": "HS256"},
            {"kty": "RSA", "n": n, "e": "AQAB"},
            {"kid": "e", "kty": "strange"},
            {"kid": "f", "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
        ]});
        let keys = read(&set.to_string()).unwrap();
        assert_eq!(keys.keys().collect::<Vec<_>>(), ["a", "b", "f"]);
        assert!(keys["a"].allows(Algorithm::RS256) && !keys["a"].allows(Algorithm::PS256));
        assert!(keys["b"].allows(Algorithm::PS256) && !keys["b"].allows(Algorithm::HS256));
        assert!(keys["f"].allows(Algorithm::EdDSA) && !keys["f"].allows(Algorithm::ES256));
        assert!(read("[]").is_err());
    }
}
