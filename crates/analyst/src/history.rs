//! The recent past of every leaf, in panes that get coarser with age.
//!
//! An incident is localised on what happened since its onset, so the cells' counts of the last
//! hours are kept: panes of 10 s for five minutes, of a minute for half an hour, of ten minutes for
//! four hours (one length, that of the bucket, for counted files). Merging panes adds counts, so
//! nothing is lost but resolution. A pane teaches the baseline only when it has aged past the
//! quarantine: what an incident that is still unseen has done must not become what is expected.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::lanes::Lanes;
use crate::purse::Sums;

/// Lengths and numbers of the panes kept, finest first.
const TIERS: [(i64, usize); 3] = [(10_000, 30), (60_000, 30), (600_000, 24)];
/// Panes kept where the tick itself is longer than the finest pane.
const LONG_PANES: usize = 120;

/// Counts of all touched leaves over a stretch of time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Pane {
    /// Start, event time.
    pub starts_at_ms: i64,
    /// End.
    pub ends_at_ms: i64,
    /// Counts by leaf, ascending.
    pub cells: Vec<(u32, Lanes)>,
    /// Money by (leaf, currency), ascending.
    pub money: Vec<((u32, u16), Sums)>,
}

impl Pane {
    /// Its middle.
    pub fn middle_ms(&self) -> i64 {
        (self.starts_at_ms + self.ends_at_ms) / 2
    }

    fn length_ms(&self) -> i64 {
        self.ends_at_ms - self.starts_at_ms
    }

    fn merge(&mut self, other: &Self) {
        self.starts_at_ms = self.starts_at_ms.min(other.starts_at_ms);
        self.ends_at_ms = self.ends_at_ms.max(other.ends_at_ms);
        self.cells = merge_sorted(&self.cells, &other.cells, Lanes::add);
        self.money = merge_sorted(&self.money, &other.money, Sums::add);
    }
}

fn merge_sorted<K: Ord + Copy, T: Copy>(
    a: &[(K, T)],
    b: &[(K, T)],
    add: impl Fn(&mut T, &T),
) -> Vec<(K, T)> {
    // Counted first: what a vector keeps in reserve would be memory for hours.
    let mut merged: Vec<(K, T)> = Vec::with_capacity(union_len(a, b));
    let (mut i, mut j) = (0, 0);
    while i < a.len() && j < b.len() {
        let (from_a, from_b) = (a[i].0 <= b[j].0, b[j].0 <= a[i].0);
        let mut entry = if from_a { a[i] } else { b[j] };
        if from_a && from_b {
            add(&mut entry.1, &b[j].1);
        }
        i += usize::from(from_a);
        j += usize::from(from_b);
        merged.push(entry);
    }
    merged.extend_from_slice(&a[i..]);
    merged.extend_from_slice(&b[j..]);
    merged
}

/// How many keys two ascending lists hold together.
fn union_len<K: Ord + Copy, T>(a: &[(K, T)], b: &[(K, T)]) -> usize {
    let (mut i, mut j, mut shared) = (0, 0, 0);
    while i < a.len() && j < b.len() {
        let (x, y) = (a[i].0, b[j].0);
        shared += usize::from(x == y);
        i += usize::from(x <= y);
        j += usize::from(y <= x);
    }
    a.len() + b.len() - shared
}

/// Panes of all ages.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct History {
    tiers: Vec<(i64, usize, VecDeque<Pane>)>,
    quarantine: VecDeque<Pane>,
    /// Parts of the quarantine's next pane, each at least twice as long as the one after it: so merged, a
    /// count is copied a few times and not once per pane.
    parts: Vec<Pane>,
    quarantine_ms: i64,
}

impl History {
    /// For ticks of this length.
    pub fn new(tick_ms: i64, quarantine_ms: i64) -> Self {
        let tiers = if tick_ms > TIERS[0].0 {
            vec![(tick_ms, LONG_PANES, VecDeque::new())]
        } else {
            TIERS.iter().map(|&(length, keep)| (length, keep, VecDeque::new())).collect()
        };
        Self { tiers, quarantine: VecDeque::new(), parts: Vec::new(), quarantine_ms }
    }

