//! The whole file over time, in a bounded number of periods.
//!
//! Periods are as long as a tick at first; when there are too many, neighbours are merged, so
//! counts stay exact and memory bounded whatever the file's span.

use std::collections::BTreeMap;

use engine::Input;
use payments::Status;

/// At most this many periods.
const PERIODS_MAX: usize = 256;

/// Attempts of one period.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Period {
    /// Start, epoch milliseconds.
    pub starts_at_ms: i64,
    /// Attempts with an outcome.
    pub attempts: u64,
    /// Those approved.
    pub successes: u64,
}

/// Totals of a file, and its course.
#[derive(Clone, Debug)]
pub struct Overview {
    step_ms: i64,
    tick_ms: i64,
    periods: BTreeMap<i64, (u64, u64)>,
    bounds: Option<(i64, i64)>,
    /// Attempts, those without an outcome included.
    pub attempts: u64,
    /// Attempts with an outcome.
    pub settled: u64,
    /// Approved.
    pub successes: u64,
}

impl Overview {
    /// Nothing yet.
    pub fn new(tick_ms: i64) -> Self {
        Self {
            step_ms: tick_ms,
            tick_ms,
            periods: BTreeMap::new(),
            bounds: None,
            attempts: 0,
            settled: 0,
            successes: 0,
        }
    }

    /// Takes in what the engine was given; says how many rows that was.
    pub fn add(&mut self, input: &Input) -> u64 {
        match input {
            Input::Buckets(buckets) => {
                for b in buckets {
                    self.count(b.starts_at.as_millis(), b.attempts, b.attempts, b.successes);
                }
                buckets.len() as u64
            }
            Input::Attempts(attempts) => {
                for a in attempts {
                    let settled = !matches!(a.status, Status::Unknown | Status::Abandoned);
                    let approved = a.status == Status::Approved;
                    self.count(a.occurred_at.as_millis(), 1, settled.into(), approved.into());
                }
                attempts.len() as u64
            }
            Input::Advance(_)
            | Input::Rest(_)
            | Input::Tried(_)
            | Input::Rollout { .. }
            | Input::Routed(_)
            | Input::Gateways(_)
            | Input::Command { .. } => 0,
        }
    }

    fn count(&mut self, at: i64, attempts: u64, settled: u64, successes: u64) {
        self.attempts += attempts;
        self.settled += settled;
        self.successes += successes;
        self.bounds = Some(self.bounds.map_or((at, at), |(from, to)| (from.min(at), to.max(at))));
        let cell = self.periods.entry(at.div_euclid(self.step_ms)).or_default();
        cell.0 += settled;
        cell.1 += successes;
        while self.periods.len() > PERIODS_MAX {
            self.step_ms *= 2;
            for (at, (n, k)) in std::mem::take(&mut self.periods) {
                let cell = self.periods.entry(at.div_euclid(2)).or_default();
                cell.0 += n;
                cell.1 += k;
            }
        }
    }

    /// Approved of those with an outcome.
    pub fn success_rate(&self) -> Option<f64> {
        (self.settled > 0).then(|| self.successes as f64 / self.settled as f64)
    }

    /// The first time.
    pub fn from_ms(&self) -> Option<i64> {
        self.bounds.map(|b| b.0)
    }

    /// The end of the last tick.
    pub fn until_ms(&self) -> Option<i64> {
        self.bounds.map(|b| b.1 + self.tick_ms)
    }

    /// The last time.
    pub fn latest(&self) -> Option<i64> {
        self.bounds.map(|b| b.1)
    }

    /// Length of a period.
    pub fn step_ms(&self) -> i64 {
        self.step_ms
    }

    /// The course.
    pub fn periods(&self) -> impl Iterator<Item = Period> {
        self.periods.iter().map(|(at, (attempts, successes))| Period {
            starts_at_ms: at * self.step_ms,
            attempts: *attempts,
            successes: *successes,
        })
    }
}

#[cfg(test)]
mod tests {
    use payments::{Bucket, Timestamp};

    use super::*;

    #[test]
    fn merging_neighbours_keeps_every_attempt() {
        let mut overview = Overview::new(1_000);
        for i in 0..10_000 {
            overview.add(&Input::Buckets(vec![Bucket {
                starts_at: Timestamp::from_millis(i * 1_000),
                dimensions: Default::default(),
                attempts: 3,
                successes: 2,
                amount: None,
            }]));
        }
        assert!(overview.periods().count() <= PERIODS_MAX);
        assert_eq!(overview.periods().map(|p| p.attempts).sum::<u64>(), 30_000);
        assert_eq!((overview.from_ms(), overview.until_ms()), (Some(0), Some(10_000_000)));
        assert_eq!(overview.success_rate(), Some(2.0 / 3.0));
    }
}
