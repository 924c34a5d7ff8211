//! The space of slices: dimensions, their bounded dictionaries, and conjunctions of up to three.
//!
//! Names from outside become small integers once, at the door; everything behind it counts with
//! integers. A dictionary is bounded: past `values_per_dimension_max` live values a newcomer counts
//! as `__other__` until a value that no cell uses any more gives up its number.

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use crate::Slice;

/// At most this many dimensions are configured (CONTRACT 3).
pub const DIMENSIONS_MAX: usize = 8;
/// Conjunctions name at most this many attributes.
pub const ORDER_MAX: usize = 3;
/// Number of the value of an absent dimension.
pub const NONE: u32 = 0;
/// Number of the value past the cap.
pub const OTHER: u32 = 1;

/// The value numbers of one cell, one per configured dimension; unused places hold [`NONE`].
pub type Values = [u32; DIMENSIONS_MAX];

/// The values of one dimension and their numbers.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Dictionary {
    values: Vec<Option<Box<str>>>,
    users: Vec<u32>,
    index: FxHashMap<Box<str>, u32>,
    free: Vec<u32>,
    cap: usize,
}

impl Dictionary {
    fn new(cap: usize) -> Self {
        let mut dictionary = Self {
            values: Vec::new(),
            users: Vec::new(),
            index: FxHashMap::default(),
            free: Vec::new(),
            cap: cap.clamp(2, 1 << 20) + 2,
        };
        for (name, number) in [(payments::NONE, NONE), (payments::OTHER, OTHER)] {
            dictionary.values.push(Some(name.into()));
            dictionary.users.push(1);
            dictionary.index.insert(name.into(), number);
        }
        dictionary
    }

    fn find(&self, value: &str) -> Option<u32> {
        self.index.get(value).copied()
    }

    fn number(&mut self, value: &str) -> u32 {
        if let Some(&number) = self.index.get(value) {
            return number;
        }
        let number = match self.free.pop() {
            Some(number) => number,
            None if self.values.len() < self.cap => {
                self.values.push(None);
                self.users.push(0);
                (self.values.len() - 1) as u32
            }
            None => return OTHER,
        };
        self.values[number as usize] = Some(value.into());
        self.index.insert(value.into(), number);
        number
    }
}

/// The configured dimensions with their dictionaries and subsets.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Space {
    dimensions: Vec<String>,
    dictionaries: Vec<Dictionary>,
    subsets: Vec<Vec<u8>>,
}

impl Space {
    /// The space of these dimensions; at most [`DIMENSIONS_MAX`] count.
    pub fn new(dimensions: &[String], values_max: usize) -> Self {
        let dimensions: Vec<String> = dimensions.iter().take(DIMENSIONS_MAX).cloned().collect();
        let subsets = subsets(dimensions.len());
        let dictionaries = dimensions.iter().map(|_| Dictionary::new(values_max)).collect();
        Self { dimensions, dictionaries, subsets }
    }

    /// Dimension names in configured order.
    pub fn dimensions(&self) -> &[String] {
        &self.dimensions
    }

    /// Every subset of dimensions up to order three; the first is the empty one.
    pub fn subsets(&self) -> &[Vec<u8>] {
        &self.subsets
    }

    /// The number of a value, given out if it is new and there is room.
    pub fn number(&mut self, dimension: usize, value: &str) -> u32 {
        self.dictionaries[dimension].number(value)
    }

    /// The number of a value that is known.
    pub fn find(&self, dimension: usize, value: &str) -> Option<u32> {
        self.dictionaries.get(dimension)?.find(value)
    }

    /// The name behind a number.
    pub fn name(&self, dimension: usize, number: u32) -> &str {
        self.dictionaries[dimension]
            .values
            .get(number as usize)
            .and_then(|value| value.as_deref())
            .unwrap_or(payments::OTHER)
    }

    /// How many values a dimension holds.
    pub fn values_len(&self, dimension: usize) -> usize {
        self.dictionaries[dimension].values.len()
    }

