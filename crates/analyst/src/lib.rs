//! The analyst: attempts in, findings and incidents out. It can't act.

mod across;
mod analyst;
mod baseline;
mod budget;
mod cause;
mod cells;
mod codes;
mod cube;
pub mod diagnose;
mod door;
mod history;
pub mod impact;
mod incident;
mod incidents;
mod intake;
mod lanes;
mod latency;
pub mod localise;
pub mod logistic;
mod newest;
mod opinion;
mod prospects;
mod purse;
pub mod second_opinion;
mod settings;
mod signal;
mod slice;
mod space;
mod tape;
mod traffic;
mod tries;
mod unwatched;
mod watch;
mod watchers;
mod watches;

pub use across::{Across, Flow, Loads};
pub use analyst::{Analyst, Coverage, News};
pub use cause::Cause;
pub use cube::SliceStats;
pub use incident::{
    Alternative, Breakdown, Evidence, Impact, Incident, IncidentStatus, Lost, TimelinePoint,
};
pub use intake::Alike;
pub use newest::Counted;
pub use prospects::Prospect;
pub use settings::Settings;
pub use signal::{Finding, Signal, Tier};
pub use slice::Slice;
