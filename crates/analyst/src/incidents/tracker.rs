//! One incident while it goes on: what it took, how it runs, and whether it is over.
//!
//! Recovery is a change point in the other direction, found by a CUSUM (Page 1954) of the
//! likelihood ratio of "back at the baseline" against "as the incident has been", tempered by the
//! slice's dispersion. It ends at [`RECOVERED_NATS`], and the end is dated to where the sum last
//! left zero; what lies after that is not the incident's.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::lanes::{CLASS, E, K, LATENCY_N, Lanes, N, SLOWER, V, VOLUME};
use crate::logistic::{expit, logit};
use crate::purse::Sums;
use crate::second_opinion::Opinion;
use crate::signal::Signal;
use crate::space::{SliceKey, Values};
use crate::watch::Alarm;
use crate::{Incident, TimelinePoint};

/// Evidence for recovery, about 400 to 1.
pub const RECOVERED_NATS: f64 = 6.0;
/// Attempts after which chance has had one try more.
const RECOVERED_ATTEMPTS: f64 = 100.0;
/// An incident this weak in log-odds is judged as if it were this strong, or it would never end.
const OFFSET_MIN: f64 = 0.15;
/// Points kept of its history.
const TIMELINE_MAX: usize = 240;

/// Counts since onset, as numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Totals(pub [f64; 16]);

impl Totals {
    /// Adds a tick.
    pub fn add(&mut self, lanes: &Lanes) {
        for (total, lane) in self.0.iter_mut().zip(&lanes.0) {
            *total += f64::from(*lane);
        }
    }

    fn add_totals(&mut self, other: &Self) {
        for (total, lane) in self.0.iter_mut().zip(&other.0) {
            *total += lane;
        }
    }
}

/// An incident, open or over.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Tracker {
    /// Number in order of detection.
    pub number: u32,
    /// Root-cause slice.
    pub key: SliceKey,
    /// The same attempts by other names.
    pub aliases: Vec<SliceKey>,
    /// What spoke first.
    pub alarm: Alarm,
    /// Which lanes of its leaves it holds: success (all), latency, error mix; `None` for volume.
    pub mask: Option<usize>,
    /// Estimated onset.
    pub started_at_ms: i64,
    /// When it was found.
    pub detected_at_ms: i64,
    /// Dispersion of its slice.
    pub dispersion: f64,
    /// Standard deviation of the expectation, log-odds.
    pub expectation_sd: f64,
    /// Counts since onset that are its own.
    pub totals: Totals,
    /// Counts since the recovery may have begun.
    tentative: Totals,
    /// This tick's counts.
    pub tick: Lanes,
    /// Volume of all traffic, or expected volume, in this tick.
    pub tick_expected_volume: f64,
    recovery: f64,
    recovery_from_ms: i64,
    /// End, once over.
    pub resolved_at_ms: Option<i64>,
    /// Why it ended.
    pub resolution: Option<String>,
    /// Last tick with traffic.
    pub seen_ms: i64,
    /// History for charts.
    pub timeline: Vec<TimelinePoint>,
    timeline_step_ms: i64,
    /// Counts per (dimension, value) inside the slice.
    pub inside: BTreeMap<(u8, u32), [f64; 4]>,
    /// Attempts of every value up to onset.
    pub before: Vec<Vec<f64>>,
    /// Money per currency.
    pub money: BTreeMap<u16, Sums>,
    /// Response codes seen.
    pub codes: BTreeMap<u16, u64>,
    /// All attempts since onset, everywhere.
    pub all_attempts: f64,
    /// The slice's share of all attempts in the hour before onset, and how many there were.
    pub share_before: (f64, f64),
    /// Evidence at the last localisation, nats.
    pub localised_at: f64,
    /// Evidence at the last report, nats.
    pub reported_at: f64,
    /// Parts that became incidents of their own, and since when.
    pub parted: Vec<(SliceKey, i64)>,
    /// What the second opinion thought when it was last told of.
    pub opinion: Option<Opinion>,
    /// What was last said of it.
    pub told: Option<Box<Incident>>,
}

impl Tracker {
    /// A new incident at a slice.
    pub fn new(number: u32, key: SliceKey, alarm: Alarm, started_at_ms: i64, now_ms: i64) -> Self {
        Self {
            number,
            key,
            aliases: Vec::new(),
            mask: crate::signal::mask_of(alarm.signal),
            alarm,
            started_at_ms,
            detected_at_ms: now_ms,
            dispersion: 1.0,
            expectation_sd: 0.0,
            totals: Totals::default(),
            tentative: Totals::default(),
            tick: Lanes::default(),
            tick_expected_volume: 0.0,
            recovery: 0.0,
            recovery_from_ms: now_ms,
            resolved_at_ms: None,
            resolution: None,
            seen_ms: now_ms,
            timeline: Vec::new(),
            timeline_step_ms: 0,
            inside: BTreeMap::new(),
            before: Vec::new(),
            money: BTreeMap::new(),
            codes: BTreeMap::new(),
            all_attempts: 0.0,
            share_before: (0.0, 0.0),
            localised_at: 0.0,
            reported_at: 0.0,
            parted: Vec::new(),
            opinion: None,
            told: None,
        }
    }

