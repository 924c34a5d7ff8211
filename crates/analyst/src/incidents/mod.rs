//! Incidents: from alarms to one root cause each, followed until they are over.
//!
//! One cause is one discovery. An incident takes the leaves of its root-cause slice: their traffic
//! goes to the incident and no longer to the slices that watch it, so that overlapping slices fall
//! silent, the rest of the traffic is still watched, and the baseline never learns from it.

mod alarms;
mod alias;
mod follow;
mod locate;
mod open;
mod tracker;
mod view;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use tracker::{Tracker, binomial_llr};

use crate::cells::NOBODY;
use crate::history::Pane;
use crate::lanes::Lanes;
use crate::space::{SliceKey, Values};

/// Incidents that are over and still listed.
const LISTED_MAX: usize = 1_000;

/// All incidents, open and over.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Incidents {
    trackers: BTreeMap<u32, Tracker>,
    next: u32,
    /// Attempts of every value so far: (dimension, value).
    pub seen: Vec<Vec<f64>>,
}

impl Incidents {
    /// Which incidents hold a combination of values, per mask.
    pub fn owners(&self, values: &Values) -> [u32; 3] {
        let mut owners = [NOBODY; 3];
        for tracker in self.trackers.values().filter(|tracker| tracker.is_open()) {
            if let Some(mask) = tracker.mask
                && tracker.key.contains(values)
            {
                owners[mask] = tracker.number;
            }
        }
        owners
    }

    /// Adds a leaf's tick to the incident that holds it.
    pub fn add(&mut self, owner: u32, lanes: &Lanes) {
        if let Some(tracker) = self.trackers.get_mut(&owner) {
            tracker.tick.add(lanes);
        }
    }

    /// Counts the response code of a failure.
    pub fn add_code(&mut self, owner: u32, code: u16, count: u32) {
        if let Some(tracker) = self.trackers.get_mut(&owner) {
            *tracker.codes.entry(code).or_default() += u64::from(count);
        }
    }

    /// Slices whose traffic in a pane belongs to an incident.
    pub fn exclusions(&self, pane: &Pane) -> Vec<SliceKey> {
        self.trackers
            .values()
            .filter(|tracker| {
                tracker.mask == Some(0)
                    && tracker.started_at_ms < pane.ends_at_ms
                    && tracker.resolved_at_ms.is_none_or(|end| end > pane.starts_at_ms)
            })
            .map(|tracker| tracker.key)
            .collect()
    }

    /// Whether any goes on.
    pub fn any_open(&self) -> bool {
        self.trackers.values().any(Tracker::is_open)
    }

    /// In order of detection.
    pub fn all(&self) -> impl Iterator<Item = &Tracker> {
        self.trackers.values()
    }

    fn number(&mut self) -> u32 {
        self.next += 1;
        if self.trackers.len() >= LISTED_MAX
            && let Some(&oldest) =
                self.trackers.iter().find(|(_, t)| !t.is_open()).map(|(number, _)| number)
        {
            self.trackers.remove(&oldest);
        }
        self.next
    }

    fn open_numbers(&self) -> Vec<u32> {
        self.trackers.values().filter(|t| t.is_open()).map(|t| t.number).collect()
    }
}
