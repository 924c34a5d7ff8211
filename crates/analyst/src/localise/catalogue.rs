//! The slices worth scoring: every conjunction that could still reach the threshold, with its cells.
//!
//! Conjunctions are numbered by packed integer keys (mixed radix over compacted value ranks), one
//! table per set of dimensions. The first pass adds up, per slice, the best that each cell could
//! say for any shift of its own: an upper bound of the slice's score, whatever else is taken out
//! later. Only slices whose bound passes the threshold get member lists. Typically a few per cent.

use rustc_hash::FxHashMap;

use super::shift::Evidence;
use super::{Conditions, LeafCell, LocaliseSettings};

/// One slice that may turn out to be a cause.
pub(super) struct Candidate {
    pub conditions: Conditions,
    members: (u32, u32),
}

/// All candidates, their cells, and for each cell its candidates.
pub(super) struct Catalogue {
    pub slices: Vec<Candidate>,
    members: Vec<u32>,
    of_cell: Vec<u32>,
    of_cell_starts: Vec<u32>,
    /// Score that a cause must exceed: ln of (sum over slices of e^-penalty) / false probability.
    pub threshold_nats: f64,
}

const NONE: u32 = u32::MAX;

impl Catalogue {
    pub fn build(
        cells: &[&LeafCell],
        evidence: &[Evidence],
        dimensions: usize,
        settings: &LocaliseSettings,
    ) -> Self {
        let ranks = Ranks::of(cells, dimensions);
        let bounds: Vec<f64> =
            evidence.iter().map(|grid| grid.iter().copied().fold(0.0, f64::max)).collect();
        let penalty = settings.attribute_penalty_nats;
        let mut tables = Vec::new();
        let mut prior_mass = 0.0;
        for dims in conjunctions(dimensions, settings.order_max) {
            // A dimension with one value adds nothing to a conjunction but its price.
            if dims.len() > 1 && dims.iter().any(|&d| ranks.values[d].len() < 2) {
                continue;
            }
            let (ids, keys) = ranks.number(&dims);
            let mut bound = vec![0.0; keys.len()];
            for (id, best) in ids.iter().zip(&bounds) {
                bound[*id as usize] += best;
            }
            prior_mass += keys.len() as f64 * libm::exp(-penalty * dims.len() as f64);
            tables.push((dims, ids, keys, bound));
        }
        let threshold_nats =
            libm::log(prior_mass.max(1.0) / settings.false_cause_probability.clamp(1e-300, 1.0));

        let mut slices = Vec::new();
        let mut members: Vec<u32> = Vec::new();
        for (dims, ids, keys, bound) in tables {
            let price = penalty * dims.len() as f64;
            let mut survivors: Vec<u32> = (0..keys.len() as u32)
                .filter(|&id| bound[id as usize] - price > threshold_nats)
                .collect();
            if survivors.is_empty() {
                continue;
            }
            survivors.sort_unstable_by_key(|&id| keys[id as usize]);
            let mut place = vec![NONE; keys.len()];
            for (at, &id) in survivors.iter().enumerate() {
                place[id as usize] = at as u32;
            }
            let mut lists: Vec<Vec<u32>> = vec![Vec::new(); survivors.len()];
            for (cell, id) in ids.iter().enumerate() {
                let at = place[*id as usize];
                if at != NONE {
                    lists[at as usize].push(cell as u32);
                }
            }
            for list in lists {
                let start = members.len() as u32;
                let first = list[0] as usize;
                members.extend(list);
                slices.push(Candidate {
                    conditions: dims.iter().map(|&d| (d, cells[first].values[d])).collect(),
                    members: (start, members.len() as u32),
                });
            }
        }
        let (of_cell, of_cell_starts) = invert(&slices, &members, cells.len());
        Self { slices, members, of_cell, of_cell_starts, threshold_nats }
    }

    /// The cells of a slice, ascending.
    pub fn members(&self, slice: usize) -> &[u32] {
        let (start, end) = self.slices[slice].members;
        &self.members[start as usize..end as usize]
    }

    /// The candidates that contain a cell.
    pub fn slices_of(&self, cell: u32) -> &[u32] {
        let start = self.of_cell_starts[cell as usize] as usize;
        let end = self.of_cell_starts[cell as usize + 1] as usize;
        &self.of_cell[start..end]
    }

    /// What the attributes of a slice cost.
    pub fn price(&self, slice: usize, settings: &LocaliseSettings) -> f64 {
        settings.attribute_penalty_nats * self.slices[slice].conditions.len() as f64
    }
}

