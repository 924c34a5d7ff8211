//! One watched slice: its own level, its noise, and the detectors of its four signals.
//!
//! Two tiers watch the success rate. The fast one has a guard band (a point, and twice the wander
//! that the slice shows over ten minutes) and reacts to steps worth waking someone for; the slow
//! one has none but the baseline's own error, and finds drift. Both judge by a beta-binomial
//! likelihood with the dispersion of their time scale. The guard is where the baseline's uncertainty enters: bets are
//! placed against the lower end of the expectation, and the likelihood ratio against the end of a
//! one-sided null is an e-process for all of it (monotone likelihood ratio).

pub mod noise;
mod own_past;
pub mod stream;
mod terms;

use serde::{Deserialize, Serialize};
use stats::edetector::BernoulliDetector;

use crate::lanes::{CLASS, CLASSES, K, LATENCY_N, Lanes, N, QUANTILES, SLOWER, V, VOLUME};
use crate::logistic::{expit, logit, shift};
use crate::signal::{Signal, Tier};
use crate::space::SliceKey;
use noise::Noise;
use own_past::OwnPast;
use stream::{Stream, Terms};
pub use terms::{Alarm, Book, Moment, Thresholds};

/// The error of a level is guarded at two standard deviations: it lasts, and one value in forty lies
/// beyond, by little.
const GUARD_SD: f64 = 2.0;
/// The error of a season, learnt or not, is guarded at one: it swings about zero and is at its
/// widest for a few hours of a day.
const GUARD_SEASON_SD: f64 = 1.0;
/// Guard band of the fast tier in points of the rate.
const GUARD_POINTS: f64 = 0.01;
/// Weight of the fast tier in the mixture of both, which is an e-detector again: steps are what
/// people wait for.
const FAST_WEIGHT: f64 = 0.6;
/// Wander is guarded at this many standard deviations.
const WANDER_SD: f64 = 2.0;
/// Relative guard of latency, error mix and volume, in log-odds: half as many again.
const GUARD_SECONDARY: f64 = 0.405;
/// Guard of volume: twice or half the usual share.
const GUARD_VOLUME: f64 = 0.693;
/// A slice's own level drifts this much per square root of a day, log-odds.
const DRIFT_SD: f64 = 0.02;
/// Binomial variance that a window of the dispersion holds where ticks are short.
const ENOUGH_VARIANCE: f64 = 8.0;
/// Half of a slice's own past is forgotten after this many windows of learning (two days of ten
/// minutes).
const MEMORY_WINDOWS: f64 = 288.0;
/// Attempts that latency and error mix are judged on, in a minute at least.
const SECONDARY_ATTEMPTS: f64 = 60.0;
const SECONDARY_MS: i64 = 60_000;
/// How open a level is after an accepted shift, log-odds.
const UNSETTLED_SD: f64 = 0.2;
/// Ticks judged before a watch may alarm.
const WARM_JUDGED: u32 = 6;
/// Binomial variance seen before a watch may alarm.
const WARM_VARIANCE: f64 = 12.0;
/// Attempts of a value before its share of traffic is judged; the nominal share is forgotten by
/// then.
const VOLUME_SEEN: f64 = 200.0;
/// A value's share of traffic before anything is known.
const VOLUME_NOMINAL: f64 = 0.001;
/// A value with (nearly) all traffic has no share to watch.
const VOLUME_SHARE_MAX: f64 = 0.95;
/// Shares of traffic have a daily course that nothing models: they are judged after a
/// week of it, when the dispersion holds that course.
pub const VOLUME_WARM_MS: i64 = 7 * 86_400_000;
/// No failures of a class are ever this rare.
const CLASS_NOMINAL: f64 = 0.005;

/// A watched slice.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Watch {
    /// Which slice.
    pub key: SliceKey,
    /// Subset of dimensions it belongs to.
    pub subset: u32,
    /// Own level beyond the cells' expectation, log-odds.
    pub bias: f64,
    bias_variance: f64,
    own_level: bool,
    learnt_at_ms: i64,
    noise: Noise,
    seen_variance: f64,
    window: (f64, f64),
    held: (f64, f64),
    fast: BernoulliDetector<8>,
    slow: BernoulliDetector<8>,
    /// Statistics as last judged: fast, slow.
    pub statistics: [f64; 2],
    /// Latency, error classes, volume less and more; present where they are watched.
    pub latency: Vec<Stream>,
    /// Error classes.
    pub classes: Vec<Stream>,
    /// Share of all traffic: less, more.
    pub volume: Vec<Stream>,
    secondary: Lanes,
    secondary_at_ms: i64,
    traffic_before: f64,
    windows_at: [i64; 3],
    unsettled: bool,
    begun_at_ms: i64,
    judged: u32,
    own: OwnPast,
    most: f64,
}

