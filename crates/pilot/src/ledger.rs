//! What was done when and where, as far back as a guardrail looks: a day.
//!
//! Slices are refined while an incident goes on. Counting each on its own would let a slice that keeps moving act without end, so whatever lies inside or around a slice counts with it.

use analyst::Slice;
use payments::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Direction;

const DAY_MS: i64 = 24 * 3_600_000;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deed {
    /// An intervention began.
    Started,
    /// One ended.
    Ended,
    /// Its direction changed.
    Turned,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Entry {
    at: Timestamp,
    slice: Slice,
    deed: Deed,
    direction: Direction,
}

/// The lines of the last day, and fixes that failed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Ledger {
    entries: Vec<Entry>,
    failed: Vec<(String, Timestamp)>,
}

impl Ledger {
    /// Writes a line.
    pub fn write(&mut self, slice: &Slice, deed: Deed, direction: Direction, at: Timestamp) {
        self.entries.push(Entry { at, slice: slice.clone(), deed, direction });
    }

    /// A fix of this incident failed.
    pub fn failed(&mut self, incident_id: &str, at: Timestamp) {
        self.failed.push((incident_id.into(), at));
    }

    /// Drops what no guardrail looks at any more.
    pub fn forget(&mut self, now: Timestamp) {
        self.entries.retain(|entry| now.millis_since(entry.at) < DAY_MS);
        self.failed.retain(|(_, at)| now.millis_since(*at) < DAY_MS);
    }

    fn near<'a>(
        &'a self,
        slice: &'a Slice,
        within_ms: i64,
        now: Timestamp,
    ) -> impl Iterator<Item = &'a Entry> {
        self.entries.iter().filter(move |entry| {
            now.millis_since(entry.at) < within_ms && related(&entry.slice, slice)
        })
    }

    /// Interventions begun on a slice within so long.
    pub fn started(&self, slice: &Slice, within_ms: i64, now: Timestamp) -> u32 {
        self.near(slice, within_ms, now).filter(|entry| entry.deed == Deed::Started).count() as u32
    }

    /// Changes of direction on a slice within so long.
    pub fn flips(&self, slice: &Slice, within_ms: i64, now: Timestamp) -> u32 {
        let mut directions = self.near(slice, within_ms, now).map(|entry| entry.direction);
        let Some(mut last) = directions.next() else { return 0 };
        let mut flips = 0;
        for direction in directions {
            flips += u32::from(direction != last);
            last = direction;
        }
        flips
    }

    /// When an intervention last began or ended on a slice.
    pub fn last(&self, slice: &Slice, now: Timestamp) -> Option<Timestamp> {
        self.near(slice, DAY_MS, now)
            .filter(|entry| entry.deed != Deed::Turned)
            .map(|entry| entry.at)
            .max()
    }

    /// Whether the last thing done on a slice points this way.
    pub fn last_direction(&self, slice: &Slice, now: Timestamp) -> Option<Direction> {
        self.near(slice, DAY_MS, now).last().map(|entry| entry.direction)
    }

    /// Fixes of an incident that failed.
    pub fn failures(&self, incident_id: &str) -> u32 {
        self.failed.iter().filter(|(id, _)| id == incident_id).count() as u32
    }
}

/// Whether every payment of `inner` is one of `outer`.
pub fn covers(outer: &Slice, inner: &Slice) -> bool {
    outer.pairs().all(|(dimension, value)| inner.get(dimension) == Some(value))
}

/// Whether one lies within the other.
pub fn related(a: &Slice, b: &Slice) -> bool {
    covers(a, b) || covers(b, a)
}

/// Whether a payment can be in both.
pub fn overlap(a: &Slice, b: &Slice) -> bool {
    a.pairs().all(|(dimension, value)| b.get(dimension).is_none_or(|other| other == value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_inside_and_around_count_together() {
        let gateway = Slice::new([("gateway", "a")]);
        let visa = Slice::new([("gateway", "a"), ("network", "VISA")]);
        let master = Slice::new([("gateway", "a"), ("network", "MC")]);
        let now = Timestamp::from_millis(10_000);
        let mut ledger = Ledger::default();
        ledger.write(&gateway, Deed::Started, Direction::Out, now);
        assert_eq!(ledger.started(&visa, 1, now), 1);
        ledger.write(&visa, Deed::Ended, Direction::Home, now);
        assert_eq!(ledger.flips(&gateway, 1, now), 1);
        assert_eq!(ledger.flips(&master, 1, now), 0);
        assert!(overlap(&visa, &gateway) && !overlap(&visa, &master));
        assert!(overlap(&visa, &Slice::new([("issuer", "HDFC")])));
        assert!(!related(&visa, &Slice::new([("issuer", "HDFC")])));
    }

    #[test]
    fn a_day_is_remembered() {
        let slice = Slice::new([("gateway", "a")]);
        let mut ledger = Ledger::default();
        ledger.write(&slice, Deed::Started, Direction::Out, Timestamp::from_millis(0));
        ledger.forget(Timestamp::from_millis(DAY_MS));
        assert_eq!(ledger, Ledger::default());
    }
}