    /// Whether it still goes on.
    pub fn is_open(&self) -> bool {
        self.resolved_at_ms.is_none()
    }

    /// Whether an attempt of a time is the incident's.
    pub fn counts(&self, values: &Values, at_ms: i64) -> bool {
        self.key.contains(values)
            && !self.parted.iter().any(|(part, since)| at_ms >= *since && part.contains(values))
    }

    /// How far its rate of bad attempts is shifted, in log-odds.
    pub fn offset(&self) -> f64 {
        let (all, bad, expected) = self.bad(&self.totals);
        if all <= 0.0 {
            return 0.0;
        }
        logit((bad + 0.5) / (all + 1.0)) - logit(expected / all)
    }

    /// Its alarm, as what it is about by now: one that began with odd codes and took the success rate
    /// with it is about the success rate.
    pub fn subject(&self) -> Alarm {
        match self.mask {
            Some(0) => Alarm { signal: Signal::SuccessRate, ..self.alarm },
            _ => self.alarm,
        }
    }

    /// (attempts, bad, expected bad) of its signal in some counts.
    pub fn bad(&self, lanes: &Totals) -> (f64, f64, f64) {
        let at = |lane: usize| lanes.0[lane];
        match self.alarm.signal {
            _ if self.mask == Some(0) => (at(N), at(N) - at(K), at(N) - at(E)),
            Signal::Latency => {
                let n = at(LATENCY_N);
                (n, at(SLOWER + self.alarm.which), n * self.alarm.expected)
            }
            Signal::ErrorMix => (at(N), at(CLASS + self.alarm.which), at(N) * self.alarm.expected),
            Signal::SuccessRate | Signal::Volume => (at(VOLUME), at(N) - at(K), at(N) - at(E)),
        }
    }

    /// Evidence for the incident so far, nats: binomial likelihood of its own rate against the
    /// expected one, tempered.
    pub fn evidence(&self) -> f64 {
        let (n, bad, expected) = self.bad(&self.totals);
        binomial_llr(n, bad, expected) / self.dispersion
    }

    /// Counts a tick; says whether the incident is over.
    pub fn follow(&mut self, starts_at_ms: i64, ends_at_ms: i64, step_ms: i64) -> bool {
        let lanes = std::mem::take(&mut self.tick);
        self.chart(&lanes, starts_at_ms, step_ms);
        let expected_volume = std::mem::take(&mut self.tick_expected_volume);
        let mut tick = Totals::default();
        tick.add(&lanes);
        if lanes.get(VOLUME) > 0.0 {
            self.seen_ms = ends_at_ms;
        }
        let gain = if self.mask.is_none() {
            self.volume_gain(lanes.get(VOLUME), expected_volume)
        } else {
            self.rate_gain(&tick)
        };
        if self.recovery + gain <= 0.0 {
            self.recovery = 0.0;
            let tentative = std::mem::take(&mut self.tentative);
            self.totals.add_totals(&tentative);
            self.totals.add(&lanes);
            self.recovery_from_ms = ends_at_ms;
        } else {
            if self.recovery == 0.0 {
                self.recovery_from_ms = starts_at_ms;
            }
            self.recovery += gain;
            self.tentative.add(&lanes);
        }
        // The longer it lasts, the more often chance has tried.
        let tries = libm::log1p(self.totals.0[VOLUME] / RECOVERED_ATTEMPTS);
        self.recovery >= RECOVERED_NATS + tries
    }

    /// Where the recovery began, if it has.
    pub fn recovery_from_ms(&self) -> i64 {
        self.recovery_from_ms
    }

    /// Whether a recovery is suspected: what happens now may not be the incident's.
    pub fn may_be_over(&self) -> bool {
        self.recovery > 0.0
    }

    fn rate_gain(&self, tick: &Totals) -> f64 {
        let (n, bad, expected) = self.bad(tick);
        if n <= 0.0 {
            return 0.0;
        }
        let normal = (expected / n).clamp(1e-6, 1.0 - 1e-6);
        let during = expit(logit(normal) + self.offset().max(OFFSET_MIN));
        let good = n - bad;
        (bad * libm::log(normal / during) + good * libm::log((1.0 - normal) / (1.0 - during)))
            / self.dispersion
    }

    fn volume_gain(&self, seen: f64, expected: f64) -> f64 {
        if expected <= 0.0 {
            return 0.0;
        }
        let ratio = if self.alarm.less { 0.6 } else { 1.6 };
        (seen * libm::log(1.0 / ratio) - expected * (1.0 - ratio)) / (4.0 * self.dispersion)
    }