impl Watch {
    /// A watch of a slice whose own level is unknown by this variance (log-odds). `own_level` is
    /// false where a season of the slice's own carries its level.
    pub fn new(
        key: SliceKey,
        subset: u32,
        bias_variance: f64,
        own_level: bool,
        moment: (i64, f64),
    ) -> Self {
        let volume = if key.order() == 1 { 2 } else { 0 };
        Self {
            key,
            subset,
            bias: 0.0,
            bias_variance: if own_level { bias_variance } else { 0.0 },
            own_level,
            learnt_at_ms: moment.0,
            noise: Noise::default(),
            seen_variance: 0.0,
            window: (0.0, 0.0),
            held: (0.0, 0.0),
            fast: BernoulliDetector::default(),
            slow: BernoulliDetector::default(),
            statistics: [0.0; 2],
            latency: vec![Stream::default(); QUANTILES.len()],
            classes: vec![Stream::default(); CLASSES],
            volume: vec![Stream::default(); volume],
            secondary: Lanes::default(),
            secondary_at_ms: moment.0,
            traffic_before: moment.1,
            windows_at: [i64::MIN; 3],
            unsettled: false,
            begun_at_ms: moment.0,
            judged: 0,
            own: OwnPast::default(),
            most: f64::MAX,
        }
    }

    /// Expected success rate where the cells expect `rate`.
    pub fn expected(&self, rate: f64) -> f64 {
        shift(rate, self.bias)
    }

    /// Reads a little of all that a judgement needs, so that memory answers for several watches at once.
    #[inline]
    pub fn touch(&self, book: &Book) -> f64 {
        let detectors = self.fast.statistic(&book.drop) + self.slow.statistic(&book.drop);
        let noise: f64 = (0..3).map(|scale| self.noise.typical_variance(scale)).sum();
        detectors + noise + self.own.touch() + self.bias + self.secondary.get(VOLUME)
    }

    /// Judges the counts since the last judgement.
    pub fn judge(&mut self, lanes: &Lanes, moment: &Moment) -> Option<Alarm> {
        let mut alarm = None;
        let n = lanes.get(N);
        if n > 0.0 {
            alarm = self.judge_success(lanes, n, moment);
        }
        self.secondary.add(lanes);
        if self.secondary_is_due(moment) {
            self.secondary_at_ms = moment.at_ms;
            let counts = std::mem::take(&mut self.secondary);
            alarm = alarm.or_else(|| self.judge_secondary(&counts, moment));
        }
        self.turn_windows(moment);
        if alarm.is_some_and(|alarm| alarm.signal != Signal::SuccessRate) {
            // Slow and oddly coded answers come together: one alarm speaks for all these streams.
            self.streams().for_each(Stream::reset);
        }
        alarm
    }

    /// Streams that are shares of all traffic set the pace where there are any.
    fn secondary_is_due(&self, moment: &Moment) -> bool {
        let enough = || {
            self.secondary.get(VOLUME) >= SECONDARY_ATTEMPTS
                && moment.at_ms - self.secondary_at_ms >= SECONDARY_MS
        };
        moment.shares || (self.volume.is_empty() && enough())
    }

    fn judge_success(&mut self, lanes: &Lanes, n: f64, moment: &Moment) -> Option<Alarm> {
        let k = lanes.get(K).min(n);
        let rate = (lanes.get(crate::lanes::E) / n).clamp(1e-6, 1.0 - 1e-6);
        let variance = lanes.get(V).max(1e-9);
        let guard = libm::sqrt(
            GUARD_SD * GUARD_SD * self.bias_variance
                + GUARD_SEASON_SD * GUARD_SEASON_SD * moment.season_variance,
        );
        let level = logit(rate) + self.bias.min(self.most);
        let (p, low) = (expit(level), expit(level - guard));
        let (near, far) = (self.noise.at(1).max(self.noise.at(0)), self.noise.at(2));
        let wander = libm::sqrt((far - near).max(0.0) * self.wander_unit(p));
        let guarded = (low - GUARD_POINTS - WANDER_SD * wander).max(low * 0.5);
        if !self.is_warm() {
            self.window.0 += k - n * p;
            self.window.1 += variance;
            self.own.window(n, k, rate);
            self.judged += 1;
            return None;
        }
        let fast = self.fast.update(&moment.book.drop, n, k, guarded, near);
        let slow = self.slow.update(&moment.book.drop, n, k, low, near.max(far));
        self.statistics = [fast, slow];
        self.noise.add(k - n * p, variance, self.bias_variance + moment.season_variance);
        self.own.window(n, k, rate);
        self.window.0 += k - n * p;
        self.window.1 += variance;
        let (fast, slow) = (FAST_WEIGHT * fast, (1.0 - FAST_WEIGHT) * slow);
        let e_value = fast + slow;
        if e_value < moment.thresholds.success {
            return None;
        }
        self.fast.reset();
        self.slow.reset();
        Some(Alarm {
            signal: Signal::SuccessRate,
            tier: if fast >= slow { Tier::Fast } else { Tier::Slow },
            which: 0,
            less: true,
            e_value,
            threshold: moment.thresholds.success,
            expected: p,
        })
    }

