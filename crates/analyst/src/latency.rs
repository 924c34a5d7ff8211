//! How slow is slow: latency thresholds per group of alike traffic.
//!
//! "Slower than the baseline's p95" must mean the same thing in every leaf of a slice, or it can't
//! be added up. Latency depends on where an attempt is sent and how it is paid, so each pair of the
//! first two configured dimensions (gateway and method, by default) has its own histogram, and the
//! thresholds are its quantiles. What a slice is expected to exceed is then its own past rate.

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};
use stats::sketch::{BINS, bin_upper, latency_bin, quantile_bin};

use crate::lanes::QUANTILES;

/// Groups kept; further ones share the first.
const GROUPS_MAX: usize = 256;
/// Latencies seen before thresholds are set.
const LEARNT_MIN: u64 = 200;
/// Counts are halved after this many learning windows: two days of ten minutes.
const HALVED_AFTER: u32 = 288;

/// Counts by latency bin; empty until the first.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Histogram(Vec<u64>);

impl Histogram {
    #[inline]
    fn add(&mut self, latency_ms: u32, count: u32) {
        if self.0.is_empty() {
            self.0.resize(BINS, 0);
        }
        self.0[usize::from(latency_bin(latency_ms))] += u64::from(count);
    }

    fn merge(&mut self, other: &Self) {
        if self.0.is_empty() {
            self.0.clone_from(&other.0);
        } else {
            for (a, b) in self.0.iter_mut().zip(&other.0) {
                *a += b;
            }
        }
    }

    fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    fn quantile(&self, q: f64) -> u32 {
        quantile_bin(self.0.iter().enumerate().map(|(bin, &count)| (bin as u8, count)), q)
            .map_or(u32::MAX, bin_upper)
    }
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Group {
    past: Histogram,
    held: Histogram,
    window: Histogram,
    thresholds: Option<[u32; QUANTILES.len()]>,
}

/// Latency baselines by group.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Latencies {
    groups: Vec<Group>,
    index: FxHashMap<(u32, u32), u16>,
    windows: u32,
}

impl Default for Latencies {
    fn default() -> Self {
        Self { groups: vec![Group::default()], index: FxHashMap::default(), windows: 0 }
    }
}

impl Latencies {
    /// The group of a pair of values.
    pub fn group(&mut self, pair: (u32, u32)) -> u16 {
        if let Some(&group) = self.index.get(&pair) {
            return group;
        }
        if self.groups.len() >= GROUPS_MAX {
            return 0;
        }
        self.groups.push(Group::default());
        let group = (self.groups.len() - 1) as u16;
        self.index.insert(pair, group);
        group
    }

    /// Thresholds of a group, once it has seen enough.
    #[inline]
    pub fn thresholds(&self, group: u16) -> Option<&[u32; QUANTILES.len()]> {
        self.groups[usize::from(group)].thresholds.as_ref()
    }

    /// Whether any latency was ever recorded.
    pub fn any(&self) -> bool {
        self.groups.iter().any(|group| group.thresholds.is_some())
    }

    /// Counts a latency of normal traffic.
    #[inline]
    pub fn count(&mut self, group: u16, latency_ms: u32, count: u32) {
        self.groups[usize::from(group)].window.add(latency_ms, count);
    }

    /// An incident holds this group: what is not learnt yet is not learnt.
    pub fn forget_recent(&mut self, group: u16) {
        let group = &mut self.groups[usize::from(group)];
        group.held = Histogram::default();
        group.window = Histogram::default();
    }

    /// Ends a learning window: the one before is learnt.
    pub fn learn(&mut self) {
        self.windows += 1;
        for group in &mut self.groups {
            if self.windows.is_multiple_of(HALVED_AFTER) {
                group.past.0.iter_mut().for_each(|count| *count /= 2);
            }
            group.past.merge(&group.held);
            group.held = std::mem::take(&mut group.window);
            if group.past.total() >= LEARNT_MIN {
                group.thresholds = Some(QUANTILES.map(|q| group.past.quantile(q)));
            }
        }
    }
}
