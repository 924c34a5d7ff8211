//! Making an API key: what is kept is a hash, what is handed out is told once.

use payments::Timestamp;
use store::ApiKey;

use crate::http::who::{Role, hash};
use crate::serve::clock::wall;

/// What machines may be given.
pub const SCOPES: [&str; 2] = ["events", "route"];

/// What a key is to be.
pub struct Wanted {
    /// For people to read.
    pub name: String,
    /// A person's role ...
    pub role: Option<Role>,
    /// ... or a machine's scopes.
    pub scopes: Vec<String>,
    /// Its end.
    pub expires_at: Option<Timestamp>,
    /// Whose.
    pub tenant: String,
    /// By whom it is made.
    pub made_by: String,
}

impl Wanted {
    /// The key as it is kept, and its secret.
    pub fn make(self) -> Result<(ApiKey, String), getrandom::Error> {
        let id = format!("k_{}", hex(&random::<8>()?));
        let secret = format!("pm_{}", hex(&random::<32>()?));
        let key = ApiKey {
            id,
            hash: hash(&secret),
            name: self.name,
            tenant: self.tenant,
            role: self.role.map(|role| role.as_str().to_owned()),
            scopes: self.scopes,
            created_at: wall(),
            created_by: self.made_by,
            expires_at: self.expires_at,
            revoked_at: None,
        };
        Ok((key, secret))
    }
}

/// What the audit log says of a new key.
pub fn detail(key: &ApiKey) -> String {
    let allows = key.role.clone().unwrap_or_else(|| key.scopes.join(","));
    serde_json::json!({
        "allows": allows,
        "name": key.name,
        "tenant": key.tenant,
        "expires_at": key.expires_at.map(crate::wire::rfc3339),
    })
    .to_string()
}

/// Bytes that nobody can guess.
pub fn random<const N: usize>() -> Result<[u8; N], getrandom::Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}

/// As text.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let both =
        |byte: &u8| [byte >> 4, byte & 15].map(|digit| char::from(DIGITS[usize::from(digit)]));
    bytes.iter().flat_map(both).collect()
}
