//! An incident as others see it: diagnosis, cost, who was hit and who was not.

use std::collections::BTreeMap;

use payments::Timestamp;
use stats::confidence_sequence;
use stats::posterior::Beta;

use crate::across::place;
use crate::analyst::Analyst;
use crate::diagnose::{
    Breadth, CodeCount, FailureCounts, LatencyShift, Retries, Siblings, Symptoms, VolumeShift,
    diagnose,
};
use crate::impact::{Amounts, ApprovalCounts, CurrencyCounts, ImpactCounts, Recent, impact};
use crate::incidents::Tracker;
use crate::lanes::{CLASS, CLASSES, E, K, LATENCY_N, N, SLOWER, V, VOLUME};
use crate::space::SliceKey;
use crate::tape::{NO_LATENCY, Outcome};
use crate::{Alternative, Breakdown, Incident, IncidentStatus, Signal};

/// A value is hit when the lower end of its 95 % interval is above zero.
const HIT_SD: f64 = 1.96;
/// A value has traffic enough to tell if the incident's loss there would be this many standard
/// deviations.
const TELL_SD: f64 = 2.5;
/// Values told per dimension.
const VALUES_MAX: usize = 40;
/// Points of the timeline that "lately" means.
const RECENT_MS: i64 = 600_000;
/// Codes told.
const CODES_MAX: usize = 6;

/// Counts of one value: attempts, approvals, expected, binomial variance.
type Counts = [f64; 4];

fn missing(counts: &Counts) -> f64 {
    counts[2] - counts[1]
}

fn is_hit(counts: &Counts, dispersion: f64) -> bool {
    missing(counts) > HIT_SD * libm::sqrt(counts[3] * dispersion)
}

impl Analyst {
    /// An incident as it stands, or as it stood when it ended.
    pub(crate) fn told(&self, tracker: &Tracker) -> Incident {
        match &tracker.told {
            Some(told) if !tracker.is_open() => (**told).clone(),
            _ => self.view(tracker),
        }
    }

    fn view(&self, tracker: &Tracker) -> Incident {
        let mut tracker = tracker.clone();
        if tracker.is_open()
            && let Some(pane) = self.open_pane()
        {
            self.count_pane(&mut tracker, &pane);
        }
        let tracker = &tracker;
        let t = |lane: usize| tracker.totals.0[lane];
        let ends_at_ms = tracker
            .resolved_at_ms
            .or(self.last_end_ms())
            .unwrap_or(tracker.detected_at_ms)
            .max(tracker.started_at_ms + 1);
        let approvals = self.approvals(tracker, t(N), t(K), t(E), t(V));
        let symptoms = self.symptoms(tracker, &approvals, ends_at_ms);
        let diagnosis = diagnose(&symptoms);
        let (n, bad, expected_bad) = tracker.bad(&tracker.totals);
        let rate = |count: f64| if n > 0.0 { count / n } else { 0.0 };
        let success = tracker.alarm.signal == Signal::SuccessRate || tracker.mask == Some(0);
        let (observed_rate, baseline_rate) = if tracker.mask.is_none() {
            let all = tracker.all_attempts.max(1.0);
            (t(VOLUME) / all, tracker.alarm.expected)
        } else if success {
            (1.0 - rate(bad), 1.0 - rate(expected_bad))
        } else {
            (rate(bad), rate(expected_bad))
        };
        let interval = if tracker.mask.is_none() {
            (observed_rate, observed_rate)
        } else {
            let hits = if success { n - bad } else { bad };
            self.interval(hits, n, tracker.dispersion)
        };
        let slice = self.space.slice(tracker.key);
        let mut evidence = diagnosis.evidence;
        evidence.extend(tracker.opinion.and_then(|opinion| opinion.evidence()));
        Incident {
            id: format!("inc_{}", tracker.number),
            status: if tracker.is_open() { IncidentStatus::Open } else { IncidentStatus::Resolved },
            slice: slice.clone(),
            aliases: tracker.aliases.iter().map(|alias| self.space.slice(*alias)).collect(),
            signal: if success { Signal::SuccessRate } else { tracker.alarm.signal },
            cause: diagnosis.cause,
            confidence: diagnosis.confidence,
            started_at: Timestamp::from_millis(tracker.started_at_ms),
            detected_at: Timestamp::from_millis(tracker.detected_at_ms),
            resolved_at: tracker.resolved_at_ms.map(Timestamp::from_millis),
            resolution: tracker.resolution.clone(),
            baseline_rate,
            observed_rate,
            observed_rate_interval: interval,
            impact: self.cost(tracker, approvals),
            evidence,
            alternatives: diagnosis
                .posterior
                .iter()
                .filter(|(cause, _)| *cause != diagnosis.cause)
                .take(3)
                .map(|(cause, confidence)| Alternative {
                    cause: *cause,
                    slice: slice.clone(),
                    confidence: *confidence,
                })
                .collect(),
            breakdown: self.breakdown(tracker),
            timeline: tracker.timeline.clone(),
        }
    }

