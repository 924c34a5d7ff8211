//! Exact counts over the last so many ticks.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// The sum of `K` counters over a window of ticks. Only ticks that hold something take memory.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound(serialize = "[u32; K]: Serialize", deserialize = "[u32; K]: Deserialize<'de>"))]
pub struct RollingCounts<const K: usize> {
    ticks: VecDeque<(i64, [u32; K])>,
}

impl<const K: usize> RollingCounts<K> {
    /// Adds to a tick, the newest or one before it.
    pub fn add(&mut self, tick: i64, counts: [u32; K]) {
        let position = self.ticks.partition_point(|(at, _)| *at < tick);
        match self.ticks.get_mut(position) {
            Some((at, held)) if *at == tick => {
                for (held, count) in held.iter_mut().zip(counts) {
                    *held = held.saturating_add(count);
                }
            }
            _ => self.ticks.insert(position, (tick, counts)),
        }
    }

    /// Forgets ticks before `first`.
    pub fn expire(&mut self, first: i64) {
        while self.ticks.front().is_some_and(|(tick, _)| *tick < first) {
            self.ticks.pop_front();
        }
    }

    /// The sums over what is held.
    pub fn sums(&self) -> [u64; K] {
        let mut sums = [0; K];
        for (_, counts) in &self.ticks {
            for (sum, count) in sums.iter_mut().zip(counts) {
                *sum += u64::from(*count);
            }
        }
        sums
    }

    /// Whether nothing is held.
    pub fn is_empty(&self) -> bool {
        self.ticks.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn sums_are_those_of_the_window(
            events in prop::collection::vec((0_i64..100, 0_u32..5), 0..200), first in 0_i64..100,
        ) {
            let mut rolling = RollingCounts::<1>::default();
            for (tick, count) in &events { rolling.add(*tick, [*count]); }
            rolling.expire(first);
            let want: u64 =
                events.iter().filter(|(tick, _)| *tick >= first).map(|(_, c)| u64::from(*c)).sum();
            prop_assert_eq!(rolling.sums(), [want]);
        }
    }
}
