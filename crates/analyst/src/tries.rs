//! Attempts per payment: how often what failed is tried again.
//!
//! A payment's first attempt has number 1, so attempts over first attempts is the mean number of tries, of any slice of the rolling
//! window and without remembering a payment. What is usual is the same ratio over all traffic that no incident holds, with a
//! half-life of a day. Feeds that don't number attempts say 1 of all: nothing is said of retries until a number above 1 was seen.

use serde::{Deserialize, Serialize};

use crate::Slice;
use crate::analyst::Analyst;
use crate::diagnose::Retries;
use crate::space::SliceKey;
use crate::tape::Outcome;

/// First attempts from which on a ratio is a ratio.
const FIRSTS_MIN: f64 = 20.0;
const HALF_LIFE_MS: f64 = 86_400_000.0;

/// Which try an attempt was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Try {
    /// Counted elsewhere, without numbers.
    Unnumbered,
    /// The first.
    First,
    /// A later one.
    Again,
}

impl Try {
    /// By the attempt's number.
    #[inline]
    pub fn of(number: u32) -> Self {
        if number <= 1 { Self::First } else { Self::Again }
    }
}

/// Tries of undisturbed traffic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Usual {
    first: f64,
    again: f64,
}

impl Usual {
    /// Counts attempts.
    #[inline]
    pub fn add(&mut self, which: Try, count: f64) {
        match which {
            Try::Unnumbered => {}
            Try::First => self.first += count,
            Try::Again => self.again += count,
        }
    }

    /// Lets what is old count less.
    pub fn pass(&mut self, ms: i64) {
        let keep = libm::exp2(-(ms as f64) / HALF_LIFE_MS);
        self.first *= keep;
        self.again *= keep;
    }

    /// Attempts per payment, once retries have been seen.
    fn per_payment(&self) -> Option<f64> {
        (self.first >= FIRSTS_MIN && self.again > 0.0).then(|| 1.0 + self.again / self.first)
    }
}

impl Analyst {
    /// Attempts per payment of a slice in the rolling window; none where attempts aren't numbered or too few.
    pub fn attempts_per_payment(&self, slice: &Slice) -> Option<f64> {
        Some(self.retries(self.key_of(slice)?, i64::MIN)?.per_payment)
    }

    /// Tries of a slice in the part of the newest ticks that begins after an instant.
    pub(crate) fn retries(&self, key: SliceKey, since_ms: i64) -> Option<Retries> {
        let expected = self.tries.per_payment()?;
        let (mut first, mut again) = (0.0, 0.0);
        let (mut decided, mut approved, mut owed) = (0.0, 0.0, 0.0);
        let tick_ms = self.settings.tick_ms;
        let ticks = self.lately().filter(|tick| tick.number * tick_ms >= since_ms);
        for row in ticks.flat_map(|tick| &tick.rows) {
            if !key.contains(&self.cells.leaves[row.leaf as usize].values) {
                continue;
            }
            let count = f64::from(row.count);
            match row.number {
                Try::Unnumbered => {}
                Try::Again => again += count,
                Try::First => {
                    first += count;
                    if row.outcome != Outcome::Open {
                        decided += count;
                        owed += count * f64::from(self.cells.expected[row.leaf as usize]);
                    }
                    if row.outcome == Outcome::Approved {
                        approved += count;
                    }
                }
            }
        }
        if decided < FIRSTS_MIN {
            return None;
        }
        Some(Retries {
            per_payment: 1.0 + again / first,
            expected,
            first_attempt_rates: Some((approved / decided, owed / decided)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_said_before_a_retry_was_seen() {
        let mut usual = Usual::default();
        usual.add(Try::First, 100.0);
        usual.add(Try::Unnumbered, 100.0);
        assert_eq!(usual.per_payment(), None);
        usual.add(Try::of(2), 25.0);
        assert_eq!(usual.per_payment(), Some(1.25));
    }

    #[test]
    fn the_past_fades_and_the_ratio_stays() {
        let mut usual = Usual::default();
        usual.add(Try::First, 100.0);
        usual.add(Try::Again, 50.0);
        usual.pass(86_400_000);
        assert_eq!(usual, Usual { first: 50.0, again: 25.0 });
        assert_eq!(usual.per_payment(), Some(1.5));
    }
}
