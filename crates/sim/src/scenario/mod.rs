//! Scenarios: what happens to a payment network, written down so that payments people can read and write it.
//!
//! A scenario is a text of one statement per line; `docs/reference/scenarios.md` is its grammar. [`Scenario::parse`] is strict: whatever
//! it does not know is refused with its line, what was found and what is allowed, all problems at once, so that a typo can't quietly become a quiet
//! day. Printing a scenario gives its canonical text, and reading that gives the scenario again.
//!
//! **Seeds.** A scenario is a script, [`Scenario::stage`] is one performance of it: the seed draws the network. So a slice may be
//! asked for by its traffic (`a gateway x method slice of about 5/s`) where names would mean another traffic in each network.
//!
//! **History.** All times count from the end of a quiet history. It depends on the world, the start and the seed alone: scenarios of the same
//! [`Scenario::ground`] share it, so whoever learns it learns it once.

mod aliases;
mod events;
mod library;
mod parse;
mod print;
mod slices;
mod stage;
#[cfg(test)]
mod tests;
mod words;

pub use library::library;
pub use stage::{Culprit, Stage};
pub use words::Problem;

use crate::config::WorldConfig;
use crate::failure::FailureKind;
use crate::incident::{Pairs, Shape};

/// A scenario, as read.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// What it is called.
    pub name: String,
    /// What it is about, line by line.
    pub about: Vec<String>,
    /// Its network.
    pub world: Network,
    /// Length of the quiet history before it.
    pub learn_ms: i64,
    /// Local time at its begin, in minutes after midnight of a Wednesday.
    pub start_min: i64,
    /// Its length.
    pub run_ms: i64,
    /// From an outcome to its feedback.
    pub feedback_ms: i64,
    /// Gateways with what they take.
    pub capacities: Vec<(String, Room)>,
    /// What happens.
    pub events: Vec<Event>,
    /// What an operator should make of it, where that does not follow from the events.
    pub expect: Vec<Expect>,
}

/// The network that a scenario plays in: the default one at another size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Network {
    /// Mean over a week, retries included.
    pub attempts_per_s: f64,
    /// How many.
    pub merchants: u16,
    /// Percentage of failures that are tried again.
    pub retries_percent: f64,
    /// Whether volume and success have their waves of the day and the week.
    pub season: bool,
}

/// Something that happens.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Where it is written.
    pub line: Line,
    /// After the start.
    pub at_ms: i64,
    /// Its length.
    pub for_ms: i64,
    /// What.
    pub what: What,
    /// Where.
    pub place: Place,
    /// How its strength runs.
    pub shape: Shape,
}

/// A line of a scenario's text. Two scenarios that say the same are equal, wherever they say it.
#[derive(Clone, Copy, Debug)]
pub struct Line(pub usize);

impl PartialEq for Line {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// What happens; see the reference for what each does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum What {
    /// Approvals fail.
    Outage(Loss, FailureKind),
    /// Answers take this many times as long.
    Latency(f64),
    /// Failures of one kind get the codes of another.
    Codes(FailureKind, FailureKind),
    /// This many times the payments.
    Volume(f64),
    /// This percentage of other traffic turns into traffic of the place.
    MixShift(f64),
    /// Stolen cards are tried: this multiple of the ordinary payments in addition.
    CardTesting(f64),
    /// This many copies of each attempt.
    RetryStorm(f64),
    /// A gateway takes this and no more.
    Capacity(Room),
    /// This percentage of the place's traffic at other gateways is sent to its gateway.
    Misrouting(f64, Loss),
}

/// What a gateway can take.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Room {
    /// Attempts per second.
    PerS(f64),
    /// A multiple of its ordinary load: that in the middle of the run, or of the event.
    Times(f64),
}

/// How much fails.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Loss {
    /// Success falls by this many percentage points.
    Points(f64),
    /// This share of approvals fails.
    Severity(f64),
}

/// Where it happens.
#[derive(Clone, Debug, PartialEq)]
pub enum Place {
    /// A slice by its names; empty is all traffic.
    Slice(Pairs),
    /// The slice over these dimensions whose traffic, in attempts per second, comes nearest to this.
    Sized(Vec<&'static str>, f64),
}

/// What an operator should make of it.
#[derive(Clone, Debug, PartialEq)]
pub enum Expect {
    /// No traffic may move.
    Decoy(Line),
    /// This cause, at this slice (that of the first event if none is given).
    Cause(Line, &'static str, Option<Pairs>),
}

/// The causes of the event contract.
pub(crate) const CAUSES: [&str; 6] = [
    "user_related",
    "issuer_degradation",
    "network_or_system_failure",
    "misconfiguration",
    "suspected_fraud",
    "unknown",
];

impl Network {
    /// 20 attempts per second.
    pub const SMALL: Self =
        Self { attempts_per_s: 20.0, merchants: 24, retries_percent: 35.0, season: true };
    /// 60 attempts per second.
    pub const MEDIUM: Self = Self { attempts_per_s: 60.0, ..Self::SMALL };
    /// 150 attempts per second.
    pub const LARGE: Self = Self { attempts_per_s: 150.0, ..Self::SMALL };

    /// What the world is built from.
    pub fn config(&self) -> WorldConfig {
        let mut config = WorldConfig {
            attempts_per_s: self.attempts_per_s,
            merchants: self.merchants,
            ..WorldConfig::default()
        };
        config.retries.share = self.retries_percent / 100.0;
        if !self.season {
            let season = &mut config.season;
            (season.volume_day, season.volume_week) = (0.0, 0.0);
            (season.success_day, season.success_week) = (0.0, 0.0);
        }
        config
    }
}

impl Scenario {
    /// What its history depends on, besides the seed: scenarios with the same ground have the same one.
    pub fn ground(&self) -> String {
        print::ground(self)
    }
}
