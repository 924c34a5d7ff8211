//! What is counted per cell and tick, as sixteen additive lanes.
//!
//! Sixteen `f32` fill one cache line, so that adding a cell to a slice is one line read, added and
//! written. Whole numbers up to 2^24 are exact in `f32`; a tick of one slice stays far below that
//! for events, and counted files lose at most 6e-8 of a count.

use serde::{Deserialize, Serialize};

/// Attempts with an outcome.
pub const N: usize = 0;
/// Approved.
pub const K: usize = 1;
/// Approvals expected.
pub const E: usize = 2;
/// Variance of the approvals if attempts were independent: the sum of p (1 - p).
pub const V: usize = 3;
/// All attempts, unknown and abandoned included.
pub const VOLUME: usize = 4;
/// Attempts whose latency is known.
pub const LATENCY_N: usize = 5;
/// Slower than the baseline's p50; p95 and p99 follow.
pub const SLOWER: usize = 6;
/// Failures of the first class; the others follow.
pub const CLASS: usize = 9;
/// Classes of failures: user, issuer, network, routing or configuration, fraud, no (known) code,
/// timeout without a code.
pub const CLASSES: usize = 7;
/// Class of failures without a known code.
pub const UNCODED: usize = 5;
/// Class of timeouts without a code.
pub const TIMEOUT: usize = 6;
/// The quantiles that latency is held against.
pub const QUANTILES: [f64; 3] = [0.50, 0.95, 0.99];

/// Sixteen additive counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Lanes(pub [f32; 16]);

/// Counts that lie in a cache line of their own, for tables with random access.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
#[repr(align(64))]
pub struct Line(pub Lanes);

impl Lanes {
    /// Adds another.
    #[inline]
    pub fn add(&mut self, other: &Self) {
        for (a, b) in self.0.iter_mut().zip(&other.0) {
            *a += *b;
        }
    }

    /// One lane as a number.
    #[inline]
    pub fn get(&self, lane: usize) -> f64 {
        f64::from(self.0[lane])
    }
}
