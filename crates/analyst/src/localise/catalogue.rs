//! The slices worth scoring: every conjunction that could still reach the threshold, with its cells.
//!
//! Conjunctions are numbered by packed integer keys (mixed radix over compacted value ranks), one
//! table per set of dimensions. The first pass adds up, per slice, the best that each cell could
//! say for any shift of its own: an upper bound of the slice's score, whatever else is taken out
//! later. Only slices whose bound passes the threshold become candidates.

use rustc_hash::FxHashMap;

use super::shift::Evidence;
use super::{Conditions, LeafCell, LocaliseSettings};

/// One slice that may turn out to be a cause.
pub(super) struct Candidate {
    pub conditions: Conditions,
    /// Which table holds it.
    table: u32,
}

/// All candidates, and which of them each cell belongs to.
pub(super) struct Catalogue {
    pub slices: Vec<Candidate>,
    /// Per set of dimensions with a candidate: the candidate of each cell, or [`NONE`].
    tables: Vec<Vec<u32>>,
    /// Score that a cause must exceed: ln of (sum over possible slices of e^-penalty) / false
    /// probability.
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
        let penalty = settings.attribute_penalty_nats;
        // A dimension with one value adds nothing to a conjunction but its price.
        let conjunctions: Vec<Vec<usize>> = conjunctions(dimensions, settings)
            .into_iter()
            .filter(|dims| dims.len() < 2 || dims.iter().all(|&d| ranks.varies(d)))
            .collect();
        let prior_mass: f64 = conjunctions
            .iter()
            .map(|dims| {
                let slices = ranks.combinations(dims).min(cells.len() as u64);
                slices as f64 * libm::exp(-penalty * dims.len() as f64)
            })
            .sum();
        let threshold_nats =
            libm::log(prior_mass.max(1.0) / settings.false_cause_probability.clamp(1e-300, 1.0));

        // Cells that speak for some shift; the others only ever speak against.
        let suspicious: Vec<(usize, f64)> = evidence
            .iter()
            .map(|grid| grid.iter().copied().fold(0.0, f64::max))
            .enumerate()
            .filter(|&(_, best)| best > 0.0)
            .collect();
        let mut catalogue = Self { slices: Vec::new(), tables: Vec::new(), threshold_nats };
        for dims in conjunctions {
            let keys = ranks.pack(&dims);
            let mut numbers = Numbers::new(ranks.combinations(&dims), cells.len());
            // Per number its bound and the first cell that has it.
            let mut bounds: Vec<(f64, usize)> = Vec::new();
            for &(cell, best) in &suspicious {
                let number = numbers.of(keys[cell], bounds.len() as u32) as usize;
                if number == bounds.len() {
                    bounds.push((0.0, cell));
                }
                bounds[number].0 += best;
            }
            let floor = threshold_nats + penalty * dims.len() as f64;
            let before = catalogue.slices.len();
            for (bound, cell) in bounds {
                let slice = if bound > floor {
                    catalogue.slices.push(Candidate {
                        conditions: dims.iter().map(|&d| (d, cells[cell].values[d])).collect(),
                        table: catalogue.tables.len() as u32,
                    });
                    catalogue.slices.len() as u32 - 1
                } else {
                    NONE
                };
                numbers.replace(keys[cell], slice);
            }
            if catalogue.slices.len() > before {
                catalogue.tables.push(keys.iter().map(|&key| numbers.get(key)).collect());
            }
        }
        catalogue
    }

    /// The cells of a slice, ascending.
    pub fn members(&self, slice: usize) -> impl Iterator<Item = usize> {
        let table = &self.tables[self.slices[slice].table as usize];
        table.iter().enumerate().filter(move |&(_, s)| *s as usize == slice).map(|(cell, _)| cell)
    }

    /// The candidates that contain a cell.
    pub fn slices_of(&self, cell: usize) -> impl Iterator<Item = usize> {
        let slices = self.tables.iter().map(move |table| table[cell]);
        slices.filter(|&slice| slice != NONE).map(|slice| slice as usize)
    }

    /// For every set of dimensions, each cell with its candidate.
    pub fn memberships(&self) -> impl Iterator<Item = (usize, usize)> {
        self.tables.iter().flat_map(|table| {
            let slices = table.iter().enumerate().filter(|&(_, &slice)| slice != NONE);
            slices.map(|(cell, &slice)| (cell, slice as usize))
        })
    }

    /// What the attributes of a slice cost.
    pub fn price(&self, slice: usize, settings: &LocaliseSettings) -> f64 {
        settings.attribute_penalty_nats * self.slices[slice].conditions.len() as f64
    }
}

/// All sets of `order_min` to `order_max` dimensions, plainest first.
pub(super) fn conjunctions(dimensions: usize, settings: &LocaliseSettings) -> Vec<Vec<usize>> {
    let mut all = Vec::new();
    let mut last: Vec<Vec<usize>> = vec![Vec::new()];
    for order in 0..=settings.order_max.min(dimensions) {
        if order > 0 {
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
        }
        if order >= settings.order_min {
            all.extend(last.iter().cloned());
        }
    }
    all
}

