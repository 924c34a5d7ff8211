//! What is known of each gateway in each context: counts that fade.
//!
//! **Problem.** Success rates differ by gateway and context, most contexts are thin, and all of it drifts. The policy needs a
//! posterior for every combination that may be asked for, honest about how little is known of most.
//!
//! **Method.** Exact counts per cell (method, network, issuer) and gateway, discounted exponentially: discounted Thompson
//! sampling (Raj and Kalyani 2017, arXiv 1707.09727). A chain of beta priors, each worth [`LearnerSettings::lean_attempts`]: the cell
//! leans on the gateway's other cells of the method, these on its other methods, these on the other gateways. "Other": a
//! count that stands below is taken out above, so that no attempt is evidence twice.
//!
//! **Half-life: 1 h.** If a rate wanders with standard deviation s per root hour and a cell has L attempts an hour, an
//! exponential window of rate r has the error p(1-p) r / 2L + s^2 / 2r, least at r = s sqrt(L / p(1-p)): for s = 1 point, p = 0.85
//! and L = 1,000 it is r = 0.89, a half-life of 47 min; a hundred attempts an hour would like 2.5 h, ten thousand 15 min. The root makes
//! the loss flat in between, and what is abrupt isn't left to forgetting.
//! **Lean: 20 attempts.** A beta prior of weight m has the variance p(1-p) / (m + 1): cells of one gateway that differ by 8 points
//! (standard deviation, p = 0.85) are worth 20 attempts to each other.
//!
//! **Change points.** When the analyst opens or closes an incident, [`Learner::reopen`] leaves the slice's evidence its mean and takes its weight
//! down to that of a prior: twenty attempts later the present outweighs the past, and until then it is explored.
//!
//! **Guarantee.** One call per tick: the order within it can't reach a result. Memory is bounded: beyond
//! [`LearnerSettings::cells_max`] a cell counts as `__other__` of its method, and evidence that has faded makes room.
//!
//! **Cost.** A tick costs 10 ns per kept cell and gateway (the discount), a table about 0.5 us for each.

use std::collections::BTreeMap;

use payments::Timestamp;
use serde::{Deserialize, Serialize};
use stats::elementary::exp;
use stats::posterior::Beta;

use crate::context::NONE;
use crate::{DIMENSIONS_MAX, GATEWAYS_MAX, Table};

const OTHER: &str = "__other__";
/// Methods that have room beyond the cells for their `__other__`.
const METHODS_MAX: usize = 64;
/// Discounted attempts that no posterior shows any more.
const FADED: f64 = 0.01;

/// What a learner is told once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LearnerSettings {
    /// Dimensions of a cell, the most telling first: it is kept alone where the cell is new. The gateway isn't one.
    pub dimensions: Vec<String>,
    /// After this time an attempt counts half.
    pub half_life_ms: i64,
    /// Attempts that a prior is worth, at least one.
    pub lean_attempts: f64,
    /// Cells kept.
    pub cells_max: usize,
}

impl Default for LearnerSettings {
    fn default() -> Self {
        Self {
            dimensions: ["method", "network", "issuer"].map(Into::into).into(),
            half_life_ms: 3_600_000,
            lean_attempts: 20.0,
            cells_max: 5_000,
        }
    }
}

/// Attempts with an outcome, counted over one tick.
#[derive(Clone, Copy, Debug)]
pub struct Outcomes<'a> {
    /// Where they went.
    pub gateway: &'a str,
    /// Dimension and value, as in a context; those that make no cell are ignored.
    pub values: &'a [(&'a str, &'a str)],
    /// Attempts that count in rates.
    pub attempts: u64,
    /// Approved of these; more than there are attempts count as all.
    pub successes: u64,
}

/// Discounted counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Evidence {
    attempts: f64,
    successes: f64,
}

impl Evidence {
    fn add(&mut self, other: Self) {
        self.attempts += other.attempts;
        self.successes += other.successes;
    }

