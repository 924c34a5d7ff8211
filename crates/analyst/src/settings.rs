//! What a user can set.

use serde::{Deserialize, Serialize};

/// Settings of the analyst (`analysis.*`, `alerts.*` of the configuration).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Dimensions in order, at most 8; names that are no event field are attributes.
    pub dimensions: Vec<String>,
    /// Rolling window of the slice statistics.
    pub window_ms: i64,
    /// Length of a tick: 1 s for events, the bucket's length for counted files.
    pub tick_ms: i64,
    /// Expected false pages per week over the whole system.
    pub false_pages_per_week: f64,
    /// Distinct values kept per dimension; what comes beyond counts as `__other__`.
    pub values_per_dimension_max: usize,
    /// Share of slices that the second opinion may call outliers.
    pub contamination: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            dimensions: ["gateway", "method", "network", "issuer", "country", "merchant_id"]
                .map(String::from)
                .to_vec(),
            window_ms: 60_000,
            tick_ms: 1_000,
            false_pages_per_week: 1.0,
            values_per_dimension_max: 1_000,
            contamination: 0.01,
        }
    }
}