    /// Whether it knows its own level well enough to judge. Until then it learns whatever comes: a
    /// slice that has always been bad has not broken.
    pub fn is_warm(&self) -> bool {
        self.seen_variance >= WARM_VARIANCE && self.judged >= WARM_JUDGED
    }

    /// Variance of a ten-minute rate per unit of dispersion.
    fn wander_unit(&self, p: f64) -> f64 {
        let long = self.noise.typical_variance(2);
        let pq = p * (1.0 - p);
        if long > 0.0 { pq * pq / long } else { 0.0 }
    }

    fn judge_secondary(&mut self, counts: &Lanes, moment: &Moment) -> Option<Alarm> {
        let (warm, now) = (self.is_warm(), self.long_ticks(moment));
        let mut alarm = None;
        let mut check = |signal, which, less, e_value: f64, threshold: f64, expected| {
            if e_value >= threshold && warm && alarm.is_none() {
                let tier = Tier::Fast;
                alarm = Some(Alarm { signal, tier, which, less, e_value, threshold, expected });
            }
        };
        let latency_n = counts.get(LATENCY_N);
        for (i, stream) in self.latency.iter_mut().enumerate() {
            let terms = Terms {
                bets: &moment.book.rise,
                rises: true,
                nominal: 1.0 - QUANTILES[i],
                guard: GUARD_SECONDARY,
                threshold: moment.thresholds.latency,
                seen_min: 0.0,
                now,
            };
            let r = stream.judge(counts.get(SLOWER + i), latency_n, moment.at_ms, &terms);
            let expected = stream.expected(terms.nominal);
            check(Signal::Latency, i, false, r, terms.threshold, expected);
        }
        let n = counts.get(N);
        for (i, stream) in self.classes.iter_mut().enumerate() {
            let terms = Terms {
                bets: &moment.book.rise,
                rises: true,
                nominal: CLASS_NOMINAL,
                guard: GUARD_SECONDARY,
                threshold: moment.thresholds.class,
                seen_min: 0.0,
                now,
            };
            let r = stream.judge(counts.get(CLASS + i), n, moment.at_ms, &terms);
            let expected = stream.expected(terms.nominal);
            check(Signal::ErrorMix, i, false, r, terms.threshold, expected);
        }
        let all = moment.traffic - self.traffic_before;
        self.traffic_before = moment.traffic;
        for (i, stream) in self.volume.iter_mut().enumerate() {
            let terms = Terms {
                bets: if i == 0 { &moment.book.fall } else { &moment.book.rise },
                rises: i == 1,
                nominal: VOLUME_NOMINAL,
                guard: GUARD_VOLUME,
                threshold: moment.thresholds.volume,
                seen_min: VOLUME_SEEN,
                now: true,
            };
            let x = counts.get(VOLUME).min(all);
            let r = stream.judge(x, all, moment.at_ms, &terms);
            let all_of_it = stream.expected(terms.nominal) > VOLUME_SHARE_MAX;
            if all_of_it || moment.at_ms - self.begun_at_ms < VOLUME_WARM_MS {
                stream.reset();
                continue;
            }
            check(Signal::Volume, i, i == 0, r, terms.threshold, stream.expected(terms.nominal));
        }
        alarm
    }

    /// Closes the dispersion and learning windows that are over.
    fn turn_windows(&mut self, moment: &Moment) {
        for scale in 0..3 {
            let at = moment.at_ms.div_euclid(moment.scale_ms * noise::SCALES[scale]);
            if self.windows_at[scale] == at {
                continue;
            }
            let before = std::mem::replace(&mut self.windows_at[scale], at);
            if before == i64::MIN {
                continue;
            }
            let quiet = self.quiet(moment.thresholds);
            let least = if self.long_ticks(moment) { noise::VARIANCE_MIN } else { ENOUGH_VARIANCE };
            self.noise.close(scale, quiet, least);
            let learning = if self.long_ticks(moment) { 0 } else { 2 };
            if scale == learning {
                let keep = libm::exp2(-((at - before) as f64) / MEMORY_WINDOWS);
                self.learn(moment, quiet, keep);
                self.streams().for_each(|stream| stream.learn(quiet, keep));
            }
        }
    }

