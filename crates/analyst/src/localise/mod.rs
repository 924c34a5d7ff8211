//! Root-cause localisation: which slices explain the failures of this window.
//!
//! **Problem.** An incident is seen in dozens of overlapping slices at once: `{gateway: A}` fails
//! because `{gateway: A, method: card}` does, and so does `{method: card}`. Wanted is the smallest
//! set of slices that explains all cells, and nothing when chance explains them.
//!
//! **Method.** A likelihood-ratio subset scan (Kulldorff 1997; Neill, *Fast subset scan*, JRSS-B
//! 2012) over all conjunctions of up to three attributes, on leaf cells. Every cell carries its own
//! expectation and only those are added up, so a mix shift (more traffic from a weak issuer) moves
//! both sides and is no cause. Where the plain scan adds the counts of a slice up and compares two
//! binomials, this one scores the whole table of cells under a generative model (`shift`):
//!
//! * outside every cause a cell fails at its baseline, give or take the noise of a cell and the
//!   error of the baseline itself (beta-binomial), so that a cell of a million attempts doesn't
//!   carry a thousand nats for a wobble of half a point;
//! * inside a cause the log-odds of all its cells are raised by one common shift, give or take a
//!   quarter. The shift is averaged over a grid, like the detector's bets.
//!
//! A parent of which only one child is bad thus pays for its healthy cells, and a child whose
//! siblings are bad as well leaves their evidence on the table: the right level wins by itself.
//! Each attribute costs `attribute_penalty_nats`; the best slice is taken out, the scan repeated,
//! and all chosen slices are refitted against each other (`search`).
//!
//! An incident sends ripples: neighbours of a failing slice stumble too, a little and in no pattern.
//! So the noise is the larger of what history shows and what the median cell of this very window
//! shows. A broad incident inflates that median and would mask others; so the cells it explains are
//! set aside and the rest is looked at again, with the noise of the rest. Only if the first look
//! finds nothing (the incident is so broad that it passes for noise) does history alone decide.
//!
//! **Guarantee.** The score of a slice is a Bayes factor, of mean 1 under the null. By Markov's
//! inequality and the union bound the probability of naming any cause when there is none is at most
//! `false_cause_probability`, as far as baseline and noise are as stated; more noise seen in the window
//! only makes that rarer. The same holds for each further look.
//!
//! **Cost.** O(cells x conjunctions) additions and O(cells x grid) likelihoods; slices that can't
//! reach the threshold even if every cell chose its own shift are dropped after the first pass,
//! which loses none.

mod catalogue;
mod noise;
mod report;
mod search;
mod shift;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use noise::{NoiseSample, noise_sd};

/// What happened in one leaf cell (one value per dimension) during the window that is judged.
#[derive(Clone, Debug, PartialEq)]
pub struct LeafCell {
    /// One value id per dimension.
    pub values: Box<[u32]>,
    /// Attempts with an outcome.
    pub attempts: u64,
    /// Those of them that count as bad.
    pub bad: u64,
    /// Bad ones expected among these attempts by the shrunk baseline.
    pub expected_bad: f64,
    /// How many attempts the baseline rate of this cell is worth (its beta prior's `alpha + beta`);
    /// infinity where the rate is known.
    pub baseline_attempts: f64,
}

/// What a user or a benchmark can set; the default is used everywhere.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LocaliseSettings {
    /// Fewest attributes in one cause; with 0 all traffic together may be one.
    pub order_min: usize,
    /// Most attributes in one cause.
    pub order_max: usize,
    /// Most causes reported.
    pub causes_max: usize,
    /// Occam's price of an attribute: e^3 = 20 values to choose from.
    pub attribute_penalty_nats: f64,
    /// Bound on the probability of naming a cause when there is none.
    pub false_cause_probability: f64,
    /// A cause must explain this share of the failures in excess that all causes explain:
    /// an incident sends ripples, and a page about ripples hides the incident.
    pub excess_share_min: f64,
    /// Standard deviation of a healthy cell's log-odds around its baseline from window to window,
    /// beyond binomial chance ([`noise_sd`] estimates it from history).
    pub noise_sd: f64,
    /// Slices whose attempts overlap by this much (intersection over union) are aliases.
    pub alias_overlap_min: f64,
    /// First causes that are followed up before the best set is chosen.
    pub beam: usize,
}

