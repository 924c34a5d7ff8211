//! What was found, for people (text, HTML) and programs (JSON).

mod facts;
mod html;
mod json;
mod operator;
#[cfg(test)]
pub mod sample;
mod spark;
mod summary;
mod text;
mod words;

use analyst::Incident;
use jiff::tz::TimeZone;

use crate::backtest::{Answers, Outcome, Overview, Score};
use crate::read::Loaded;

pub use facts::place;
pub use html::html;
pub use json::json;
pub use summary::Summary;
pub use text::text;
pub use words::{estimate, money, number, percent, span, time};

/// Everything that a report says.
pub struct Report {
    /// How the file was read, and totals.
    pub summary: Summary,
    /// Most costly first.
    pub incidents: Vec<Incident>,
    /// What the operator would have done about them.
    pub answers: Answers,
    /// The file over time.
    pub overview: Overview,
    /// Where people read times.
    pub zone: TimeZone,
}

impl Report {
    /// Puts a report together.
    pub fn new(file: &Loaded, outcome: Outcome, score: Option<Score>, zone: TimeZone) -> Self {
        Self {
            summary: Summary::new(file, &outcome, score, &zone),
            incidents: outcome.incidents,
            answers: outcome.answers,
            overview: outcome.overview,
            zone,
        }
    }
}