    /// 95 % time-uniform interval; an over-dispersed stream is worth fewer attempts than it has.
    fn interval(&self, hits: f64, n: f64, dispersion: f64) -> (f64, f64) {
        if n < 1.0 {
            return (0.0, 1.0);
        }
        let (k, n) = (hits / dispersion, n / dispersion);
        confidence_sequence::bernoulli(Beta::JEFFREYS, n, k, 0.05)
    }

    fn approvals(&self, tracker: &Tracker, n: f64, k: f64, e: f64, v: f64) -> ApprovalCounts {
        ApprovalCounts {
            attempts: n.round() as u64,
            successes: k.round() as u64,
            expected: e,
            variance: v * tracker.dispersion,
            baseline_se: tracker.expectation_sd * v,
        }
    }

    fn cost(&self, tracker: &Tracker, total: ApprovalCounts) -> crate::Impact {
        let last = tracker.timeline.last().map_or(0, |point| point.at.as_millis());
        let step = self.history.pane_ms();
        let from = last - (RECENT_MS - step).max(9 * step);
        let lately = || tracker.timeline.iter().filter(|point| point.at.as_millis() >= from);
        let missing_lately: f64 =
            lately().map(|point| point.expected - point.successes as f64).sum();
        let length_ms = lately().next().map_or(step, |first| last + step - first.at.as_millis());
        let minutes = length_ms as f64 / 60_000.0;
        let currencies = tracker
            .money
            .iter()
            .map(|(currency, sums)| CurrencyCounts {
                currency: self.currencies.get(*currency),
                amounts: Amounts {
                    attempts: sums.n.round() as u64,
                    minor: sums.asked.max(0.0).round() as u128,
                    minor_squares: sums.squares.max(0.0).round() as u128,
                },
                approvals: {
                    let share =
                        if total.attempts > 0 { sums.n / total.attempts as f64 } else { 0.0 };
                    ApprovalCounts {
                        attempts: sums.n.round() as u64,
                        successes: sums.k.round() as u64,
                        expected: sums.e,
                        variance: total.variance * share,
                        baseline_se: total.baseline_se * share,
                    }
                },
                recent_missing: missing_lately * sums.n / (total.attempts.max(1) as f64),
            })
            .collect();
        impact(&ImpactCounts {
            total,
            attempts_everywhere: tracker.all_attempts.round() as u64,
            recent: Recent { missing: missing_lately, minutes },
            currencies,
        })
    }

    fn breakdown(&self, tracker: &Tracker) -> Vec<Breakdown> {
        let mut all = Vec::new();
        for (d, name) in self.space.dimensions().iter().enumerate() {
            if tracker.key.conditions().any(|(named, _)| named == d) {
                continue;
            }
            let mut values: Vec<Breakdown> = (0..self.space.values_len(d) as u32)
                .filter_map(|value| {
                    let seen = self.incidents.seen.get(d)?.get(value as usize)?;
                    let before =
                        tracker.before.get(d).and_then(|b| b.get(value as usize)).unwrap_or(&0.0);
                    let inside = tracker.inside.get(&(d as u8, value)).copied().unwrap_or_default();
                    let everywhere = (seen - before).max(inside[0]);
                    (everywhere > 0.5)
                        .then(|| self.breakdown_of(tracker, name, d, value, &inside, everywhere))
                })
                .collect();
            values.sort_by(|a, b| {
                b.lost_payments
                    .total_cmp(&a.lost_payments)
                    .then(b.attempts_all.cmp(&a.attempts_all))
                    .then(a.value.cmp(&b.value))
            });
            if values.len() > 1 {
                values.truncate(VALUES_MAX);
                all.extend(values);
            }
        }
        all
    }

    fn breakdown_of(
        &self,
        tracker: &Tracker,
        dimension: &str,
        d: usize,
        value: u32,
        inside: &Counts,
        everywhere: f64,
    ) -> Breakdown {
        let rate = |count: f64| if inside[0] > 0.0 { count / inside[0] } else { 0.0 };
        Breakdown {
            dimension: dimension.to_owned(),
            value: self.space.name(d, value).to_owned(),
            attempts_all: everywhere.round() as u64,
            attempts: inside[0].round() as u64,
            expected_rate: rate(inside[2]),
            observed_rate: rate(inside[1]),
            lost_payments: missing(inside),
            hit: is_hit(inside, tracker.dispersion),
        }
    }

