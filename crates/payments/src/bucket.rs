//! Attempts that were counted before they reached us.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Money, Timestamp};

/// Attempts that share a time bucket and all their dimensions, as aggregated files hold them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bucket {
    /// Start of the time bucket.
    pub starts_at: Timestamp,
    /// Dimension name (`gateway`, `issuer`, ... or an attribute) to value; absent means `__none__`.
    pub dimensions: BTreeMap<String, String>,
    /// Attempts with a known outcome.
    pub attempts: u64,
    /// Those approved, at most `attempts`.
    pub successes: u64,
    /// What all attempts of the bucket together asked for.
    pub amount: Option<Money>,
}
