//! Aliases: other slices that select (nearly) the same attempts.
//!
//! When all cards of a gateway are VISA, `{gateway: A}` and `{gateway: A, network: VISA}` are one
//! finding under two names. Which name is meant, the data can't say; so all are told.

use std::collections::BTreeMap;

use super::catalogue::{Catalogue, conjunctions};
use super::{Conditions, LeafCell, LocaliseSettings};

/// Slices whose attempts overlap those of `slice` by at least `alias_overlap_min` (intersection
/// over union), plainest first, then by overlap. A longer name of the same attempts is left out:
/// adding conditions that exclude nothing never says more.
pub(super) fn aliases(
    slice: usize,
    catalogue: &Catalogue,
    cells: &[&LeafCell],
    dimensions: usize,
    settings: &LocaliseSettings,
) -> Vec<Conditions> {
    let mut inside = vec![false; cells.len()];
    for &cell in catalogue.members(slice) {
        inside[cell as usize] = true;
    }
    let own = &catalogue.slices[slice].conditions;
    let size: u64 = catalogue.members(slice).iter().map(|&c| cells[c as usize].attempts).sum();
    let mut found: Vec<(usize, f64, Conditions)> = Vec::new();
    for dims in conjunctions(dimensions, settings.order_max) {
        // Attempts shared, by combination; the union follows from the combination's own size.
        let mut shared: BTreeMap<Vec<u32>, u64> = BTreeMap::new();
        for &cell in catalogue.members(slice) {
            let cell = cells[cell as usize];
            let values = dims.iter().map(|&d| cell.values[d]).collect();
            *shared.entry(values).or_default() += cell.attempts;
        }
        for (values, shared) in shared {
            if (shared as f64) < settings.alias_overlap_min * size as f64 {
                continue;
            }
            let conditions: Conditions = dims.iter().copied().zip(values).collect();
            if conditions == *own {
                continue;
            }
            let total: u64 = cells
                .iter()
                .filter(|cell| conditions.iter().all(|&(d, v)| cell.values[d] == v))
                .map(|cell| cell.attempts)
                .sum();
            let overlap = shared as f64 / (size + total - shared) as f64;
            if overlap >= settings.alias_overlap_min {
                found.push((conditions.len(), overlap, conditions));
            }
        }
    }
    found.sort_by(|a, b| a.0.cmp(&b.0).then(b.1.total_cmp(&a.1)).then(a.2.cmp(&b.2)));
    let mut kept: Vec<Conditions> = Vec::new();
    for (_, overlap, conditions) in found {
        let longer_name = |plain: &Conditions| plain.iter().all(|pair| conditions.contains(pair));
        if overlap >= 1.0 && (longer_name(own) || kept.iter().any(longer_name)) {
            continue;
        }
        kept.push(conditions);
    }
    kept
}
