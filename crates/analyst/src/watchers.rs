//! Which watches each leaf adds to, one leaf after the other in one list.
//!
//! Every leaf of every tick asks for its watches: a list of lists costs a look-up in memory more each time. The list is made anew
//! whenever it is chosen what is watched; leaves that come in between are added at its end.

use serde::{Deserialize, Serialize};

/// The watches of all leaves.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Watchers {
    /// Per leaf: where its watches begin and end.
    spans: Vec<(u32, u32)>,
    watches: Vec<u32>,
}

impl Watchers {
    /// The watches of a leaf.
    #[inline]
    pub fn of(&self, leaf: u32) -> &[u32] {
        let (from, to) = self.spans[leaf as usize];
        &self.watches[from as usize..to as usize]
    }

    /// Sets the watches of a leaf.
    pub fn set(&mut self, leaf: u32, watches: impl Iterator<Item = u32>) {
        let place = leaf as usize;
        if place >= self.spans.len() {
            self.spans.resize(place + 1, (0, 0));
        }
        let from = self.watches.len() as u32;
        self.watches.extend(watches);
        self.spans[place] = (from, self.watches.len() as u32);
    }

    /// A leaf has none any more.
    pub fn clear(&mut self, leaf: u32) {
        self.spans[leaf as usize] = (0, 0);
    }

    /// None of them has any: what follows sets all anew.
    pub fn clear_all(&mut self) {
        self.spans.fill((0, 0));
        self.watches.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_leaf_has_what_was_last_set() {
        let mut watchers = Watchers::default();
        watchers.set(0, [1, 2].into_iter());
        watchers.set(2, [3].into_iter());
        watchers.set(0, [4].into_iter());
        assert_eq!([0, 1, 2].map(|leaf| watchers.of(leaf).to_vec()), [vec![4], vec![], vec![3]]);
        watchers.clear(0);
        assert!(watchers.of(0).is_empty() && watchers.of(2) == [3]);
        watchers.clear_all();
        watchers.set(1, [5, 6].into_iter());
        assert_eq!([0, 1, 2].map(|leaf| watchers.of(leaf).len()), [0, 2, 0]);
    }
}