    fn symptoms(&self, tracker: &Tracker, approvals: &ApprovalCounts, ends_at_ms: i64) -> Symptoms {
        let n = tracker.totals.0[N];
        let k = tracker.totals.0[K];
        let se = libm::sqrt(approvals.variance + approvals.baseline_se * approvals.baseline_se);
        let mut symptoms = Symptoms::counted(
            self.space.slice(tracker.key),
            ends_at_ms - tracker.started_at_ms,
            approvals.attempts,
            approvals.successes,
            approvals.expected,
            se,
            self.interval(k, n, tracker.dispersion),
        );
        if tracker.all_attempts > 0.0 {
            symptoms.share_of_traffic = (n / tracker.all_attempts).min(1.0);
        }
        symptoms.failures = self.failures(tracker, n);
        symptoms.top_codes = self.top_codes(tracker);
        symptoms.breadth = self.breadth(tracker);
        symptoms.siblings = self.siblings(tracker);
        symptoms.latency = self.latency_shift(tracker);
        symptoms.volume = self.volume_shift(tracker);
        symptoms.onset_abruptness = abruptness(tracker);
        symptoms.retries =
            self.retries(tracker.key, tracker.started_at_ms).filter(Retries::are_raised);
        symptoms
    }

    fn failures(&self, tracker: &Tracker, n: f64) -> Option<FailureCounts> {
        if !self.codes.any() {
            return None;
        }
        let mut counts = FailureCounts::default();
        let watch = self.watches.get(tracker.key);
        for class in 0..CLASSES {
            counts.observed[class] = tracker.totals.0[CLASS + class].round() as u64;
            counts.expected[class] = match watch {
                Some(watch) => n * watch.class_rate(class),
                None => n * self.baseline.class_rate(class),
            };
        }
        Some(counts)
    }

    fn top_codes(&self, tracker: &Tracker) -> Vec<CodeCount> {
        let mut codes: Vec<(u16, u64)> = tracker
            .codes
            .iter()
            .filter(|(code, _)| **code > crate::tape::NO_CODE)
            .map(|(code, count)| (*code, *count))
            .collect();
        codes.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
        codes.truncate(CODES_MAX);
        codes
            .into_iter()
            .map(|(code, count)| {
                let (source, value) = self.codes.name(code);
                CodeCount { source: source.to_owned(), value: value.to_owned(), count }
            })
            .collect()
    }

    fn breadth(&self, tracker: &Tracker) -> Vec<Breadth> {
        let n = tracker.totals.0[N].max(1.0);
        let loss = (tracker.totals.0[E] - tracker.totals.0[K]) / n;
        let mut by_dimension: BTreeMap<u8, Breadth> = BTreeMap::new();
        for ((d, _), counts) in &tracker.inside {
            if tracker.key.conditions().any(|(named, _)| named == usize::from(*d)) {
                continue;
            }
            if counts[0] * loss < TELL_SD * libm::sqrt(counts[3] * tracker.dispersion) {
                continue;
            }
            let dimension = &self.space.dimensions()[usize::from(*d)];
            let breadth = by_dimension.entry(*d).or_insert_with(|| Breadth {
                dimension: dimension.clone(),
                values: 0,
                hit: 0,
            });
            breadth.values += 1;
            breadth.hit += u32::from(is_hit(counts, tracker.dispersion));
        }
        by_dimension.into_values().collect()
    }

    /// How the other values of each named dimension fare, the rest of the slice alike.
    fn siblings(&self, tracker: &Tracker) -> Vec<Siblings> {
        let named: Vec<(usize, u32)> = tracker.key.conditions().collect();
        let rest: Vec<SliceKey> = (0..named.len())
            .map(|left_out| {
                let rest = named.iter().enumerate().filter(|(i, _)| *i != left_out);
                SliceKey::from_conditions(rest.map(|(_, c)| *c))
            })
            .collect();
        let mut others: Vec<Vec<Option<Counts>>> =
            named.iter().map(|&(d, _)| vec![None; self.space.values_len(d)]).collect();
        let until = tracker.resolved_at_ms.unwrap_or(i64::MAX);
        for pane in self.panes_back(tracker.started_at_ms) {
            if pane.starts_at_ms >= until {
                continue;
            }
            for (leaf, lanes) in &pane.cells {
                let cell = &self.cells.leaves[*leaf as usize];
                for (i, &(d, value)) in named.iter().enumerate() {
                    if cell.values[d] != value && rest[i].contains(&cell.values) {
                        let counts = place(&mut others[i], cell.values[d]);
                        for (count, lane) in counts.iter_mut().zip([N, K, E, V]) {
                            *count += lanes.get(lane);
                        }
                    }
                }
            }
        }
        let n = tracker.totals.0[N].max(1.0);
        let loss = (tracker.totals.0[E] - tracker.totals.0[K]) / n;
        named
            .iter()
            .zip(others)
            .map(|(&(d, _), values)| {
                let told: Vec<&Counts> = values
                    .iter()
                    .flatten()
                    .filter(|c| c[0] * loss >= TELL_SD * libm::sqrt(c[3] * tracker.dispersion))
                    .collect();
                let (attempts, approved) =
                    values.iter().flatten().fold((0.0, 0.0), |(n, k), c| (n + c[0], k + c[1]));
                let half =
                    |c: &&&Counts| is_hit(c, tracker.dispersion) && missing(c) > 0.3 * loss * c[0];
                Siblings {
                    dimension: self.space.dimensions()[d].clone(),
                    values: told.len() as u32,
                    hit: told.iter().filter(half).count() as u32,
                    success_rate: (attempts > 0.0).then(|| approved / attempts),
                }
            })
            .collect()
    }

