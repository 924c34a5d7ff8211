//! The other names of a root cause: slices that select (nearly) the same attempts.
//!
//! When nearly all UPI collects go through one gateway, `{sub_type: UPI_COLLECT}` and `{gateway:
//! PAYTM_V2, sub_type: UPI_COLLECT}` are one finding under two names. Which of them is meant, the
//! data can't say, so all are told. Whether two slices are the same is a matter of the traffic and
//! not of the failures, so it is judged on everything that is remembered: the minutes since an onset
//! hold too few attempts to tell slices apart that a day does.
//!
//! Overlap is intersection over union of attempts. A condition of an alias keeps nearly all
//! attempts of the root, so per dimension there is one value to try at most, and the work is a pass
//! over the leaves per conjunction of those.

use std::collections::BTreeMap;

use crate::analyst::Analyst;
use crate::lanes::VOLUME;
use crate::space::{ORDER_MAX, SliceKey, Values};

/// Overlap from which two slices are one.
const OVERLAP_MIN: f64 = 0.95;
/// Aliases listed.
const ALIASES_MAX: usize = 8;

impl Analyst {
    /// The aliases of a slice in all remembered traffic, plainest first.
    pub(super) fn aliases(&self, root: SliceKey) -> Vec<SliceKey> {
        let mut attempts = vec![0.0; self.cells.leaves.len()];
        for pane in self.panes_back(i64::MIN) {
            for (leaf, lanes) in &pane.cells {
                attempts[*leaf as usize] += lanes.get(VOLUME);
            }
        }
        let leaves: Vec<(&Values, f64)> = self
            .cells
            .live()
            .map(|leaf| (&self.cells.leaves[leaf as usize].values, attempts[leaf as usize]))
            .filter(|(_, attempts)| *attempts > 0.0)
            .collect();
        aliases(root, &leaves, self.space.subsets(), self.space.dimensions().len())
    }
}

