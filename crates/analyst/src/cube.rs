//! Rolling statistics of slices.

use serde::{Deserialize, Serialize};

use crate::Slice;

/// One slice over the rolling window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SliceStats {
    /// Which.
    pub slice: Slice,
    /// Attempts, unknown and abandoned included.
    pub attempts: u64,
    /// Approved / (approved + declined + error + timeout); `None` without any.
    pub success_rate: Option<f64>,
    /// 1 - success rate.
    pub failure_rate: Option<f64>,
    /// Mean latency.
    pub latency_ms_mean: Option<f64>,
    /// Median latency.
    pub latency_ms_p50: Option<f64>,
    /// 95th percentile.
    pub latency_ms_p95: Option<f64>,
    /// 99th percentile.
    pub latency_ms_p99: Option<f64>,
    /// Failures by (source, value), most frequent first.
    pub errors: Vec<(String, String, u64)>,
    /// Expected success rate.
    pub baseline_rate: Option<f64>,
    /// The success detector's R.
    pub e_value: f64,
}
