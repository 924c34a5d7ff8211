//! What was asked for, per leaf and currency, while a pane is being filled.
//!
//! A leaf nearly always has one currency, so the first has its place in a table by leaf; others go to an
//! ordered map beside it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Attempts of one leaf in one currency and what they asked for, minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sums {
    /// Attempts with an outcome.
    pub n: f64,
    /// Approvals.
    pub k: f64,
    /// Approvals expected.
    pub e: f64,
    /// Asked for.
    pub asked: f64,
    /// Sum of squares of what was asked for.
    pub squares: f64,
}

impl Sums {
    /// Adds another.
    pub fn add(&mut self, other: &Self) {
        self.n += other.n;
        self.k += other.k;
        self.e += other.e;
        self.asked += other.asked;
        self.squares += other.squares;
    }
}

/// Sums by leaf and currency.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Purse {
    /// Per leaf its first currency; a leaf without any has no attempts.
    first: Vec<(u16, Sums)>,
    touched: Vec<u32>,
    others: BTreeMap<(u32, u16), Sums>,
}

impl Purse {
    /// Adds to a leaf and currency; `sums` holds at least one attempt.
    #[inline]
    pub fn add(&mut self, leaf: u32, currency: u16, sums: &Sums) {
        let place = leaf as usize;
        if place >= self.first.len() {
            self.first.resize(place + 1, Default::default());
        }
        let (known, first) = &mut self.first[place];
        if first.n == 0.0 {
            *known = currency;
            self.touched.push(leaf);
        }
        if *known == currency {
            first.add(sums);
        } else {
            self.others.entry((leaf, currency)).or_default().add(sums);
        }
    }

    /// All of them, ascending.
    pub fn sorted(&self) -> Vec<((u32, u16), Sums)> {
        let first = self.touched.iter().map(|&leaf| {
            let (currency, sums) = self.first[leaf as usize];
            ((leaf, currency), sums)
        });
        let others = self.others.iter().map(|(key, sums)| (*key, *sums));
        let mut all: Vec<_> = first.chain(others).collect();
        all.sort_unstable_by_key(|(key, _)| *key);
        all
    }

    /// Empty again.
    pub fn clear(&mut self) {
        for leaf in self.touched.drain(..) {
            self.first[leaf as usize] = Default::default();
        }
        self.others.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn agrees_with_an_ordered_map(entries in prop::collection::vec((0_u32..9, 0_u16..3, 1_u8..9), 0..60)) {
            let mut purse = Purse::default();
            for _ in 0..2 {
                let mut reference: BTreeMap<(u32, u16), Sums> = BTreeMap::new();
                for &(leaf, currency, n) in &entries {
                    let n = f64::from(n);
                    let sums = Sums { n, k: n - 1.0, e: 0.7 * n, asked: 100.0 * n, squares: 1e4 * n };
                    purse.add(leaf, currency, &sums);
                    reference.entry((leaf, currency)).or_default().add(&sums);
                }
                prop_assert_eq!(purse.sorted(), reference.into_iter().collect::<Vec<_>>());
                purse.clear();
            }
        }
    }
}
