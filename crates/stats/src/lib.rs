//! Statistics of streams: pure, deterministic, and unaware of payments.
//!
//! Invariants: no clock, no I/O, no ambient randomness, no platform libm; floats live here and
//! nowhere else. Every module says which paper it follows, what it guarantees and what it costs.

pub mod budget;
pub mod confidence_sequence;
pub mod dispersion;
pub mod edetector;
pub mod elementary;
pub mod off_policy;
pub mod posterior;
pub mod sketch;
pub mod stream;
pub mod window;

/// Standard deviations of the normal distribution that hold 95 % of it, both sides together.
pub const Z_95: f64 = 1.959_963_984_540_054;