fn invert(slices: &[Candidate], members: &[u32], cells: usize) -> (Vec<u32>, Vec<u32>) {
    let mut starts = vec![0u32; cells + 1];
    for &cell in members {
        starts[cell as usize + 1] += 1;
    }
    for i in 0..cells {
        starts[i + 1] += starts[i];
    }
    let mut next = starts.clone();
    let mut of_cell = vec![0u32; members.len()];
    for (slice, candidate) in slices.iter().enumerate() {
        for &cell in &members[candidate.members.0 as usize..candidate.members.1 as usize] {
            let at = &mut next[cell as usize];
            of_cell[*at as usize] = slice as u32;
            *at += 1;
        }
    }
    (of_cell, starts)
}

/// All sets of up to `order_max` dimensions, plainest first.
pub(super) fn conjunctions(dimensions: usize, order_max: usize) -> Vec<Vec<usize>> {
    let mut all = Vec::new();
    let mut last: Vec<Vec<usize>> = vec![Vec::new()];
    for _ in 0..order_max.min(dimensions) {
        last = last
            .iter()
            .flat_map(|set| {
                let next = set.last().map_or(0, |&d| d + 1);
                (next..dimensions).map(move |d| {
                    let mut longer = set.clone();
                    longer.push(d);
                    longer
                })
            })
            .collect();
        all.extend(last.iter().cloned());
    }
    all
}

/// Value ids compacted per dimension, so that packed keys stay small.
struct Ranks {
    /// Per dimension, the ids that occur, ascending.
    values: Vec<Vec<u32>>,
    /// Per dimension, the rank of each cell's value.
    of_cell: Vec<Vec<u32>>,
}

impl Ranks {
    fn of(cells: &[&LeafCell], dimensions: usize) -> Self {
        let values: Vec<Vec<u32>> = (0..dimensions)
            .map(|d| {
                let mut ids: Vec<u32> = cells.iter().map(|cell| cell.values[d]).collect();
                ids.sort_unstable();
                ids.dedup();
                ids
            })
            .collect();
        let of_cell = (0..dimensions)
            .map(|d| {
                let rank = |id: u32| values[d].binary_search(&id).unwrap_or_default() as u32;
                cells.iter().map(|cell| rank(cell.values[d])).collect()
            })
            .collect();
        Self { values, of_cell }
    }

    /// Numbers the value combinations of these dimensions in order of first cell: the number of
    /// each cell's combination, and the packed key of each number.
    fn number(&self, dims: &[usize]) -> (Vec<u32>, Vec<u64>) {
        let cells = self.of_cell[dims[0]].len();
        let mut packed = vec![0u64; cells];
        let mut range = 1u64;
        for &d in dims {
            let radix = self.values[d].len() as u64;
            range = range.saturating_mul(radix);
            for (key, &rank) in packed.iter_mut().zip(&self.of_cell[d]) {
                *key = *key * radix + u64::from(rank);
            }
        }
        let mut keys = Vec::new();
        let mut number = |slot: &mut u32, key: u64| {
            if *slot == NONE {
                *slot = keys.len() as u32;
                keys.push(key);
            }
            *slot
        };
        let ids = if range <= 4 * cells as u64 + 1_024 {
            let mut table = vec![NONE; range as usize];
            packed.iter().map(|&key| number(&mut table[key as usize], key)).collect()
        } else {
            let mut table = FxHashMap::<u64, u32>::default();
            packed.iter().map(|&key| number(table.entry(key).or_insert(NONE), key)).collect()
        };
        (ids, keys)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conjunctions_of_six_dimensions_are_forty_one() {
        let all = conjunctions(6, 3);
        assert_eq!(all.len(), 41);
        assert_eq!(all[0], [0]);
        assert_eq!(all[40], [3, 4, 5]);
        assert_eq!(conjunctions(2, 3), [vec![0], vec![1], vec![0, 1]]);
    }

    #[test]
    fn hashed_and_tabled_numbers_agree() {
        let cells: Vec<LeafCell> = (0..50u32)
            .map(|i| LeafCell {
                values: Box::new([i * 1_000_003 % 47, i % 7, i * i % 13]),
                attempts: 1,
                bad: 0,
                expected_bad: 0.1,
                baseline_attempts: 10.0,
            })
            .collect();
        let cells: Vec<&LeafCell> = cells.iter().collect();
        let ranks = Ranks::of(&cells, 3);
        let (ids, keys) = ranks.number(&[0, 1, 2]);
        for (a, x) in cells.iter().enumerate() {
            for (b, y) in cells.iter().enumerate() {
                assert_eq!(ids[a] == ids[b], x.values == y.values);
            }
        }
        assert!(ids.iter().all(|&id| (id as usize) < keys.len()));
    }
}