    fn long_ticks(&self, moment: &Moment) -> bool {
        moment.scale_ms > 60_000
    }

    fn streams(&mut self) -> impl Iterator<Item = &mut Stream> {
        self.latency.iter_mut().chain(&mut self.classes).chain(&mut self.volume)
    }

    /// Whether nothing speaks against taking the present as normal.
    fn quiet(&self, thresholds: &Thresholds) -> bool {
        self.statistics[0].max(self.statistics[1]) < thresholds.quiet
    }

    /// Whether it is half of the way (in log) to an alarm.
    pub fn is_suspicious(&self, thresholds: &Thresholds) -> bool {
        let most = self.statistics[0].max(self.statistics[1]);
        most * most >= thresholds.success
    }

    fn learn(&mut self, moment: &Moment, quiet: bool, keep: f64) {
        if quiet && self.held.1 > 0.0 {
            self.seen_variance += self.held.1;
            if self.own_level {
                let days = (moment.at_ms - self.learnt_at_ms).max(0) as f64 / 86_400_000.0;
                self.bias_variance += DRIFT_SD * DRIFT_SD * days;
                let dispersion = self.noise.at(2);
                let total = self.bias_variance + dispersion / self.held.1;
                let gain = self.bias_variance / total;
                self.bias += gain * (self.held.0 / self.held.1).clamp(-1.0, 1.0);
                self.bias_variance *= 1.0 - gain;
                self.learnt_at_ms = moment.at_ms;
            }
        }
        self.own.learn(quiet, keep);
        self.most = self.own.most();
        self.held = if quiet { self.window } else { (0.0, 0.0) };
        self.window = (0.0, 0.0);
    }

    /// The cells' expectation of this slice moved by `by` log-odds: its own level gives way, so
    /// that what the slice expects stays; unless it is the cells that are right, after a shift was
    /// accepted.
    pub fn rebase(&mut self, by: f64) {
        self.own.rebase(by);
        self.most = self.own.most();
        if std::mem::take(&mut self.unsettled) {
            self.bias = 0.0;
        } else if self.own_level {
            self.bias -= by;
        }
    }

    /// The season has learnt `by` log-odds from the recent past, which this watch is still to learn
    /// from: what is explained is taken out, or both would move for the same attempts.
    pub fn explain(&mut self, by: f64) {
        for (residual, variance) in [&mut self.window, &mut self.held] {
            *residual -= by * *variance;
        }
    }

    /// Forgets suspicion and what was to be learnt: an incident took this traffic, or gave it back.
    pub fn reset(&mut self) {
        self.fast.reset();
        self.slow.reset();
        self.statistics = [0.0; 2];
        self.window = (0.0, 0.0);
        self.held = (0.0, 0.0);
        self.streams().for_each(Stream::reset);
    }

    /// A lasting shift of traffic it sees was accepted: its own level is open again.
    pub fn unsettle(&mut self) {
        self.reset();
        self.unsettled = true;
        self.streams().for_each(|stream| *stream = Stream::default());
        self.own = OwnPast::default();
        self.most = f64::MAX;
        if self.own_level {
            self.bias_variance += UNSETTLED_SD * UNSETTLED_SD;
        }
    }

    /// Time passed in which nothing was seen. Its own level may have drifted meanwhile; else it is no older.
    pub fn pass_over(&mut self, ms: i64, scale_ms: i64) {
        noise::pass_over(&mut self.windows_at, ms, scale_ms);
        self.begun_at_ms += ms;
        self.secondary_at_ms += ms;
    }

    /// Dispersion of the success rate at the burst scale.
    pub fn dispersion(&self) -> f64 {
        self.noise.at(1).max(self.noise.at(0))
    }

    /// Standard deviation of its own level, log-odds.
    pub fn level_sd(&self) -> f64 {
        libm::sqrt(self.bias_variance)
    }

    /// Expected failures of a class per attempt.
    pub fn class_rate(&self, class: usize) -> f64 {
        self.classes[class].expected(CLASS_NOMINAL)
    }

    /// Expected share of attempts slower than a quantile of the baseline.
    pub fn slower_rate(&self, quantile: usize) -> f64 {
        self.latency[quantile].expected(1.0 - QUANTILES[quantile])
    }

    /// Expected share of all traffic and its dispersion, where volume is watched.
    pub fn volume_share(&self) -> Option<(f64, f64)> {
        self.volume.first().map(|stream| (stream.expected(VOLUME_NOMINAL), stream.dispersion()))
    }
}