    fn scale(&mut self, by: f64) {
        self.attempts *= by;
        self.successes *= by;
    }

    /// What is left without a part of it; rounding can't make it negative.
    fn without(self, part: Self) -> Self {
        let attempts = (self.attempts - part.attempts).max(0.0);
        Self { attempts, successes: (self.successes - part.successes).clamp(0.0, attempts) }
    }

    /// The posterior under a prior of this mean and weight.
    fn after(self, mean: f64, weight: f64) -> Beta {
        Beta::with_mean(mean, weight).updated(self.attempts, self.successes.min(self.attempts))
    }
}

type Row<T> = BTreeMap<String, T>;

/// What is known of each gateway in each context; the control plane's, never on the path of a payment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Learner {
    settings: LearnerSettings,
    at: Option<Timestamp>,
    /// Values of the dimensions, to gateway, to evidence.
    cells: BTreeMap<Vec<String>, Row<Evidence>>,
}

impl Learner {
    /// One that knows nothing yet.
    pub fn new(mut settings: LearnerSettings) -> Self {
        settings.dimensions.retain(|dimension| dimension != "gateway");
        settings.dimensions.truncate(DIMENSIONS_MAX);
        settings.lean_attempts = settings.lean_attempts.max(1.0);
        Self { settings, at: None, cells: BTreeMap::new() }
    }