/// The aliases of a slice among these leaves and their attempts. A longer name that selects exactly
/// what a plainer one does is left out: conditions that exclude nothing say nothing.
fn aliases(
    root: SliceKey,
    leaves: &[(&Values, f64)],
    subsets: &[Vec<u8>],
    dimensions: usize,
) -> Vec<SliceKey> {
    let size_of = |key: SliceKey| -> f64 {
        leaves.iter().filter(|(values, _)| key.contains(values)).map(|(_, n)| n).sum()
    };
    let size = size_of(root);
    if size <= 0.0 {
        return Vec::new();
    }
    let kept: Vec<Option<u32>> = (0..dimensions)
        .map(|d| {
            let mut by_value: BTreeMap<u32, f64> = BTreeMap::new();
            for (values, n) in leaves.iter().filter(|(values, _)| root.contains(values)) {
                *by_value.entry(values[d]).or_default() += n;
            }
            by_value.into_iter().find(|(_, n)| *n >= OVERLAP_MIN * size).map(|(value, _)| value)
        })
        .collect();
    let mut found: Vec<(usize, f64, SliceKey, f64)> = Vec::new();
    for subset in subsets.iter().filter(|subset| (1..=ORDER_MAX).contains(&subset.len())) {
        let conditions: Option<Vec<(usize, u32)>> =
            subset.iter().map(|&d| kept[usize::from(d)].map(|v| (usize::from(d), v))).collect();
        let Some(key) = conditions.map(SliceKey::from_conditions).filter(|key| *key != root) else {
            continue;
        };
        let own = size_of(key);
        let shared: f64 = leaves
            .iter()
            .filter(|(values, _)| key.contains(values) && root.contains(values))
            .map(|(_, n)| n)
            .sum();
        let overlap = shared / (size + own - shared);
        if overlap >= OVERLAP_MIN {
            found.push((key.order(), overlap, key, own));
        }
    }
    found.sort_by(|a, b| a.0.cmp(&b.0).then(b.1.total_cmp(&a.1)).then(a.2.cmp(&b.2)));
    let mut listed: Vec<(SliceKey, f64)> = Vec::new();
    for (_, _, key, own) in found {
        let told = |(plain, attempts): &(SliceKey, f64)| {
            *attempts == own && plain.conditions().all(|c| key.conditions().any(|other| other == c))
        };
        if listed.len() < ALIASES_MAX && !listed.iter().chain([&(root, size)]).any(told) {
            listed.push((key, own));
        }
    }
    listed.into_iter().map(|(key, _)| key).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::space::{DIMENSIONS_MAX, Space};
    use proptest::prelude::*;

    fn values(of: [u32; 3]) -> Values {
        let mut values = [0; DIMENSIONS_MAX];
        values[..3].copy_from_slice(&of);
        values
    }

    fn aliases_of(root: &[(usize, u32)], leaves: &[([u32; 3], f64)]) -> Vec<Vec<(usize, u32)>> {
        let space = Space::new(&["gateway", "method", "sub_type"].map(String::from), 100);
        let cells: Vec<(Values, f64)> = leaves.iter().map(|(v, n)| (values(*v), *n)).collect();
        let cells: Vec<(&Values, f64)> = cells.iter().map(|(v, n)| (v, *n)).collect();
        let root = SliceKey::from_conditions(root.iter().copied());
        aliases(root, &cells, space.subsets(), 3)
            .into_iter()
            .map(|key| key.conditions().collect())
            .collect()
    }

    #[test]
    fn a_sub_type_that_one_gateway_carries_has_two_names_and_not_four() {
        // 97 % of sub type 7 goes through gateway 1; method 5 is all there is of sub type 7.
        let leaves =
            [([1, 5, 7], 970.0), ([2, 5, 7], 30.0), ([1, 5, 8], 5_000.0), ([2, 6, 9], 4_000.0)];
        assert_eq!(aliases_of(&[(2, 7)], &leaves), vec![vec![(0, 1), (2, 7)]]);
        assert_eq!(aliases_of(&[(0, 1), (2, 7)], &leaves), vec![vec![(2, 7)]]);
    }

    #[test]
    fn a_slice_that_another_overlaps_too_little_has_one_name() {
        let leaves = [([1, 5, 7], 900.0), ([2, 5, 7], 100.0), ([1, 6, 8], 500.0)];
        assert!(aliases_of(&[(2, 7)], &leaves).iter().all(|alias| !alias.contains(&(0, 1))));
        assert!(aliases_of(&[(1, 99)], &leaves).is_empty());
    }

    proptest! {
        #[test]
        fn every_alias_overlaps_enough_and_aliases_are_mutual(
            counts in prop::collection::vec((0_u32..3, 0_u32..3, 0_u32..3, 1_u32..2_000), 1..12),
            gateway in 0_u32..3,
        ) {
            let leaves: Vec<([u32; 3], f64)> =
                counts.iter().map(|&(a, b, c, n)| ([a, b, c], f64::from(n))).collect();
            let root = vec![(0, gateway)];
            let sum = |test: &dyn Fn(&[u32; 3]) -> bool| -> f64 {
                leaves.iter().filter(|(v, _)| test(v)).map(|(_, n)| n).sum()
            };
            let inside = |slice: &[(usize, u32)], v: &[u32; 3]| slice.iter().all(|&(d, x)| v[d] == x);
            let found = aliases_of(&root, &leaves);
            prop_assert!(found.len() <= ALIASES_MAX);
            prop_assert!(found.is_sorted_by_key(Vec::len));
            for alias in found {
                let both = sum(&|v| inside(&root, v) && inside(&alias, v));
                let either = sum(&|v| inside(&root, v) || inside(&alias, v));
                prop_assert!(both >= OVERLAP_MIN * either, "{alias:?}");
                if alias.len() == 1 {
                    prop_assert!(aliases_of(&alias, &leaves).contains(&root), "{alias:?}");
                }
            }
        }
    }
}
