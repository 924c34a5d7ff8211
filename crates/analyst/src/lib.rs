//! The analyst: attempts in, findings and incidents out. It can't act.

mod cause;
mod cube;
pub mod diagnose;
pub mod impact;
mod incident;
pub mod localise;
mod settings;
mod signal;
mod slice;

pub use cause::Cause;
pub use cube::SliceStats;
pub use incident::{
    Alternative, Breakdown, Evidence, Impact, Incident, IncidentStatus, Lost, TimelinePoint,
};
pub use settings::Settings;
pub use signal::{Finding, Signal, Tier};
pub use slice::Slice;