    /// Lets time pass up to `at` and takes in what a tick counted. Time doesn't run backwards: an earlier instant discounts nothing.
    pub fn learn<'a>(&mut self, at: Timestamp, outcomes: impl IntoIterator<Item = Outcomes<'a>>) {
        self.fade(at);
        let mut tick = BTreeMap::<Vec<String>, Row<(u64, u64)>>::new();
        for counted in outcomes.into_iter().filter(|counted| counted.attempts > 0) {
            let row = tick.entry(self.path(counted.values)).or_default();
            let (attempts, successes) = row.entry(counted.gateway.to_owned()).or_default();
            *attempts += counted.attempts;
            *successes += counted.successes.min(counted.attempts);
        }
        for (path, row) in tick {
            let home = self.home(path);
            let cell = self.cells.entry(home).or_default();
            for (gateway, (attempts, successes)) in row {
                let is_full = cell.len() >= GATEWAYS_MAX && !cell.contains_key(&gateway);
                let gateway = if is_full { OTHER.to_owned() } else { gateway };
                let new = Evidence { attempts: attempts as f64, successes: successes as f64 };
                cell.entry(gateway).or_default().add(new);
            }
        }
    }

    /// A slice has changed: what is known of it stays as a guess, worth no more than a prior. Conditions on dimensions that make no
    /// cell are passed over, so a cell that holds a part of the slice is reopened whole; without any other the call does nothing.
    pub fn reopen(&mut self, conditions: &BTreeMap<String, String>) {
        let dimensions = &self.settings.dimensions;
        let position = |name: &String| dimensions.iter().position(|dimension| dimension == name);
        let wanted: Vec<(usize, &String)> =
            conditions.iter().filter_map(|(name, value)| Some((position(name)?, value))).collect();
        let gateway = conditions.get("gateway");
        if wanted.is_empty() && gateway.is_none() {
            return;
        }
        let lean = self.settings.lean_attempts;
        for (path, row) in &mut self.cells {
            if wanted.iter().all(|(at, value)| path[*at] == **value) {
                let named = |name: &String| gateway.is_none_or(|gateway| gateway == name);
                for (_, evidence) in row.iter_mut().filter(|(name, _)| named(name)) {
                    evidence.scale((lean / evidence.attempts).min(1.0));
                }
            }
        }
    }

    /// The look-up for the policy.
    pub fn table(&self) -> Table {
        let lean = self.settings.lean_attempts;
        let depth = self.settings.dimensions.len();
        let mut everything = Evidence::default();
        let mut gateways = Row::<Evidence>::new();
        let mut methods = BTreeMap::<&str, Row<Evidence>>::new();
        for (path, row) in &self.cells {
            for (gateway, evidence) in row {
                everything.add(*evidence);
                gateways.entry(gateway.clone()).or_default().add(*evidence);
                if let Some(method) = path.first() {
                    let row = methods.entry(method).or_default();
                    row.entry(gateway.clone()).or_default().add(*evidence);
                }
            }
        }
        // The expected rate at each level of the chain, without the part that leans on it.
        let none = Evidence::default();
        let overall = |part: Evidence| {
            let rest = everything.without(part);
            rest.after(0.5, 1.0).mean()
        };
        let of_gateway = |gateway: &String, part: Evidence| {
            let own = gateways[gateway];
            own.without(part).after(overall(own), lean).mean()
        };
        let of_method = |method: &str, gateway: &String, part: Evidence| {
            let own = methods[method][gateway];
            own.without(part).after(of_gateway(gateway, own), lean).mean()
        };

        let mut rows = BTreeMap::new();
        let in_general = gateways.iter().map(|(gateway, own)| {
            let posterior = match depth {
                0 => own.after(overall(*own), lean),
                _ => Beta::with_mean(of_gateway(gateway, none), lean),
            };
            (gateway.clone(), posterior)
        });
        rows.insert(Vec::new(), in_general.collect::<Row<Beta>>());
        for (method, row) in methods.iter().filter(|_| depth > 1) {
            let prior = |gateway: &String| Beta::with_mean(of_method(method, gateway, none), lean);
            let row = row.keys().map(|gateway| (gateway.clone(), prior(gateway)));
            rows.insert(vec![(*method).to_owned()], row.collect());
        }
        for (path, row) in self.cells.iter().filter(|_| depth > 0) {
            let posterior = |gateway: &String, own: Evidence| match depth {
                1 => own.after(of_gateway(gateway, own), lean),
                _ => own.after(of_method(&path[0], gateway, own), lean),
            };
            let row = row.iter().map(|(gateway, own)| (gateway.clone(), posterior(gateway, *own)));
            rows.insert(path.clone(), row.collect());
        }
        Table {
            dimensions: self.settings.dimensions.clone(),
            rows,
            unknown: Beta::with_mean(overall(none), lean),
        }
    }

    fn fade(&mut self, at: Timestamp) {
        let since = self.at.map_or(0, |before| at.millis_since(before));
        self.at = Some(self.at.map_or(at, |before| before.max(at)));
        if since <= 0 {
            return;
        }
        let halves = since as f64 / self.settings.half_life_ms.max(1) as f64;
        let kept = exp(-std::f64::consts::LN_2 * halves);
        self.cells.retain(|_, row| {
            row.values_mut().for_each(|evidence| evidence.scale(kept));
            row.retain(|_, evidence| evidence.attempts >= FADED);
            !row.is_empty()
        });
    }

    fn path(&self, values: &[(&str, &str)]) -> Vec<String> {
        let value = |dimension: &String| {
            let found = values.iter().find(|(name, _)| name == dimension);
            found.map_or(NONE, |(_, value)| value).to_owned()
        };
        self.settings.dimensions.iter().map(value).collect()
    }

    /// Where a cell is counted: itself while there is room, else with the others of its method, else with all others.
    fn home(&self, path: Vec<String>) -> Vec<String> {
        let has_room = |path: &Vec<String>, room: usize| {
            self.cells.len() < room || self.cells.contains_key(path)
        };
        if has_room(&path, self.settings.cells_max) {
            return path;
        }
        let mut coarser = vec![OTHER.to_owned(); path.len()];
        if let (Some(first), Some(method)) = (coarser.first_mut(), path.into_iter().next()) {
            *first = method;
        }
        if has_room(&coarser, self.settings.cells_max + METHODS_MAX) {
            return coarser;
        }
        vec![OTHER.to_owned(); coarser.len()]
    }
}

#[cfg(test)]
mod tests;
