//! Four simulators, of which only the first is near the model's own family.

mod drift;
mod misspecified;
mod replay;
mod swaps;

use std::path::Path;

use super::world::World;

pub use replay::Record;

/// Payments of a run.
pub const PAYMENTS: usize = 20_000;
/// Their names.
pub const NAMES: [&str; 4] = ["drift", "swaps", "misspecified", "replay"];

/// Every simulator, and the record that the last replays.
pub struct Simulators {
    record: Record,
}

impl Simulators {
    pub fn new(file: &Path) -> anyhow::Result<Self> {
        Ok(Self { record: Record::read(file)? })
    }

    /// One run.
    pub fn world(&self, simulator: usize, seed: u64) -> World {
        match simulator {
            0 => drift::world(seed),
            1 => swaps::world(seed),
            2 => misspecified::world(seed),
            _ => self.record.world(seed),
        }
    }
}

pub fn logistic(odds: f64) -> f64 {
    1.0 / (1.0 + libm::exp(-odds))
}

/// Amounts are log-normal: half below 1,000.00.
pub fn amount(stream: &mut stats::stream::Stream, spread: f64) -> i64 {
    (100_000.0 * libm::exp(spread * stream.normal())) as i64 + 1
}

/// Outcomes come after this, in seconds: mostly soon, some after a minute or three.
pub fn delay_ms(stream: &mut stats::stream::Stream) -> i64 {
    let s =
        if stream.bernoulli(0.07) { stream.range(30.0, 180.0) } else { 6.0 * stream.exponential() };
    (s * 1_000.0) as i64
}