    /// A cell starts to use its values.
    pub fn retain(&mut self, values: &Values) {
        for (dictionary, &number) in self.dictionaries.iter_mut().zip(values) {
            dictionary.users[number as usize] += 1;
        }
    }

    /// A cell is gone; values that nobody uses give up their number.
    pub fn release(&mut self, values: &Values) {
        for (dictionary, &number) in self.dictionaries.iter_mut().zip(values) {
            let users = &mut dictionary.users[number as usize];
            *users -= 1;
            if *users == 0
                && let Some(name) = dictionary.values[number as usize].take()
            {
                dictionary.index.remove(&name);
                dictionary.free.push(number);
            }
        }
    }

    /// A key as names.
    pub fn slice(&self, key: SliceKey) -> Slice {
        Slice::new(
            key.conditions().map(|(d, v)| (self.dimensions[d].clone(), self.name(d, v).to_owned())),
        )
    }
}

fn subsets(dimensions: usize) -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = (0_u32..1 << dimensions)
        .filter(|mask| mask.count_ones() as usize <= ORDER_MAX)
        .map(|mask| (0..dimensions as u8).filter(|d| mask >> d & 1 == 1).collect())
        .collect();
    all.sort_by(|a: &Vec<u8>, b| (a.len(), a).cmp(&(b.len(), b)));
    all
}

/// A conjunction of up to three conditions: 8 bits of dimension + 1 and 24 bits of value each, in
/// order of dimension. Zero is all traffic.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct SliceKey(u128);

impl SliceKey {
    /// All traffic.
    pub const ALL: Self = Self(0);

    /// The slice of a cell in a subset of dimensions.
    pub fn of(values: &Values, subset: &[u8]) -> Self {
        Self::from_conditions(subset.iter().map(|&d| (usize::from(d), values[usize::from(d)])))
    }

    /// From conditions in order of dimension.
    pub fn from_conditions(conditions: impl IntoIterator<Item = (usize, u32)>) -> Self {
        let mut key = 0_u128;
        for (place, (dimension, value)) in conditions.into_iter().enumerate() {
            let part = (dimension as u128 + 1) << 24 | u128::from(value & 0xff_ffff);
            key |= part << (32 * place);
        }
        Self(key)
    }

    /// The conditions, in order of dimension.
    pub fn conditions(self) -> impl Iterator<Item = (usize, u32)> {
        (0..ORDER_MAX).filter_map(move |place| {
            let part = (self.0 >> (32 * place)) as u32;
            let dimension = (part >> 24) as usize;
            (dimension > 0).then(|| (dimension - 1, part & 0xff_ffff))
        })
    }

    /// How many attributes it names.
    pub fn order(self) -> usize {
        self.conditions().count()
    }

    /// Whether a cell lies inside.
    pub fn contains(self, values: &Values) -> bool {
        self.conditions().all(|(d, v)| values[d] == v)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn six_dimensions_have_41_subsets_and_the_root() {
        assert_eq!(subsets(6).len(), 42);
        assert_eq!(subsets(5).len(), 26);
    }

    #[test]
    fn keys_give_back_their_conditions() {
        let values = [7, 8, 9, 10, 0, 0, 0, 0];
        let key = SliceKey::of(&values, &[1, 3]);
        assert_eq!(key.conditions().collect::<Vec<_>>(), vec![(1, 8), (3, 10)]);
        assert!(key.contains(&values));
        assert!(!key.contains(&[7, 8, 9, 11, 0, 0, 0, 0]));
        assert_eq!(SliceKey::ALL.order(), 0);
    }

    #[test]
    fn a_full_dictionary_says_other_until_a_value_is_free() {
        let mut space = Space::new(&["gateway".to_owned()], 2);
        let cell = |space: &mut Space, name: &str| {
            let mut values = [NONE; DIMENSIONS_MAX];
            values[0] = space.number(0, name);
            space.retain(&values);
            values
        };
        let a = cell(&mut space, "a");
        cell(&mut space, "b");
        assert_eq!(space.number(0, "c"), OTHER);
        space.release(&a);
        assert_ne!(space.number(0, "c"), OTHER);
    }
}
