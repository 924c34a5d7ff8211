//! Duplicate attempts, in bounded memory.
//!
//! Ids are kept as 64-bit fingerprints: SipHash-1-3 (Aumasson and Bernstein 2012) under a key from the seed, so that
//! nobody can craft ids that collide. With m fingerprints held, a new id is taken for a duplicate with odds m / 2^64: at ten
//! million held that is 5e-13, one attempt in two trillion lost from the counts. 128 bits would double the memory for nothing.
//!
//! Two generations by event time: an id is remembered for at least the horizon and at most twice it, or until
//! a generation is full; how often memory and not time made it forget is counted. Turning a generation over is
//! O(1) amortised and depends on event time and ids alone.

use super::fingerprints::Fingerprints;
use serde::{Deserialize, Serialize};
use siphasher::sip::SipHasher13;
use std::hash::Hasher;

/// What is known of an attempt's outcome, as far as it may still change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Not known yet; counts in volume only.
    Unknown,
    /// A failure for rates, not known for money.
    Timeout,
    /// Will not change.
    Final,
}

/// What the filter makes of an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// The first time: count it.
    New,
    /// A stored unknown or timeout now has its final status: move the count from what it was.
    Updated {
        /// What it was counted as.
        previous: Outcome,
    },
    /// Anything else: count it as duplicate only.
    Duplicate,
}

/// Fingerprint of an id under the seed.
pub fn fingerprint(seed: u64, id: &str) -> u64 {
    fingerprint_of_bytes(seed, id.as_bytes())
}

/// Fingerprint of any bytes under the seed.
pub fn fingerprint_of_bytes(seed: u64, bytes: &[u8]) -> u64 {
    let mut hasher = SipHasher13::new_with_keys(seed, 0x706f_696e_7473_6d61);
    hasher.write(bytes);
    hasher.finish()
}

/// Remembers ids for a horizon of event time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(into = "Stored", from = "Stored")]
pub struct Duplicates {
    horizon_ms: i64,
    ids_max: usize,
    turned_at_ms: Option<i64>,
    current: Fingerprints,
    previous: Fingerprints,
    forgotten_early: u64,
}

/// A snapshot, in an order that is the same for the same content.
#[derive(Serialize, Deserialize)]
struct Stored {
    horizon_ms: i64,
    ids_max: usize,
    turned_at_ms: Option<i64>,
    current: Vec<(u64, Outcome)>,
    previous: Vec<(u64, Outcome)>,
    forgotten_early: u64,
}

impl From<Duplicates> for Stored {
    fn from(filter: Duplicates) -> Self {
        Self {
            horizon_ms: filter.horizon_ms,
            ids_max: filter.ids_max,
            turned_at_ms: filter.turned_at_ms,
            current: filter.current.sorted(),
            previous: filter.previous.sorted(),
            forgotten_early: filter.forgotten_early,
        }
    }
}

impl From<Stored> for Duplicates {
    fn from(stored: Stored) -> Self {
        Self {
            horizon_ms: stored.horizon_ms,
            ids_max: stored.ids_max,
            turned_at_ms: stored.turned_at_ms,
            current: stored.current.into_iter().collect(),
            previous: stored.previous.into_iter().collect(),
            forgotten_early: stored.forgotten_early,
        }
    }
}

impl Duplicates {
    /// Remembers at least `horizon_ms`, in at most `ids_max` ids (two generations of half as many).
    pub fn new(horizon_ms: i64, ids_max: usize) -> Self {
        assert!(horizon_ms > 0 && ids_max >= 2);
        Self {
            horizon_ms,
            ids_max,
            turned_at_ms: None,
            current: Fingerprints::default(),
            previous: Fingerprints::default(),
            forgotten_early: 0,
        }
    }

    /// Takes in the fingerprint of an attempt with its event time and outcome.
    ///
    /// ```
    /// use stats::window::{Duplicates, Outcome, Seen};
    /// let mut ids = Duplicates::new(3_600_000, 1_000_000);
    /// assert_eq!(ids.observe(7, 0, Outcome::Timeout), Seen::New);
    /// assert_eq!(ids.observe(7, 9, Outcome::Timeout), Seen::Duplicate);
    /// assert_eq!(ids.observe(7, 9, Outcome::Final), Seen::Updated { previous: Outcome::Timeout });
    /// assert_eq!(ids.observe(7, 9, Outcome::Final), Seen::Duplicate);
    /// ```
    #[inline]
    pub fn observe(&mut self, fingerprint: u64, at_ms: i64, outcome: Outcome) -> Seen {
        self.turn(at_ms);
        // Both generations before the insert: an id may change its status after a turn.
        let seen = self.previous.get(fingerprint).map(|stored| (&mut self.previous, stored));
        let seen = match seen {
            None => self.current.get(fingerprint).map(|stored| (&mut self.current, stored)),
            seen => seen,
        };
        match seen {
            None => {
                self.current.set(fingerprint, outcome);
                Seen::New
            }
            Some((generation, stored)) => {
                if stored == Outcome::Final || outcome != Outcome::Final {
                    return Seen::Duplicate;
                }
                generation.set(fingerprint, outcome);
                Seen::Updated { previous: stored }
            }
        }
    }

