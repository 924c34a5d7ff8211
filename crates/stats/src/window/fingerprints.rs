//! A set of fingerprints with an outcome each, eight bytes a slot.
//!
//! Every attempt asks for an id that was never seen, at a random place of tens of megabytes: what it costs is
//! the memory it has to wait for. Open addressing with linear probing in one array touches one
//! cache line per question, where a general hash map touches two and takes twice the room. A slot
//! holds 62 bits of the fingerprint and two of the outcome (0: empty); two ids of two million
//! share 62 bits with probability 4e-7.

use super::Outcome;

/// Of a set's slots at most half are taken.
const SLOTS_MIN: usize = 64;

#[derive(Clone, Debug, Default)]
pub(super) struct Fingerprints {
    slots: Vec<u64>,
    len: usize,
}

fn pack(fingerprint: u64, outcome: Outcome) -> u64 {
    fingerprint << 2 | (outcome as u64 + 1)
}

/// What a slot keeps of a fingerprint.
fn kept(fingerprint: u64) -> u64 {
    fingerprint << 2 >> 2
}

fn outcome_of(slot: u64) -> Outcome {
    match slot & 3 {
        1 => Outcome::Unknown,
        2 => Outcome::Timeout,
        _ => Outcome::Final,
    }
}

impl Fingerprints {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Where a fingerprint is, or the empty slot where it would be.
    #[inline]
    fn place(&self, fingerprint: u64) -> usize {
        let mask = self.slots.len() - 1;
        let mut place = self.home(fingerprint);
        while self.slots[place] != 0 && self.slots[place] >> 2 != kept(fingerprint) {
            place = (place + 1) & mask;
        }
        place
    }

    /// Where the search for it begins.
    #[inline]
    fn home(&self, fingerprint: u64) -> usize {
        let bits = self.slots.len().trailing_zeros();
        (kept(fingerprint).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - bits)) as usize
    }

    /// Reads where each search begins, so that memory answers all of them at once.
    #[inline]
    pub(super) fn touch(&self, fingerprints: &[u64]) {
        if !self.slots.is_empty() {
            let slots = fingerprints.iter().map(|&fingerprint| self.slots[self.home(fingerprint)]);
            std::hint::black_box(slots.fold(0, u64::wrapping_add));
        }
    }

    #[inline]
    pub(super) fn get(&self, fingerprint: u64) -> Option<Outcome> {
        if self.slots.is_empty() {
            return None;
        }
        let slot = self.slots[self.place(fingerprint)];
        (slot != 0).then(|| outcome_of(slot))
    }

    /// Sets the outcome of a fingerprint, known or not.
    #[inline]
    pub(super) fn set(&mut self, fingerprint: u64, outcome: Outcome) {
        if (self.len + 1) * 2 > self.slots.len() {
            self.grow();
        }
        let place = self.place(fingerprint);
        self.len += usize::from(self.slots[place] == 0);
        self.slots[place] = pack(fingerprint, outcome);
    }

    fn grow(&mut self) {
        let larger = (self.slots.len() * 2).max(SLOTS_MIN);
        for slot in std::mem::replace(&mut self.slots, vec![0; larger]) {
            if slot != 0 {
                let place = self.place(slot >> 2);
                self.slots[place] = slot;
            }
        }
    }

    /// Empty again; the room is kept.
    pub(super) fn clear(&mut self) {
        self.slots.fill(0);
        self.len = 0;
    }

    /// All of them, ascending.
    pub(super) fn sorted(&self) -> Vec<(u64, Outcome)> {
        let taken = self.slots.iter().filter(|slot| **slot != 0);
        let mut all: Vec<_> = taken.map(|slot| (slot >> 2, outcome_of(*slot))).collect();
        all.sort_unstable();
        all
    }
}

impl FromIterator<(u64, Outcome)> for Fingerprints {
    fn from_iter<T: IntoIterator<Item = (u64, Outcome)>>(all: T) -> Self {
        let mut set = Self::default();
        for (fingerprint, outcome) in all {
            set.set(fingerprint, outcome);
        }
        set
    }
}

impl PartialEq for Fingerprints {
    fn eq(&self, other: &Self) -> bool {
        self.sorted() == other.sorted()
    }
}
