//! The plain scan, run beside: one binomial likelihood ratio per slice, 3 nats per attribute,
//! the best slice peeled off until nothing is left.

use std::collections::BTreeMap;

use analyst::localise::{Conditions, LeafCell};

/// Price of an attribute.
pub const ATTRIBUTE_PENALTY_NATS: f64 = 3.0;

/// Peeling ends when a cause has less than this share of the first one's nats. Without such a rule
/// the scan names every ripple of an over-dispersed minute and scores far lower.
pub const SCORE_SHARE_MIN: f64 = 0.05;

/// Most causes peeled.
const CAUSES_MAX: usize = 5;

/// Counts of one cell; they need not be whole.
#[derive(Clone, Copy)]
pub struct Counts<'a> {
    pub values: &'a [u32],
    pub attempts: f64,
    pub bad: f64,
    pub expected_bad: f64,
}

impl<'a> From<&'a LeafCell> for Counts<'a> {
    fn from(cell: &'a LeafCell) -> Self {
        Self {
            values: &cell.values,
            attempts: cell.attempts as f64,
            bad: cell.bad as f64,
            expected_bad: cell.expected_bad,
        }
    }
}

/// Peeled causes with their priced nats, strongest first.
pub fn plain_scan(cells: &[LeafCell], dimensions: usize) -> Vec<(Conditions, f64)> {
    let mut left: Vec<Counts<'_>> = cells.iter().map(Counts::from).collect();
    let mut causes: Vec<(Conditions, f64)> = Vec::new();
    while causes.len() < CAUSES_MAX {
        let best = scores(&left, dimensions)
            .into_iter()
            .map(|(conditions, nats)| {
                let price = ATTRIBUTE_PENALTY_NATS * conditions.len() as f64;
                (conditions, nats - price)
            })
            .reduce(|a, b| if b.1 > a.1 { b } else { a });
        let Some((conditions, nats)) = best.filter(|(_, nats)| *nats > 0.0) else { break };
        left.retain(|cell| !conditions.iter().all(|&(d, v)| cell.values[d] == v));
        causes.push((conditions, nats));
    }
    causes
}

/// The binomial log likelihood ratio of every slice of one to three attributes that is worse than
/// expected, plainest first.
pub fn scores(cells: &[Counts<'_>], dimensions: usize) -> Vec<(Conditions, f64)> {
    let mut all = Vec::new();
    let mut sets: Vec<usize> =
        (1..1 << dimensions).filter(|s: &usize| s.count_ones() <= 3).collect();
    sets.sort_by_key(|set| (set.count_ones(), *set));
    for set in sets {
        let dims: Vec<usize> = (0..dimensions).filter(|d| set >> d & 1 == 1).collect();
        let mut sums: BTreeMap<[u32; 3], (f64, f64, f64)> = BTreeMap::new();
        for cell in cells {
            let mut key = [0; 3];
            for (k, &d) in key.iter_mut().zip(&dims) {
                *k = cell.values[d];
            }
            let sum = sums.entry(key).or_default();
            *sum = (sum.0 + cell.attempts, sum.1 + cell.bad, sum.2 + cell.expected_bad);
        }
        for (values, (attempts, bad, expected)) in sums {
            let nats = log_likelihood_ratio(attempts, bad, expected);
            if nats > 0.0 {
                all.push((dims.iter().copied().zip(values).collect(), nats));
            }
        }
    }
    all
}

/// Binomial log likelihood ratio of the rate seen against the rate expected; 0 unless worse.
pub fn log_likelihood_ratio(attempts: f64, bad: f64, expected_bad: f64) -> f64 {
    if bad <= expected_bad || attempts <= 0.0 {
        return 0.0;
    }
    let term =
        |seen: f64, expected: f64| if seen > 0.0 { seen * (seen / expected).ln() } else { 0.0 };
    term(bad, expected_bad.max(1e-9)) + term(attempts - bad, (attempts - expected_bad).max(1e-9))
}
