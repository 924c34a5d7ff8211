//! Rolling statistics of slices: counted on demand from the window's rows, exact.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Slice;
use crate::analyst::Analyst;
use crate::space::SliceKey;
use crate::tape::{NO_CODE, NO_LATENCY, Outcome, Row};

/// One slice over the rolling window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SliceStats {
    /// Which.
    pub slice: Slice,
    /// Attempts, unknown and abandoned included.
    pub attempts: u64,
    /// Approved / (approved + declined + error + timeout); `None` without any.
    pub success_rate: Option<f64>,
    /// 1 - success rate.
    pub failure_rate: Option<f64>,
    /// Mean latency.
    pub latency_ms_mean: Option<f64>,
    /// Median latency.
    pub latency_ms_p50: Option<f64>,
    /// 95th percentile.
    pub latency_ms_p95: Option<f64>,
    /// 99th percentile.
    pub latency_ms_p99: Option<f64>,
    /// Failures by (source, value), most frequent first.
    pub errors: Vec<(String, String, u64)>,
    /// Expected success rate.
    pub baseline_rate: Option<f64>,
    /// The success detector's R.
    pub e_value: f64,
}

#[derive(Default)]
struct Counts {
    attempts: u64,
    outcomes: u64,
    approved: u64,
    expected: f64,
    latencies: Vec<(u32, u32)>,
    codes: BTreeMap<u16, u64>,
}

impl Counts {
    fn add(&mut self, row: &Row, expected: f64) {
        let count = u64::from(row.count);
        self.attempts += count;
        if row.latency_ms != NO_LATENCY {
            self.latencies.push((row.latency_ms, row.count));
        }
        if row.outcome == Outcome::Open {
            return;
        }
        self.outcomes += count;
        self.expected += expected * f64::from(row.count);
        if row.outcome == Outcome::Approved {
            self.approved += count;
        } else {
            *self.codes.entry(row.code).or_default() += count;
        }
    }

    /// Nearest-rank quantile of the latencies, which are sorted.
    fn latency(&self, q: f64) -> Option<f64> {
        let total: u64 = self.latencies.iter().map(|(_, count)| u64::from(*count)).sum();
        let rank = ((q * total as f64).ceil() as u64).max(1);
        let mut below = 0;
        self.latencies.iter().find_map(|(latency_ms, count)| {
            below += u64::from(*count);
            (below >= rank).then(|| f64::from(*latency_ms))
        })
    }

    fn latency_mean(&self) -> Option<f64> {
        let (sum, count) = self.latencies.iter().fold((0.0, 0.0), |(sum, n), (ms, count)| {
            let count = f64::from(*count);
            (sum + f64::from(*ms) * count, n + count)
        });
        (count > 0.0).then(|| sum / count)
    }
}

/// All slices over these dimensions in the window; names that are not configured are left out.
pub(crate) fn slices(analyst: &Analyst, by: &[&str]) -> Vec<SliceStats> {
    let dimensions: Vec<usize> = analyst
        .space
        .dimensions()
        .iter()
        .enumerate()
        .filter(|(_, name)| by.contains(&name.as_str()))
        .map(|(d, _)| d)
        .collect();
    let mut by_values: BTreeMap<Vec<u32>, Counts> = BTreeMap::new();
    for row in analyst.window.iter().flat_map(|tick| &tick.rows) {
        let values = &analyst.cells.leaves[row.leaf as usize].values;
        let key = dimensions.iter().map(|&d| values[d]).collect();
        let expected = f64::from(analyst.cells.expected[row.leaf as usize]);
        by_values.entry(key).or_default().add(row, expected);
    }
    let mut all: Vec<SliceStats> = by_values
        .into_iter()
        .map(|(values, counts)| stats_of(analyst, &dimensions, &values, counts))
        .collect();
    all.sort_by(|a, b| b.attempts.cmp(&a.attempts).then_with(|| a.slice.cmp(&b.slice)));
    all
}

fn stats_of(
    analyst: &Analyst,
    dimensions: &[usize],
    values: &[u32],
    mut counts: Counts,
) -> SliceStats {
    counts.latencies.sort_unstable();
    let named = dimensions.iter().copied().zip(values.iter().copied());
    let slice = Slice::new(named.clone().map(|(d, value)| {
        (analyst.space.dimensions()[d].clone(), analyst.space.name(d, value).to_owned())
    }));
    let watch = (dimensions.len() <= crate::space::ORDER_MAX)
        .then(|| analyst.watches.get(SliceKey::from_conditions(named)))
        .flatten();
    let outcomes = counts.outcomes as f64;
    let success_rate = (counts.outcomes > 0).then(|| counts.approved as f64 / outcomes);
    let known = analyst.baseline.is_fitted() && counts.outcomes > 0;
    let mut errors: Vec<(String, String, u64)> = counts
        .codes
        .iter()
        .filter(|(code, _)| **code != crate::tape::NOT_RECORDED)
        .map(|(code, count)| {
            let (source, value) = analyst.codes.name(*code);
            let source = if *code == NO_CODE { payments::NONE } else { source };
            (source.to_owned(), value.to_owned(), *count)
        })
        .collect();
    errors.sort_by(|a, b| b.2.cmp(&a.2).then_with(|| (&a.0, &a.1).cmp(&(&b.0, &b.1))));
    SliceStats {
        slice,
        attempts: counts.attempts,
        success_rate,
        failure_rate: success_rate.map(|rate| 1.0 - rate),
        latency_ms_mean: counts.latency_mean(),
        latency_ms_p50: counts.latency(0.50),
        latency_ms_p95: counts.latency(0.95),
        latency_ms_p99: counts.latency(0.99),
        errors,
        baseline_rate: known.then(|| {
            let rate = counts.expected / outcomes;
            watch.map_or(rate, |watch| watch.expected(rate))
        }),
        e_value: watch.map_or(0.0, |watch| watch.statistics[0].max(watch.statistics[1])),
    }
}