/// Value ids compacted per dimension, so that packed keys stay small.
struct Ranks {
    cells: usize,
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
        Self { cells: cells.len(), values, of_cell }
    }

    fn varies(&self, dimension: usize) -> bool {
        self.values[dimension].len() > 1
    }

    /// How many value combinations these dimensions could have.
    fn combinations(&self, dims: &[usize]) -> u64 {
        dims.iter().fold(1, |product, &d| product.saturating_mul(self.values[d].len() as u64))
    }

    /// The packed key of each cell's value combination, below [`Self::combinations`].
    fn pack(&self, dims: &[usize]) -> Vec<u64> {
        let radix = |d: usize| self.values[d].len() as u64;
        let rank = |d: usize| self.of_cell[d].iter().map(|&rank| u64::from(rank));
        match *dims {
            [a] => rank(a).collect(),
            [a, b] => rank(a).zip(rank(b)).map(|(x, y)| x * radix(b) + y).collect(),
            [a, b, c] => rank(a)
                .zip(rank(b))
                .zip(rank(c))
                .map(|((x, y), z)| (x * radix(b) + y) * radix(c) + z)
                .collect(),
            _ => (0..self.cells)
                .map(|cell| {
                    dims.iter().fold(0, |key, &d| key * radix(d) + u64::from(self.of_cell[d][cell]))
                })
                .collect(),
        }
    }
}

/// Numbers for packed keys, given out on first sight; a plain table where it stays small.
enum Numbers {
    Table(Vec<u32>),
    Hashed(FxHashMap<u64, u32>),
}

impl Numbers {
    fn new(combinations: u64, cells: usize) -> Self {
        if combinations <= 4 * cells as u64 + 1_024 {
            Self::Table(vec![NONE; combinations as usize])
        } else {
            Self::Hashed(FxHashMap::default())
        }
    }

    /// The key's number; `next` if it had none.
    fn of(&mut self, key: u64, next: u32) -> u32 {
        let slot = match self {
            Self::Table(table) => &mut table[key as usize],
            Self::Hashed(map) => map.entry(key).or_insert(NONE),
        };
        if *slot == NONE {
            *slot = next;
        }
        *slot
    }

    /// Gives a key that has a number another one.
    fn replace(&mut self, key: u64, number: u32) {
        match self {
            Self::Table(table) => table[key as usize] = number,
            Self::Hashed(map) => {
                map.insert(key, number);
            }
        }
    }

    /// The key's number, [`NONE`] without.
    fn get(&self, key: u64) -> u32 {
        match self {
            Self::Table(table) => table[key as usize],
            Self::Hashed(map) => map.get(&key).copied().unwrap_or(NONE),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn conjunctions_of_six_dimensions_are_forty_one() {
        let settings = LocaliseSettings::default();
        let all = conjunctions(6, &settings);
        assert_eq!(all.len(), 41);
        assert_eq!(all[0], [0]);
        assert_eq!(all[40], [3, 4, 5]);
        assert_eq!(conjunctions(2, &settings), [vec![0], vec![1], vec![0, 1]]);
        let with_all = LocaliseSettings { order_min: 0, ..settings };
        assert_eq!(conjunctions(1, &with_all), [vec![], vec![0]]);
    }

    proptest! {
        /// Packed keys tell combinations apart, and a table numbers them as a hash map does.
        #[test]
        fn keys_and_numbers_agree(values in prop::collection::vec([0u32..9, 5u32..7, 0u32..1_000_000], 1..60)) {
            let cells: Vec<LeafCell> = values
                .iter()
                .map(|values| LeafCell {
                    values: Box::new(*values),
                    attempts: 1,
                    bad: 0,
                    expected_bad: 0.1,
                    baseline_attempts: 10.0,
                })
                .collect();
            let cells: Vec<&LeafCell> = cells.iter().collect();
            let ranks = Ranks::of(&cells, 3);
            for dims in conjunctions(3, &LocaliseSettings::default()) {
                let keys = ranks.pack(&dims);
                let combinations = ranks.combinations(&dims);
                let mut table = Numbers::Table(vec![NONE; combinations as usize]);
                let mut hashed = Numbers::Hashed(FxHashMap::default());
                for (i, key) in keys.iter().enumerate() {
                    prop_assert!(*key < combinations);
                    prop_assert_eq!(table.of(*key, i as u32), hashed.of(*key, i as u32));
                    prop_assert_eq!(table.get(*key), hashed.get(*key));
                    for (j, other) in keys.iter().enumerate() {
                        let same = dims.iter().all(|&d| values[i][d] == values[j][d]);
                        prop_assert_eq!(key == other, same);
                    }
                }
            }
        }
    }
}
