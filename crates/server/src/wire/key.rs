//! An API key as people and programs see it.

use serde::Serialize;
use utoipa::ToSchema;

use super::rfc3339;

/// A key, without its secret.
#[derive(Serialize, ToSchema)]
pub struct Key {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) tenant: String,
    pub(crate) role: Option<String>,
    pub(crate) scopes: Vec<String>,
    pub(crate) created_at: String,
    pub(crate) created_by: String,
    pub(crate) expires_at: Option<String>,
    pub(crate) revoked_at: Option<String>,
}

impl From<store::ApiKey> for Key {
    fn from(key: store::ApiKey) -> Self {
        Self {
            id: key.id,
            name: key.name,
            tenant: key.tenant,
            role: key.role,
            scopes: key.scopes,
            created_at: rfc3339(key.created_at),
            created_by: key.created_by,
            expires_at: key.expires_at.map(rfc3339),
            revoked_at: key.revoked_at.map(rfc3339),
        }
    }
}
