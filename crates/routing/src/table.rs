//! What was learnt, as a look-up: the posterior of a gateway's success rate for any payment.
//!
//! Rows are contexts, from the coarsest (nothing known) over the method to the cell (all dimensions); columns are gateways. A
//! payment reads the finest row that exists for it, and a gateway that was never seen in that row what it may expect there: the mean of the
//! coarser row, worth only as many attempts as cells of one row resemble each other. So every payment and every gateway has a
//! posterior, and little evidence looks like little evidence.
//!
//! [`Table`] is what the learner hands over and what a snapshot carries; [`Lookup`] is its form for the hot path: values become
//! numbers once, a row is found by two to five hash look-ups that allocate nothing.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};
use stats::posterior::Beta;

use crate::context::{Context, NONE};

/// Dimensions of a cell at most.
pub const DIMENSIONS_MAX: usize = 8;

/// Posteriors by context and gateway.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// The dimensions of a cell, the first being the one that the coarser row keeps.
    pub dimensions: Vec<String>,
    /// Leading values of the dimensions (none, the first, or all of them) to gateway to posterior.
    pub rows: BTreeMap<Vec<String>, BTreeMap<String, Beta>>,
    /// For gateways that were never seen.
    pub unknown: Beta,
}

impl Default for Table {
    /// Nothing learnt: one attempt of evidence for any gateway.
    fn default() -> Self {
        Self { dimensions: Vec::new(), rows: BTreeMap::new(), unknown: Beta::JEFFREYS }
    }
}

/// A number that no value has.
const ABSENT: u32 = u32::MAX;

type Key = [u32; DIMENSIONS_MAX];

/// A table for the hot path.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lookup {
    dimensions: Vec<(String, FxHashMap<String, u32>)>,
    gateways: FxHashMap<String, usize>,
    rows: FxHashMap<Key, usize>,
    /// Row by row, one number per gateway and one for those unknown: which posterior.
    cells: Vec<u32>,
    /// The different posteriors.
    pub posteriors: Vec<Beta>,
}

impl Lookup {
    pub fn new(table: &Table) -> Self {
        let mut dimensions: Vec<(String, FxHashMap<String, u32>)> =
            table.dimensions.iter().map(|name| (name.clone(), FxHashMap::default())).collect();
        dimensions.truncate(DIMENSIONS_MAX);
        let mut gateways = FxHashMap::default();
        for name in table.rows.values().flat_map(BTreeMap::keys) {
            let next = gateways.len();
            gateways.entry(name.clone()).or_insert(next);
        }
        let width = gateways.len() + 1;
        let mut look = Self {
            cells: vec![0; width],
            posteriors: vec![table.unknown],
            rows: FxHashMap::default(),
            dimensions,
            gateways,
        };
        // Shorter paths come first in the map's order, so that a row finds the coarser one that it starts from.
        for (path, row) in &table.rows {
            let mut key = [ABSENT; DIMENSIONS_MAX];
            for (number, ((_, values), value)) in
                key.iter_mut().zip(look.dimensions.iter_mut().zip(path))
            {
                let next = values.len() as u32;
                *number = *values.entry(value.clone()).or_insert(next);
            }
            let at = if path.is_empty() {
                0
            } else {
                let start = look.coarser(&key) * width;
                look.cells.extend_from_within(start..start + width);
                look.cells.len() / width - 1
            };
            look.rows.insert(key, at);
            for (gateway, posterior) in row {
                look.cells[at * width + look.gateways[gateway]] = look.posteriors.len() as u32;
                look.posteriors.push(*posterior);
            }
        }
        look
    }

    fn coarser(&self, key: &Key) -> usize {
        let mut first = [ABSENT; DIMENSIONS_MAX];
        first[0] = key[0];
        self.rows.get(&first).copied().unwrap_or(0)
    }

    /// The row of a payment.
    pub fn row(&self, context: &Context<'_>) -> usize {
        if self.dimensions.is_empty() {
            return 0;
        }
        let mut key = [ABSENT; DIMENSIONS_MAX];
        for (number, (dimension, values)) in key.iter_mut().zip(&self.dimensions) {
            let value = context.get(dimension).unwrap_or(NONE);
            *number = values.get(value).copied().unwrap_or(ABSENT);
        }
        // A value that the table lacks leaves a hole in the key, which then reads as a coarser row's if it is the last:
        // only a whole key is looked up.
        let is_whole = key[..self.dimensions.len()].iter().all(|number| *number != ABSENT);
        let exact = if is_whole { self.rows.get(&key).copied() } else { None };
        exact.unwrap_or_else(|| self.coarser(&key))
    }

    /// Which posterior a gateway has in a row.
    pub fn posterior(&self, row: usize, gateway: &str) -> usize {
        let width = self.gateways.len() + 1;
        let column = self.gateways.get(gateway).copied().unwrap_or(width - 1);
        self.cells[row * width + column] as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use payments::Timestamp;

    #[test]
    fn a_payment_reads_the_finest_row_there_is() {
        let row = |path: &[&str], cells: &[(&str, f64)]| {
            let path: Vec<String> = path.iter().map(|v| (*v).into()).collect();
            let cells = cells.iter().map(|(g, m)| ((*g).into(), Beta::with_mean(*m, 10.0)));
            (path, cells.collect())
        };
        let table = Table {
            dimensions: vec!["method".into(), "issuer".into()],
            rows: BTreeMap::from([
                row(&[], &[("a", 0.5), ("b", 0.4)]),
                row(&["card"], &[("a", 0.6)]),
                row(&["card", "HDFC"], &[("c", 0.7)]),
                row(&["upi", NONE], &[("a", 0.8)]),
            ]),
            unknown: Beta::with_mean(0.1, 10.0),
        };
        let lookup = Lookup::new(&table);
        let mean = |values: &[(&str, &str)], gateway| {
            let at = Timestamp::from_millis(0);
            let context = Context {
                payment_id: "p",
                attempt_number: 1,
                at,
                values,
                amount: None,
                candidates: &[],
            };
            let row = lookup.row(&context);
            (lookup.posteriors[lookup.posterior(row, gateway)].mean() * 10.0).round() as u32
        };
        let (card, hdfc) = (("method", "card"), ("issuer", "HDFC"));
        assert_eq!([mean(&[], "a"), mean(&[], "b"), mean(&[], "z")], [5, 4, 1]);
        assert_eq!([mean(&[card], "a"), mean(&[card], "b"), mean(&[card], "c")], [6, 4, 1]);
        assert_eq!(mean(&[card, hdfc], "a"), 6);
        assert_eq!(mean(&[card, hdfc], "c"), 7);
        assert_eq!(mean(&[("method", "upi")], "a"), 8);
        assert_eq!(mean(&[("method", "upi"), hdfc], "a"), 5);
        assert_eq!(mean(&[("method", "wallet")], "b"), 4);
        let empty = Lookup::new(&Table::default());
        assert_eq!((empty.posteriors.len(), empty.posterior(0, "a")), (1, 0));
    }
}
