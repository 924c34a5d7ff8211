//! What the payments of a slice would expect at another value of one of its dimensions, by the baseline.
//!
//! The slice's own mix of issuers and merchants counts, cell by cell with that one value replaced: another mix is no other rate.
//! Cost: leaves of the slice times values, one look-up each where the replaced cell has traffic, one per subset of dimensions
//! where it hasn't.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Slice;
use crate::across::with;
use crate::analyst::Analyst;
use crate::logistic::shift;
use crate::space::{SliceKey, Values};

/// Leaves of a slice whose mix is looked at, most traffic first: what is left out is thin.
const MIX_MAX: usize = 512;
/// Dimensions that say who may use a value at all (contracts are made by merchant and method).
const CONTRACT: [&str; 2] = ["merchant_id", "method"];

/// What a slice's mix of payments would meet at one value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Prospect {
    /// The value.
    pub value: String,
    /// Success rate that the baseline expects of the slice's mix here.
    pub baseline_rate: f64,
    /// Share of the slice's attempts whose merchant and method are seen with this value.
    pub open_to: f64,
}

impl Analyst {
    /// What the slice's mix of payments would meet at these values of a dimension: the costly half, which moves no faster than
    /// the season; values that are unknown are left out.
    pub fn prospects<'a>(
        &self,
        slice: &Slice,
        dimension: &str,
        values: impl IntoIterator<Item = &'a str>,
    ) -> Vec<Prospect> {
        let Some(d) = self.space.dimensions().iter().position(|name| name == dimension) else {
            return Vec::new();
        };
        let Some(key) = self.key_of(slice) else { return Vec::new() };
        let context = SliceKey::from_conditions(key.conditions().filter(|(at, _)| *at != d));
        let mix = self.mix(key);
        values
            .into_iter()
            .filter_map(|name| {
                let value = self.space.find(d, name)?;
                let (rate, open_to) = self.mix_at(&mix, d, value);
                let watch = self.watches.get(with(context, d, value));
                let baseline_rate = watch.map_or(rate, |watch| shift(rate, watch.bias));
                Some(Prospect { value: name.to_owned(), baseline_rate, open_to })
            })
            .collect()
    }

    /// The slice's leaves with their usual traffic.
    fn mix(&self, key: SliceKey) -> Vec<(Values, f64)> {
        let mut mix: Vec<(Values, f64)> = self
            .cells
            .live()
            .map(|leaf| &self.cells.leaves[leaf as usize])
            .filter(|leaf| key.contains(&leaf.values))
            .map(|leaf| (leaf.values, leaf.rate + 1e-9 * (1.0 + leaf.past.n)))
            .collect();
        mix.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        mix.truncate(MIX_MAX);
        mix
    }

    /// Expected success rate of a mix with one value replaced, and the share of it that is open to that value.
    fn mix_at(&self, mix: &[(Values, f64)], d: usize, value: u32) -> (f64, f64) {
        let contract: Vec<usize> = CONTRACT
            .iter()
            .filter_map(|name| self.space.dimensions().iter().position(|known| known == name))
            .collect();
        let mut seen: BTreeMap<Vec<u32>, bool> = BTreeMap::new();
        let (mut rate, mut open, mut all) = (0.0, 0.0, 0.0);
        let (mut open_rate, mut any) = (0.0, 0.0);
        for (values, weight) in mix {
            let mut there = *values;
            there[d] = value;
            let p = self.expected_at(&there);
            let who: Vec<u32> = contract.iter().map(|&d| values[d]).collect();
            let is_open = *seen.entry(who.clone()).or_insert_with(|| {
                let mut conditions: Vec<(usize, u32)> =
                    contract.iter().copied().zip(who).chain([(d, value)]).collect();
                conditions.sort_unstable();
                self.cells.find(SliceKey::from_conditions(conditions)).is_some_and(|s| s.users > 0)
            });
            rate += weight * p;
            all += weight;
            if is_open {
                open += weight;
                open_rate += weight * p;
                any += weight;
            }
        }
        if all <= 0.0 {
            return (0.5, 0.0);
        }
        // Those who can't go there say nothing about what those who can would meet.
        (if any > 0.0 { open_rate / any } else { rate / all }, open / all)
    }

    /// Expected success rate of a combination, whether it has traffic or not.
    fn expected_at(&self, values: &Values) -> f64 {
        if let Some(leaf) = self.cells.known(values) {
            return f64::from(self.cells.expected[leaf as usize]);
        }
        let base = self
            .space
            .subsets()
            .iter()
            .filter_map(|subset| self.cells.find(SliceKey::of(values, subset)))
            .map(|slice| slice.effect)
            .sum();
        self.baseline.expected_of(base, values)
    }
}
