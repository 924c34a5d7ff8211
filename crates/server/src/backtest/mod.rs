//! A recorded file through the engine: what it would have found, and when, and what the operator would have done and saved.
//!
//! The engine sees the file as it would have seen the events, in order of time and without what
//! came later, so `detected_at` is what an operator would have had. Nothing is fitted to the file. A second walk counts what
//! passed where payments would have been moved ([`saved`] says how that becomes an estimate).

mod answer;
mod operator;
mod overview;
mod passed;
pub mod saved;
mod truth;

use std::io;

use analyst::Incident;
use engine::{Config, Effect, Engine, Input};
use payments::Timestamp;

pub use answer::{Answer, Answers, total};
pub use operator::{Move, Words};
pub use overview::{Overview, Period};
pub use truth::{Label, Score, Verdict, read as read_labels, score};

use crate::read::Loaded;

/// What the engine made of a file.
pub struct Outcome {
    /// Most costly first.
    pub incidents: Vec<Incident>,
    /// What the operator would have done about them.
    pub answers: Answers,
    /// The whole file over time.
    pub overview: Overview,
    /// Expected false pages per week that detection was set to.
    pub false_pages_per_week: f64,
}

/// Runs a loaded file through a fresh engine; `tell` hears how many rows went in.
pub fn run(
    file: &mut Loaded,
    mut config: Config,
    tell: &mut dyn FnMut(u64),
) -> io::Result<Outcome> {
    config.analysis.dimensions.clone_from(&file.dimensions);
    config.analysis.tick_ms = file.tick_ms;
    config.analysis.window_ms = config.analysis.window_ms.max(file.tick_ms);
    // The file is sorted and its times are vetted: nothing is late, and a gap is a gap.
    config.clock.lateness_ms = 0;
    config.clock.step_max_ms = i64::MAX / 4;
    // What has happened can only be advised on.
    config.pilot.modes = pilot::Modes::ADVISE;
    let false_pages_per_week = config.analysis.false_pages_per_week;
    let mut overview = Overview::new(file.tick_ms);
    let limits = config.pilot.limits.clone();
    let mut engine = Engine::new(config);
    let mut words = Words::default();
    let mut hear = |effects: Vec<Effect>| {
        for effect in effects {
            if let Effect::Decision(decision) = effect {
                words.hear(&decision);
            }
        }
    };
    let mut rows = 0;
    file.for_each(|input| {
        rows += overview.add(&input);
        hear(engine.handle(&input));
        tell(rows);
    })?;
    let mut incidents = Vec::new();
    let mut answers = Answers::new();
    if let Some(last) = overview.latest() {
        let end = Timestamp::from_millis(last - last.rem_euclid(file.tick_ms) + file.tick_ms);
        hear(engine.handle(&Input::Advance(end)));
        incidents = engine.incidents();
        answers = answer::answers(file, &incidents, &words, &limits, end)?;
    }
    by_cost(&mut incidents);
    Ok(Outcome { incidents, answers, overview, false_pages_per_week })
}

/// Most costly first: by money where every incident has it in one and the same currency, else by
/// payments.
fn by_cost(incidents: &mut [Incident]) {
    let one_currency = |i: &Incident| match i.impact.lost.as_slice() {
        [only] => Some(only.amount.currency),
        _ => None,
    };
    let first = incidents.first().and_then(one_currency);
    if first.is_some() && incidents.iter().all(|i| one_currency(i) == first) {
        incidents.sort_by_key(|i| std::cmp::Reverse(i.impact.lost[0].amount.minor));
    } else {
        incidents.sort_by(|a, b| b.impact.lost_payments.total_cmp(&a.impact.lost_payments));
    }
}
