//! The pilot: findings in, bounded and reversible interventions out. It never sees raw traffic.

mod limits;
mod situation;

pub use limits::{Limits, Mode, Modes};
pub use situation::{Network, Path, Situation};
