//! The cube's atoms: leaf cells, and the slices they add up to.
//!
//! A leaf is one combination of all configured dimensions. An attempt is counted in one leaf;
//! slices (all conjunctions up to three) are sums of leaves, formed once per tick. So the work per
//! attempt is constant, and the expectation of a slice is the sum of its cells' expectations: a mix
//! shift moves it as it moves the traffic, and is no degradation.
//!
//! Bounded: at most [`LEAVES_MAX`] leaves. When they are used up, a new combination falls back to a
//! coarser one, its most diverse dimension becoming `__other__` first; leaves that stay idle give
//! up their place.

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use crate::lanes::{CLASSES, Lanes, Line};
use crate::space::{DIMENSIONS_MAX, NONE, OTHER, SliceKey, Space, Values};
use crate::watchers::Watchers;

/// Leaves kept; at 2 KB each with their slices and history this is the memory bound.
pub const LEAVES_MAX: usize = 24_576;
/// No watch, no slice, no owner.
pub const NOBODY: u32 = u32::MAX;

/// What a leaf's past says.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Past {
    /// Attempts with an outcome, decayed.
    pub n: f64,
    /// Approvals.
    pub k: f64,
    /// Sum over attempts of the season's offset, so that season is not learnt twice.
    pub offset: f64,
    /// Failures per cause class.
    pub classes: [f64; CLASSES],
}

/// A leaf cell. Laid out as written: what each tick asks for comes first, in one cache line.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[repr(C, align(64))]
pub struct Leaf {
    /// Attempts since the average was last formed.
    pub recent: f64,
    /// Last tick with an attempt.
    pub seen: i64,
    /// Which incident holds it, per masked signal (success, latency, error mix).
    pub owner: [u32; 3],
    /// Latency group.
    pub group: u16,
    /// Whether the place is taken.
    pub live: bool,
    /// Its combination.
    pub values: Values,
    /// Log-odds of approval without season.
    pub base: f64,
    /// Attempts per tick, averaged over about an hour.
    pub rate: f64,
    /// Its past.
    pub past: Past,
}

/// A slice that has traffic.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct SliceEntry {
    /// Which.
    pub key: SliceKey,
    /// Leaves inside.
    pub users: u32,
    /// Its effect in log-odds, beyond those of the slices that contain it.
    pub effect: f64,
    /// Attempts per tick.
    pub rate: f64,
    /// Its watch, or [`NOBODY`].
    pub watch: u32,
}

/// All leaves and slices.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Cells {
    /// Leaves by number.
    pub leaves: Vec<Leaf>,
    /// Expected success rate of each leaf, now.
    pub expected: Vec<f32>,
    /// Watches that a leaf adds to.
    pub watchers: Watchers,
    /// Slice numbers of each leaf, one per subset, flat.
    slots: Vec<u32>,
    stride: usize,
    index: FxHashMap<Values, u32>,
    free: Vec<u32>,
    /// Slices by number.
    pub slices: Vec<SliceEntry>,
    slice_index: FxHashMap<SliceKey, u32>,
    slice_free: Vec<u32>,
}

impl Cells {
    /// None yet but the coarsest leaf, which is always there to fall back to.
    pub fn new(space: &mut Space) -> Self {
        let mut cells = Self {
            leaves: Vec::new(),
            expected: Vec::new(),
            watchers: Watchers::default(),
            slots: Vec::new(),
            stride: space.subsets().len(),
            index: FxHashMap::default(),
            free: Vec::new(),
            slices: Vec::new(),
            slice_index: FxHashMap::default(),
            slice_free: Vec::new(),
        };
        let mut coarsest = [NONE; DIMENSIONS_MAX];
        coarsest[..space.dimensions().len()].fill(OTHER);
        cells.create(coarsest, space);
        cells
    }

    /// The leaf of a combination; new ones are made while there is room. The flag says it is new.
    pub fn leaf(&mut self, values: &Values, space: &mut Space) -> (u32, bool) {
        if let Some(&leaf) = self.index.get(values) {
            return (leaf, false);
        }
        if self.leaves.len() - self.free.len() < LEAVES_MAX {
            return (self.create(*values, space), true);
        }
        (self.coarser(*values, space), false)
    }

    /// The leaf of a combination, if it has one.
    pub fn known(&self, values: &Values) -> Option<u32> {
        self.index.get(values).copied()
    }

    fn coarser(&self, mut values: Values, space: &Space) -> u32 {
        let mut order: Vec<usize> = (0..space.dimensions().len()).collect();
        order.sort_by_key(|&d| std::cmp::Reverse(space.values_len(d)));
        for dimension in order {
            values[dimension] = OTHER;
            if let Some(&leaf) = self.index.get(&values) {
                return leaf;
            }
        }
        0
    }