    fn latency_shift(&self, tracker: &Tracker) -> Option<LatencyShift> {
        let n = tracker.totals.0[LATENCY_N];
        if n < 20.0 {
            return None;
        }
        let mut seen = Vec::new();
        let (mut p50, mut p95, mut weight) = (0.0, 0.0, 0.0);
        for row in self.lately().flat_map(|tick| &tick.rows) {
            let cell = &self.cells.leaves[row.leaf as usize];
            if row.latency_ms == NO_LATENCY
                || row.outcome == Outcome::Open
                || !tracker.key.contains(&cell.values)
            {
                continue;
            }
            if let Some(thresholds) = self.latencies.thresholds(cell.group) {
                seen.push(row.latency_ms);
                p50 += f64::from(thresholds[0]);
                p95 += f64::from(thresholds[1]);
                weight += 1.0;
            }
        }
        if seen.len() < 10 {
            return None;
        }
        seen.sort_unstable();
        let at = |q: f64| f64::from(seen[((seen.len() - 1) as f64 * q) as usize]);
        let expected = self.watches.get(tracker.key).map_or(0.5, |watch| watch.slower_rate(0));
        let excess = tracker.totals.0[SLOWER] - n * expected;
        let sd = libm::sqrt(n * expected * (1.0 - expected) * tracker.dispersion);
        Some(LatencyShift {
            log_ratio: libm::log(at(0.5).max(1.0) / (p50 / weight).max(1.0)),
            z: excess / sd.max(1e-9),
            p95_ms: Some(at(0.95)),
            p95_expected_ms: Some(p95 / weight),
        })
    }

    /// Against the usual course of the slice's share of traffic where that is known, else against the hour before onset.
    fn volume_shift(&self, tracker: &Tracker) -> Option<VolumeShift> {
        let known = self.watches.get(tracker.key).and_then(|watch| watch.volume_share());
        let seen = tracker.totals.0[N];
        let all = tracker.all_attempts;
        let (mean, variance) = match (known, tracker.share_before) {
            _ if tracker.key.order() == 0 => return None,
            (Some((share, noise)), _) => (all * share, all * share * noise),
            (None, (share, before)) if before > 0.0 => {
                let mean = all * share;
                // Shares wander by themselves: three times the noise of single attempts.
                (mean, SHARE_NOISE * mean * (1.0 + all / before))
            }
            _ => return None,
        };
        if mean < 10.0 {
            return None;
        }
        Some(VolumeShift { ratio: seen / mean, z: (seen - mean) / libm::sqrt(variance) })
    }

    /// A slice's share of all attempts in the hour before an instant, and their number.
    pub(super) fn share_before(&self, key: SliceKey, until_ms: i64) -> (f64, f64) {
        let (mut inside, mut all) = (0.0, 0.0);
        let panes = self.panes_back(until_ms - SHARE_BEFORE_MS);
        for pane in panes.filter(|pane| pane.ends_at_ms <= until_ms) {
            for (leaf, lanes) in &pane.cells {
                all += lanes.get(N);
                if key.contains(&self.cells.leaves[*leaf as usize].values) {
                    inside += lanes.get(N);
                }
            }
        }
        if all > 0.0 { (inside / all, all) } else { (0.0, 0.0) }
    }
}

/// Shares before an onset are counted over so long.
const SHARE_BEFORE_MS: i64 = 3_600_000;
/// Variance of a share of traffic over the binomial one.
const SHARE_NOISE: f64 = 3.0;

/// How much of the shift the first stretch already showed.
fn abruptness(tracker: &Tracker) -> Option<f64> {
    let n = tracker.totals.0[N];
    let whole = (tracker.totals.0[E] - tracker.totals.0[K]) / n.max(1.0);
    let first = tracker.timeline.iter().find(|point| point.attempts >= 10)?;
    if whole <= 0.0 {
        return None;
    }
    let shift = (first.expected - first.successes as f64) / first.attempts as f64;
    Some((shift / whole).clamp(0.0, 1.0))
}