impl Default for LocaliseSettings {
    fn default() -> Self {
        Self {
            order_min: 1,
            order_max: 3,
            causes_max: 5,
            attribute_penalty_nats: 3.0,
            false_cause_probability: 0.01,
            excess_share_min: 0.02,
            noise_sd: 0.1,
            alias_overlap_min: 0.95,
            beam: 3,
        }
    }
}

/// A conjunction: `(dimension, value id)`, in order of dimension.
pub type Conditions = Vec<(usize, u32)>;

/// One slice that explains failures which no other cause explains.
#[derive(Clone, Debug, PartialEq)]
pub struct RootCause {
    /// The slice; without conditions it is all traffic.
    pub conditions: Conditions,
    /// Log Bayes factor of this cause given the others, less the price of its attributes.
    pub score_nats: f64,
    /// Attempts of the slice.
    pub attempts: u64,
    /// Bad ones among them.
    pub bad: u64,
    /// Bad ones expected among them.
    pub expected_bad: f64,
    /// Slices that select (nearly) the same attempts, plainest first.
    pub aliases: Vec<Conditions>,
}

/// The rest of the cells is looked at again if its noise is below this share of the last look's: at
/// half the noise a hidden cause may speak four times as loud.
const CALMER: f64 = 0.5;

/// The causes behind `cells`, strongest first; empty when nothing is beyond chance.
///
/// The result does not depend on the order of the cells. Cells without attempts are ignored.
///
/// # Panics
///
/// If a cell hasn't exactly `dimensions` values, or more bad attempts than attempts.
pub fn localise<'a>(
    cells: impl IntoIterator<Item = &'a LeafCell>,
    dimensions: usize,
    settings: &LocaliseSettings,
) -> Vec<RootCause> {
    let mut cells: Vec<&LeafCell> = cells.into_iter().filter(|cell| cell.attempts > 0).collect();
    for cell in &cells {
        assert_eq!(cell.values.len(), dimensions, "a leaf cell has one value per dimension");
        assert!(cell.bad <= cell.attempts, "more bad attempts than attempts");
    }
    // Sums of floats depend on their order, so the order must not depend on the caller.
    cells.sort_by(|a, b| {
        (&a.values, a.attempts, a.bad)
            .cmp(&(&b.values, b.attempts, b.bad))
            .then(a.expected_bad.total_cmp(&b.expected_bad))
    });
    let noise = |left: &[&LeafCell]| {
        let seen = noise_sd(left.iter().map(|cell| NoiseSample::of(cell)), settings.noise_sd);
        seen.max(settings.noise_sd)
    };
    let mut left = cells.clone();
    let mut ripples = noise(&left);
    let mut causes = scan(&left, dimensions, ripples, settings);
    if causes.is_empty() && ripples > settings.noise_sd {
        ripples = settings.noise_sd;
        causes = scan(&left, dimensions, ripples, settings);
    }
    while !causes.is_empty() && causes.len() < settings.causes_max {
        left.retain(|cell| !causes.iter().any(|cause| selects(&cause.conditions, cell)));
        let calmer = noise(&left);
        if calmer > CALMER * ripples {
            // The last scan went on until nothing was left to find at very nearly this noise.
            break;
        }
        ripples = calmer;
        causes.extend(scan(&left, dimensions, ripples, settings));
    }
    causes.truncate(settings.causes_max);
    report::report(causes, &cells, dimensions, settings)
}

/// A slice that explains failures, and its log Bayes factor less its price.
#[derive(Clone, Debug, PartialEq)]
struct Scored {
    conditions: Conditions,
    score_nats: f64,
}

/// The causes that can be told under this noise, strongest first.
fn scan(
    cells: &[&LeafCell],
    dimensions: usize,
    noise_sd: f64,
    settings: &LocaliseSettings,
) -> Vec<Scored> {
    let shifts = shift::Shifts::new(noise_sd);
    let evidence: Vec<shift::Evidence> = cells.iter().map(|cell| shifts.evidence(cell)).collect();
    let catalogue = catalogue::Catalogue::build(cells, &evidence, dimensions, settings);
    search::search(&catalogue, &evidence, settings)
        .into_iter()
        .map(|choice| Scored {
            conditions: catalogue.slices[choice.slice].conditions.clone(),
            score_nats: choice.score_nats,
        })
        .collect()
}

/// Whether a cell belongs to a slice.
fn selects(conditions: &Conditions, cell: &LeafCell) -> bool {
    conditions.iter().all(|&(dimension, value)| cell.values[dimension] == value)
}
