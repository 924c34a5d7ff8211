//! How much traffic each slice has, and whether a plainer slice says the same.

use crate::cells::Cells;
use crate::logistic::expit;
use crate::space::{SliceKey, Space};

/// A slice this close to a plainer one in traffic is the plainer one.
const SAME: f64 = 0.999;

/// Sums rates and the information about the success rate over slices.
pub(crate) fn sum_slices(cells: &mut Cells, subsets: usize) -> Vec<f64> {
    let mut information = vec![0.0; cells.slices.len()];
    let mut rates = vec![0.0; cells.slices.len()];
    let live: Vec<u32> = cells.live().collect();
    for leaf in live {
        let values = &cells.leaves[leaf as usize];
        let p = expit(values.base);
        let (weight, rate) = (values.past.n * p * (1.0 - p), values.rate);
        for subset in 0..subsets {
            let slice = cells.slots(leaf)[subset] as usize;
            information[slice] += weight;
            rates[slice] += rate;
        }
    }
    for (entry, rate) in cells.slices.iter_mut().zip(rates) {
        entry.rate = rate;
    }
    information
}

/// Whether a plainer slice selects (nearly) the same traffic.
pub(crate) fn is_redundant(cells: &Cells, key: SliceKey, rate: f64) -> bool {
    let conditions: Vec<_> = key.conditions().collect();
    conditions.len() > 1
        && (0..conditions.len()).any(|left_out| {
            let rest = conditions.iter().enumerate().filter(|(i, _)| *i != left_out);
            let parent = SliceKey::from_conditions(rest.map(|(_, c)| *c));
            cells.find(parent).is_some_and(|parent| rate >= parent.rate * SAME)
        })
}

pub(crate) fn subset_of(space: &Space, key: SliceKey) -> usize {
    let dimensions: Vec<u8> = key.conditions().map(|(d, _)| d as u8).collect();
    space.subsets().iter().position(|subset| *subset == dimensions).unwrap_or(0)
}