    /// Fetches what questions about these fingerprints will ask for; changes nothing. Asked one by
    /// one, each waits for memory by itself.
    #[inline]
    pub fn touch(&self, fingerprints: &[u64]) {
        self.previous.touch(fingerprints);
        self.current.touch(fingerprints);
    }

    fn turn(&mut self, at_ms: i64) {
        let started = *self.turned_at_ms.get_or_insert(at_ms);
        let aged = at_ms.saturating_sub(started) >= self.horizon_ms;
        if aged || self.current.len() >= self.ids_max / 2 {
            if !aged {
                self.forgotten_early += self.previous.len() as u64;
            }
            self.previous.clear();
            std::mem::swap(&mut self.current, &mut self.previous);
            self.turned_at_ms = Some(at_ms.max(started));
        }
    }

    /// Ids held.
    pub fn len(&self) -> usize {
        self.current.len() + self.previous.len()
    }

    /// Whether no id is held.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Ids that memory, not time, made it forget: above zero, `ids_max` is too small for the traffic.
    pub fn forgotten_early(&self) -> u64 {
        self.forgotten_early
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn outcomes() -> impl Strategy<Value = Outcome> {
        prop_oneof![Just(Outcome::Unknown), Just(Outcome::Timeout), Just(Outcome::Final)]
    }

    proptest! {
        #[test]
        fn agrees_with_a_map_that_never_forgets(
            events in prop::collection::vec((0_u64..50, 0_i64..1_000, outcomes()), 0..300),
        ) {
            let mut ids = Duplicates::new(1_000, 1_000);
            let mut reference = BTreeMap::new();
            for (id, at, outcome) in events {
                let id = id.wrapping_mul(0xd6e8_feb8_6659_fd93);
                let want = match reference.get(&id).copied() {
                    None => Seen::New,
                    Some(Outcome::Final) => Seen::Duplicate,
                    Some(previous) if outcome == Outcome::Final => Seen::Updated { previous },
                    Some(_) => Seen::Duplicate,
                };
                if want != Seen::Duplicate { reference.insert(id, outcome); }
                prop_assert_eq!(ids.observe(id, at, outcome), want);
            }
        }

        #[test]
        fn memory_is_bounded_and_a_snapshot_goes_on_alike(
            events in prop::collection::vec((0_u64..400, 0_i64..10_000), 1..600),
        ) {
            let mut ids = Duplicates::new(1_000, 64);
            let mut back = ids.clone();
            for (id, at) in events {
                let id = id.wrapping_mul(0xd6e8_feb8_6659_fd93);
                back = serde_json::from_str(&serde_json::to_string(&back).unwrap()).unwrap();
                prop_assert_eq!(ids.observe(id, at, Outcome::Final), back.observe(id, at, Outcome::Final));
                prop_assert!(ids.len() <= 64);
            }
        }
    }

    #[test]
    fn an_id_is_remembered_for_the_horizon() {
        let mut ids = Duplicates::new(1_000, 1_000_000);
        ids.observe(1, 0, Outcome::Unknown);
        for at in (0..=1_500).step_by(10) {
            ids.observe(1_000 + at as u64, at, Outcome::Final);
        }
        let updated = ids.observe(1, 1_500, Outcome::Final);
        assert_eq!(updated, Seen::Updated { previous: Outcome::Unknown });
        assert_eq!(ids.observe(1, 1_999, Outcome::Final), Seen::Duplicate);
        assert_eq!(ids.observe(1, 2_000, Outcome::Final), Seen::New);
        assert_eq!(ids.forgotten_early(), 0);
    }

    #[test]
    fn fingerprints_part_ids_and_seeds() {
        assert_ne!(fingerprint(0, "a"), fingerprint(0, "b"));
        assert_ne!(fingerprint(0, "a"), fingerprint(1, "a"));
        assert_eq!(fingerprint(42, "att_0001"), GOLDEN);
    }

    const GOLDEN: u64 = 8_340_492_832_256_727_181;
}