    fn chart(&mut self, lanes: &Lanes, starts_at_ms: i64, step_ms: i64) {
        let step = self.timeline_step_ms.max(step_ms);
        self.timeline_step_ms = step;
        let at = starts_at_ms - starts_at_ms.rem_euclid(step);
        let point = TimelinePoint {
            at: payments::Timestamp::from_millis(at),
            attempts: lanes.get(N).round() as u64,
            successes: lanes.get(K).round() as u64,
            expected: lanes.get(E),
        };
        push_point(&mut self.timeline, point);
        if self.timeline.len() > TIMELINE_MAX {
            self.timeline_step_ms = step * 2;
            let points = std::mem::take(&mut self.timeline);
            for mut point in points {
                let ms = point.at.as_millis();
                point.at = payments::Timestamp::from_millis(ms - ms.rem_euclid(step * 2));
                push_point(&mut self.timeline, point);
            }
        }
    }

    /// Adds a leaf's counts to the breakdown by value.
    pub fn break_down(&mut self, values: &[u32], lanes: &Lanes, dimensions: usize) {
        for (d, &value) in values.iter().enumerate().take(dimensions) {
            let sums = self.inside.entry((d as u8, value)).or_default();
            sums[0] += lanes.get(N);
            sums[1] += lanes.get(K);
            sums[2] += lanes.get(E);
            sums[3] += lanes.get(V);
        }
    }

    /// Counts a stretch of time that lies behind.
    pub fn count_anew(&mut self, lanes: &Lanes, starts_at_ms: i64, step_ms: i64) {
        self.totals.add(lanes);
        self.chart(lanes, starts_at_ms, step_ms);
    }

    /// It was not over.
    pub fn reopen(&mut self, now_ms: i64) {
        self.resolved_at_ms = None;
        self.resolution = None;
        self.told = None;
        self.seen_ms = now_ms;
    }

    /// Starts its counts again, for another slice or onset.
    pub fn clear_counts(&mut self) {
        self.totals = Totals::default();
        self.tentative = Totals::default();
        self.recovery = 0.0;
        self.timeline.clear();
        self.timeline_step_ms = 0;
        self.inside.clear();
        self.money.clear();
        self.all_attempts = 0.0;
    }
}

fn push_point(points: &mut Vec<TimelinePoint>, point: TimelinePoint) {
    match points.last_mut() {
        Some(last) if last.at == point.at => {
            last.attempts += point.attempts;
            last.successes += point.successes;
            last.expected += point.expected;
        }
        _ => points.push(point),
    }
}

/// Log-likelihood ratio of the rate seen against the rate expected, for more than expected only.
pub fn binomial_llr(n: f64, bad: f64, expected_bad: f64) -> f64 {
    if n <= 0.0 || bad <= expected_bad {
        return 0.0;
    }
    let p = (expected_bad / n).clamp(1e-9, 1.0 - 1e-9);
    let term = |count: f64, rate: f64| {
        if count <= 0.0 { 0.0 } else { count * libm::log(count / n / rate) }
    };
    term(bad, p) + term(n - bad, 1.0 - p)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::Tier;

    fn lanes(n: f32, k: f32, e: f32) -> Lanes {
        let mut lanes = Lanes::default();
        lanes.0[N] = n;
        lanes.0[K] = k;
        lanes.0[E] = e;
        lanes.0[VOLUME] = n;
        lanes
    }

    fn tracker() -> Tracker {
        let alarm = Alarm {
            signal: Signal::SuccessRate,
            tier: Tier::Fast,
            which: 0,
            less: true,
            e_value: 1e9,
            threshold: 1e8,
            expected: 0.9,
        };
        Tracker::new(1, SliceKey::ALL, alarm, 0, 1_000)
    }

    #[test]
    fn ends_where_the_recovery_began() {
        let mut tracker = tracker();
        for second in 0..60 {
            tracker.tick = lanes(10.0, 5.0, 9.0);
            assert!(!tracker.follow(second * 1_000, second * 1_000 + 1_000, 10_000));
        }
        let mut over_at = None;
        for second in 60..120 {
            tracker.tick = lanes(10.0, 9.0, 9.0);
            if tracker.follow(second * 1_000, second * 1_000 + 1_000, 10_000) {
                over_at = Some(second);
                break;
            }
        }
        assert!(over_at.is_some_and(|second| second < 65));
        assert_eq!(tracker.recovery_from_ms(), 60_000);
        assert_eq!(tracker.totals.0[N], 600.0);
    }

    #[test]
    fn evidence_is_one_sided() {
        assert_eq!(binomial_llr(100.0, 5.0, 10.0), 0.0);
        assert!(binomial_llr(100.0, 30.0, 10.0) > 10.0);
    }

    #[test]
    fn the_chart_is_bounded_and_conserves_attempts() {
        let mut tracker = tracker();
        for tick in 0..10_000_i64 {
            tracker.tick = lanes(3.0, 1.0, 2.5);
            tracker.follow(tick * 10_000, tick * 10_000 + 10_000, 10_000);
        }
        assert!(tracker.timeline.len() <= TIMELINE_MAX);
        let attempts: u64 = tracker.timeline.iter().map(|point| point.attempts).sum();
        assert_eq!(attempts, 30_000);
    }
}