    fn create(&mut self, values: Values, space: &mut Space) -> u32 {
        space.retain(&values);
        let leaf = Leaf {
            values,
            live: true,
            base: 0.0,
            past: Past::default(),
            rate: 0.0,
            recent: 0.0,
            seen: 0,
            group: 0,
            owner: [NOBODY; 3],
        };
        let number = self.free.pop().unwrap_or(self.leaves.len() as u32);
        let place = number as usize;
        if place == self.leaves.len() {
            self.leaves.push(leaf);
            self.expected.push(0.5);
            self.slots.extend(std::iter::repeat_n(NOBODY, self.stride));
        } else {
            self.leaves[place] = leaf;
            self.expected[place] = 0.5;
        }
        self.index.insert(values, number);
        let mut base = 0.0;
        for (i, subset) in space.subsets().iter().enumerate() {
            let slice = self.slice(SliceKey::of(&values, subset));
            self.slots[place * self.stride + i] = slice;
            let entry = &mut self.slices[slice as usize];
            entry.users += 1;
            base += entry.effect;
        }
        self.leaves[place].base = base;
        self.link(number);
        number
    }

    fn slice(&mut self, key: SliceKey) -> u32 {
        if let Some(&number) = self.slice_index.get(&key) {
            return number;
        }
        let entry = SliceEntry { key, users: 0, effect: 0.0, rate: 0.0, watch: NOBODY };
        let number = match self.slice_free.pop() {
            Some(number) => {
                self.slices[number as usize] = entry;
                number
            }
            None => {
                self.slices.push(entry);
                (self.slices.len() - 1) as u32
            }
        };
        self.slice_index.insert(key, number);
        number
    }

    /// The slice numbers of a leaf, in the order of the space's subsets.
    pub fn slots(&self, leaf: u32) -> &[u32] {
        let from = leaf as usize * self.stride;
        &self.slots[from..from + self.stride]
    }

    /// A slice that has traffic.
    pub fn find(&self, key: SliceKey) -> Option<&SliceEntry> {
        self.slice_index.get(&key).map(|&number| &self.slices[number as usize])
    }

    /// Drops a leaf; returns the watches whose slices went with it.
    pub fn drop_leaf(&mut self, leaf: u32, space: &mut Space) -> Vec<u32> {
        let place = leaf as usize;
        let values = self.leaves[place].values;
        self.index.remove(&values);
        self.leaves[place].live = false;
        self.watchers.clear(leaf);
        self.free.push(leaf);
        space.release(&values);
        let mut orphans = Vec::new();
        for i in 0..self.stride {
            let slice = self.slots[place * self.stride + i];
            let entry = &mut self.slices[slice as usize];
            entry.users -= 1;
            if entry.users == 0 {
                self.slice_index.remove(&entry.key);
                self.slice_free.push(slice);
                if entry.watch != NOBODY {
                    orphans.push(entry.watch);
                    entry.watch = NOBODY;
                }
            }
        }
        orphans
    }

    /// Slices in use.
    pub fn slices_len(&self) -> usize {
        self.slices.len() - self.slice_free.len()
    }

    /// Leaves in use.
    pub fn live_len(&self) -> usize {
        self.leaves.len() - self.free.len()
    }

    /// Numbers of the leaves in use, ascending.
    pub fn live(&self) -> impl Iterator<Item = u32> {
        (0..self.leaves.len() as u32).filter(|&leaf| self.leaves[leaf as usize].live)
    }

    /// Lists again which watches each leaf adds to.
    pub fn link_watches(&mut self) {
        self.watchers.clear_all();
        for leaf in 0..self.leaves.len() as u32 {
            if self.leaves[leaf as usize].live {
                self.link(leaf);
            }
        }
    }

    fn link(&mut self, leaf: u32) {
        let from = leaf as usize * self.stride;
        let slots = &self.slots[from..from + self.stride];
        let watches = slots.iter().map(|&slice| self.slices[slice as usize].watch);
        self.watchers.set(leaf, watches.filter(|&watch| watch != NOBODY));
    }
}

/// The sums of one tick, per leaf.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Scratch {
    sums: Vec<Line>,
    /// Leaves with attempts, each once.
    pub touched: Vec<u32>,
    known: Vec<bool>,
}

impl Scratch {
    /// The sums of a leaf, to add to.
    #[inline]
    pub fn at(&mut self, leaf: u32) -> &mut Lanes {
        let place = leaf as usize;
        if place >= self.sums.len() {
            self.sums.resize(place + 1, Line::default());
            self.known.resize(place + 1, false);
        }
        if !self.known[place] {
            self.known[place] = true;
            self.touched.push(leaf);
        }
        &mut self.sums[place].0
    }

    /// The sums of a leaf.
    #[inline]
    pub fn get(&self, leaf: u32) -> &Lanes {
        &self.sums[leaf as usize].0
    }

    /// Lists the touched leaves by number: who reads them often then needn't sort them each time.
    pub fn order(&mut self) {
        self.touched.sort_unstable();
    }

    /// The touched leaves by number, with their sums.
    pub fn in_order(&self) -> Vec<(u32, Lanes)> {
        let mut touched = self.touched.clone();
        touched.sort_unstable();
        touched.into_iter().map(|leaf| (leaf, *self.get(leaf))).collect()
    }

    /// Empty again.
    pub fn clear(&mut self) {
        for leaf in self.touched.drain(..) {
            self.sums[leaf as usize] = Line::default();
            self.known[leaf as usize] = false;
        }
    }
}