    /// Length of the finest pane.
    pub fn pane_ms(&self) -> i64 {
        self.tiers[0].0
    }

    /// How far back the panes reach.
    pub fn remembered_ms(&self) -> i64 {
        self.tiers.iter().map(|&(length, keep, _)| length * keep as i64).sum()
    }

    /// Adds the newest pane; returns the panes that left the quarantine.
    pub fn push(&mut self, pane: Pane) -> Vec<Pane> {
        let now = pane.ends_at_ms;
        self.parts.push(pane.clone());
        let starts = self.parts[0].starts_at_ms;
        let whole = now - starts >= self.quarantine_ms / 2;
        while let [.., longer, last] = &mut self.parts[..]
            && (whole || longer.length_ms() < 2 * last.length_ms())
        {
            longer.merge(last);
            self.parts.pop();
        }
        if whole {
            self.quarantine.extend(self.parts.pop());
        }
        self.insert(0, pane);
        let mut taught = Vec::new();
        while let Some(first) = self.quarantine.front() {
            if first.ends_at_ms + self.quarantine_ms > now {
                break;
            }
            taught.extend(self.quarantine.pop_front());
        }
        taught
    }

    /// The feed pauses: what was gathered for the quarantine's next pane is one, so that no pane spans the pause.
    pub fn pause(&mut self) {
        let parts = std::mem::take(&mut self.parts);
        self.quarantine.extend(parts.into_iter().reduce(|mut whole, part| {
            whole.merge(&part);
            whole
        }));
    }

    fn insert(&mut self, tier: usize, pane: Pane) {
        let Some((length, keep, panes)) = self.tiers.get_mut(tier) else { return };
        let length = *length;
        match panes.back_mut() {
            Some(last)
                if last.starts_at_ms.div_euclid(length) == pane.starts_at_ms.div_euclid(length) =>
            {
                last.merge(&pane);
            }
            _ => panes.push_back(pane),
        }
        if panes.len() > *keep
            && let Some(old) = panes.pop_front()
        {
            self.insert(tier + 1, old);
        }
    }

    /// Panes that end after an instant, oldest first.
    pub fn since(&self, from_ms: i64) -> impl DoubleEndedIterator<Item = &Pane> {
        self.tiers
            .iter()
            .rev()
            .flat_map(|(_, _, panes)| panes.iter())
            .filter(move |pane| pane.ends_at_ms > from_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lanes::N;

    fn pane(second: i64) -> Pane {
        let mut lanes = Lanes::default();
        lanes.0[N] = 1.0;
        Pane {
            starts_at_ms: second * 1_000,
            ends_at_ms: (second + 10) * 1_000,
            cells: vec![((second % 3) as u32, lanes)],
            money: Vec::new(),
        }
    }

    #[test]
    fn ageing_conserves_counts_and_order() {
        let mut history = History::new(1_000, 600_000);
        let mut taught = 0.0;
        for i in 0..1_000 {
            for old in history.push(pane(i * 10)) {
                taught += old.cells.iter().map(|(_, lanes)| lanes.get(N)).sum::<f64>();
            }
        }
        let kept: f64 = history
            .since(0)
            .flat_map(|pane| pane.cells.iter())
            .map(|(_, lanes)| lanes.get(N))
            .sum();
        assert_eq!(kept, 1_000.0);
        assert!((900.0..=970.0).contains(&taught), "{taught}");
        let starts: Vec<i64> = history.since(0).map(|pane| pane.starts_at_ms).collect();
        assert!(starts.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn no_pane_spans_a_pause() {
        let mut history = History::new(1_000, 600_000);
        let mut taught = Vec::new();
        for second in (0..100).chain(1_000_000..1_000_200) {
            if second == 1_000_000 {
                history.pause();
            }
            taught.extend(history.push(pane(second * 10)));
        }
        assert!(taught.iter().all(|pane| pane.length_ms() <= 600_000));
        let before = taught.iter().filter(|pane| pane.ends_at_ms < 2_000_000);
        let counted =
            before.flat_map(|pane| &pane.cells).map(|(_, lanes)| lanes.get(N)).sum::<f64>();
        assert_eq!(counted, 100.0);
    }
}
