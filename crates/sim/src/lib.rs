//! The payment network: a world drawn from a seed, what goes wrong in it, and the truth about both.
//!
//! Pure: seeds and times are arguments. The same seed gives the same payments on any machine, and an
//! incident moves nothing outside its slice and time, so two runs that differ in an incident differ in its effect alone.
//!
//! ```
//! use payments::Timestamp;
//! use sim::{Incident, Kind, FailureKind, World};
//!
//! let mut world = World::at_rate(5.0, 7)?;
//! let start = Timestamp::from_millis(1_790_000_000_000);
//! let at = |minutes: i64| start.plus_millis(minutes * 60_000);
//! let kind = Kind::Outage { severity: 0.9, blame: FailureKind::Gateway };
//! world.add(Incident::on([("gateway", "PAYU"), ("network", "VISA")], at(10), at(20), kind))?;
//! let failed = world.attempts(at(0), at(30)).filter(|s| s.p_true < s.p_null).count();
//! assert!(failed > 0);
//! # Ok::<(), sim::WorldError>(())
//! ```

mod alias;
mod arrivals;
mod attempt;
mod attempts;
mod burst;
mod closed;
mod config;
mod counts;
mod effect;
mod failure;
mod generate;
mod incident;
mod latency;
mod mishaps;
mod populate;
mod scenario;
mod season;
mod truth;
mod world;

/// The parts of a [`Scenario`].
pub mod script {
    pub use crate::scenario::{Event, Expect, Line, Loss, Network, Place, Room, What};
}

pub use attempts::{Attempts, Sample};
pub use closed::{
    Answer, Ask, Attempted, Capacity, Clairvoyant, Gain, Moved, Operator, Played, RetryRule, Setup,
    play, play_clairvoyant, play_moved, play_untouched,
};
pub use config::{
    Bank, Country, Dispersion, Drift, Gateway, Method, Network, Retries, Season, Vocabulary,
    WorldConfig,
};
pub use counts::{Cell, Counts, Tick, Ticks};
pub use failure::FailureKind;
pub use incident::{Incident, Kind, Pairs, Shape};
pub use mishaps::Mishaps;
pub use scenario::{Culprit, Problem, Scenario, Stage, library};
pub use truth::Truth;
pub use world::{DIMENSIONS, INCIDENTS_MAX, World, WorldError};
