//! Which slices are watched, and when each is judged.
//!
//! Every slice of up to three attributes with enough traffic to show anything is watched, up to
//! [`WATCHES_MAX`]; one that selects the same attempts as a plainer slice is not, it would only ask
//! the same question twice. A busy slice is judged each tick, others every few ticks, and at once
//! when failures pile up: judging early on bad news is safe, for under the alternative such a
//! stopping time comes sooner (see `stats::edetector`).

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};
use stats::edetector::PoissonDetector;

use crate::baseline::Baseline;
use crate::budget::thresholds;
use crate::cells::{Cells, NOBODY};
use crate::incidents::Tracker;
use crate::lanes::{E, K, Lanes, Line, V, VOLUME};
use crate::logistic::expit;
use crate::settings::Settings;
use crate::signal::{Signal, Tier};
use crate::space::{SliceKey, Space};
use crate::traffic::{is_redundant, subset_of, sum_slices};
use crate::watch::noise::Noise;
use crate::watch::{Alarm, Book, Moment, Thresholds, VOLUME_WARM_MS, Watch};

/// Slices watched at most: 2 KB each.
pub const WATCHES_MAX: usize = 32_768;
/// Attempts a day from which a slice is watched: a total outage shows within hours.
const WATCHED_PER_DAY: f64 = 100.0;
/// How open the level of a newly watched slice is, log-odds: interactions have heavy tails, and
/// its own evidence closes it within a few learning windows.
const OPEN_SD: f64 = 0.6;
const DAY_MS: f64 = 86_400_000.0;
/// Ticks this long are judged one by one.
const LONG_TICK_MS: i64 = 60_000;
/// Attempts that latency, error mix and share of volume are judged on, if they come within ten
/// minutes; a minute at least.
const SECONDARY_ATTEMPTS: f64 = 30.0;

/// All watched slices.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Watches {
    #[serde(skip)]
    book: Book,
    list: Vec<Option<Watch>>,
    sums: Vec<Line>,
    due: Vec<i64>,
    secondary_due: Vec<i64>,
    rates: Vec<f64>,
    season_variances: Vec<f64>,
    index: FxHashMap<SliceKey, u32>,
    free: Vec<u32>,
    thresholds: Vec<Thresholds>,
    false_pages_per_week: f64,
    traffic: f64,
    chosen_at_ms: Option<i64>,
    begun_at_ms: Option<i64>,
    volume: Volume,
}

/// The volume of all traffic.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Volume {
    expected: Option<(f64, f64)>,
    more: PoissonDetector<4>,
    less: PoissonDetector<4>,
    noise: Noise,
    due: i64,
    mean: f64,
    seen: f64,
    windows_at: [i64; 3],
}

impl Watches {
    /// None but that of all traffic.
    pub fn new(space: &Space, settings: &Settings) -> Self {
        Self {
            book: Book::default(),
            list: Vec::new(),
            sums: Vec::new(),
            due: Vec::new(),
            secondary_due: Vec::new(),
            rates: Vec::new(),
            season_variances: Vec::new(),
            index: FxHashMap::default(),
            free: Vec::new(),
            thresholds: vec![Thresholds::NEVER; space.subsets().len()],
            false_pages_per_week: settings.false_pages_per_week,
            traffic: 0.0,
            chosen_at_ms: None,
            begun_at_ms: None,
            volume: Volume::default(),
        }
    }

    /// Adds attempts to the volume of all traffic, whoever holds them.
    #[inline]
    pub fn add_volume(&mut self, attempts: f64) {
        self.volume.seen += attempts;
    }

    /// Adds a leaf's tick to the slices that watch it.
    #[inline]
    pub fn add(&mut self, watchers: &[u32], sums: &Lanes) {
        self.traffic += sums.get(VOLUME);
        for &watch in watchers {
            self.sums[watch as usize].0.add(sums);
        }
    }

    /// How many slices are watched.
    pub fn len(&self) -> usize {
        self.list.len() - self.free.len()
    }

    /// A watch by its slice.
    pub fn get(&self, key: SliceKey) -> Option<&Watch> {
        self.index.get(&key).and_then(|&place| self.list[place as usize].as_ref())
    }

    /// The watch at a place.
    pub fn at(&self, place: u32) -> Option<&Watch> {
        self.list[place as usize].as_ref()
    }

    /// Dispersion of a slice's success rate over the longest scale; a cautious 1.5 where it is not
    /// watched.
    pub fn dispersion(&self, key: SliceKey) -> f64 {
        self.get(key).map_or(1.5, Watch::dispersion)
    }

    /// What the success statistics of a subset's slices alarm at.
    pub fn threshold(&self, subset: u32) -> f64 {
        self.thresholds[subset as usize].success
    }

    /// Dispersion of the volume.
    pub fn volume_dispersion(&self) -> f64 {
        self.volume.noise.at(2).max(self.volume.noise.at(0)).max(2.0)
    }

    /// Sets the variance that the season leaves in each slice's expectation.
    pub fn set_season_variance(&mut self, variance: impl Fn(SliceKey) -> f64) {
        for (watch, place) in self.list.iter().zip(&mut self.season_variances) {
            if let Some(watch) = watch {
                *place = variance(watch.key);
            }
        }
    }

    /// Sets the expected volume per millisecond, and its variance on the log scale.
    pub fn set_volume(&mut self, expected: Option<(f64, f64)>) {
        self.volume.expected = expected;
    }

    /// Judges what is due; the number is that of the tick.
    pub fn judge(&mut self, number: i64, at_ms: i64, tick_ms: i64) -> Vec<(u32, Alarm)> {
        let mut alarms = Vec::new();
        let scale_ms = tick_ms.max(10_000);
        for place in 0..self.list.len() {
            let sums = &self.sums[place].0;
            if self.due[place] > number {
                let missing = sums.0[E] - sums.0[K];
                if missing < 2.0 || missing * missing < 6.0 * sums.0[V] {
                    continue;
                }
            }
            let Some(watch) = &mut self.list[place] else { continue };
            let period = period(self.rates[place], tick_ms);
            self.due[place] = number - number.rem_euclid(period) + period;
            let secondary = self.secondary_due[place] <= number;
            if secondary {
                let period = secondary_period(self.rates[place], tick_ms);
                self.secondary_due[place] = number - number.rem_euclid(period) + period;
            }
            let sums = std::mem::take(&mut self.sums[place]).0;
            let moment = Moment {
                at_ms,
                scale_ms,
                season_variance: self.season_variances[place],
                traffic: self.traffic,
                secondary,
                book: &self.book,
                thresholds: &self.thresholds[watch.subset as usize],
            };
            if let Some(alarm) = watch.judge(&sums, &moment) {
                alarms.push((place as u32, alarm));
            }
        }
        alarms.extend(self.judge_volume(number, at_ms, tick_ms).map(|alarm| (0, alarm)));
        alarms
    }

    fn judge_volume(&mut self, number: i64, at_ms: i64, tick_ms: i64) -> Option<Alarm> {
        let volume = &mut self.volume;
        let (rate, variance) = volume.expected?;
        volume.mean += rate * tick_ms as f64;
        if volume.due > number {
            return None;
        }
        let period = (10_000 / tick_ms).max(1);
        volume.due = number - number.rem_euclid(period) + period;
        let (more, less) = (&self.book.more, &self.book.fewer);
        let (mean, seen) = (std::mem::take(&mut volume.mean), std::mem::take(&mut volume.seen));
        let dispersion = volume.noise.at(2).max(volume.noise.at(0));
        let guard = VOLUME_GUARD + 2.0 * libm::sqrt(variance);
        let up = volume.more.update(more, mean * libm::exp(guard), seen, dispersion);
        let down = volume.less.update(less, mean * libm::exp(-guard), seen, dispersion);
        let threshold = self.thresholds[0].volume;
        volume.noise.add(seen - mean, mean, variance);
        let scale_ms = tick_ms.max(10_000);
        for scale in 0..3 {
            let at = at_ms.div_euclid(scale_ms * crate::watch::noise::SCALES[scale]);
            if volume.windows_at[scale] != at {
                volume.windows_at[scale] = at;
                volume.noise.close(scale, up.max(down) < libm::sqrt(threshold) * 10.0);
            }
        }
        if at_ms - self.begun_at_ms.unwrap_or(at_ms) < VOLUME_WARM_MS {
            volume.more.reset();
            volume.less.reset();
            return None;
        }
        let expected = rate * 1_000.0;
        let say = |less: bool, e_value: f64| Alarm {
            signal: Signal::Volume,
            tier: Tier::Fast,
            which: usize::from(!less),
            less,
            e_value,
            threshold,
            expected,
        };
        if up >= threshold {
            volume.more.reset();
            return Some(say(false, up));
        }
        (down >= threshold).then(|| {
            volume.less.reset();
            say(true, down)
        })
    }

    /// Expected success rate of each watched slice over the past of its leaves, without its own
    /// level.
    pub fn past_rates(&self, cells: &Cells) -> Vec<f64> {
        let mut sums = vec![(0.0, 0.0); self.list.len()];
        for leaf in cells.live() {
            let place = leaf as usize;
            let leaf = &cells.leaves[place];
            if leaf.past.n <= 0.0 {
                continue;
            }
            let p = expit(leaf.base + leaf.past.offset / leaf.past.n);
            for &watch in &cells.watchers[place] {
                let sum = &mut sums[watch as usize];
                sum.0 += leaf.past.n * p;
                sum.1 += leaf.past.n;
            }
        }
        sums.into_iter().map(|(e, n): (f64, f64)| if n > 0.0 { e / n } else { 0.5 }).collect()
    }

    /// The cells' expectations moved by these log-odds per watch.
    pub fn rebase(&mut self, by: impl Iterator<Item = f64>) {
        for (watch, by) in self.list.iter_mut().zip(by) {
            if let Some(watch) = watch {
                watch.rebase(by);
            }
        }
    }

    /// Forgets the suspicion of watches that see any of these leaves.
    pub fn reset_over(&mut self, leaves: &[u32], cells: &Cells) {
        self.over(leaves, cells, Watch::reset);
    }

    /// Opens the levels of watches that see any of these leaves: a shift was accepted.
    pub fn unsettle_over(&mut self, leaves: &[u32], cells: &Cells) {
        self.over(leaves, cells, Watch::unsettle);
    }

    /// Takes what a slow, oddly coded or rare stream shows as its new normal.
    pub fn accept_streams(&mut self, key: SliceKey, tracker: &Tracker) {
        let Some(&place) = self.index.get(&key) else { return };
        let Some(watch) = &mut self.list[place as usize] else { return };
        let which = tracker.alarm.which;
        let (n, x, _) = tracker.bad(&tracker.totals);
        match tracker.alarm.signal {
            Signal::Latency => watch.latency[which].accept(x, n),
            Signal::ErrorMix => watch.classes[which].accept(x, n),
            Signal::Volume => {
                let seen = tracker.totals.0[VOLUME];
                for stream in &mut watch.volume {
                    stream.accept(seen, tracker.all_attempts);
                }
            }
            Signal::SuccessRate => {}
        }
    }

    fn over(&mut self, leaves: &[u32], cells: &Cells, act: impl Fn(&mut Watch)) {
        let mut seen = vec![false; self.list.len()];
        for &leaf in leaves {
            for &watch in &cells.watchers[leaf as usize] {
                seen[watch as usize] = true;
            }
        }
        for (place, _) in seen.into_iter().enumerate().filter(|(_, seen)| *seen) {
            self.sums[place] = Line::default();
            if let Some(watch) = &mut self.list[place] {
                act(watch);
            }
        }
    }

    /// Gives up a watch.
    pub fn retire(&mut self, place: u32) {
        if let Some(watch) = self.list[place as usize].take() {
            self.index.remove(&watch.key);
            self.free.push(place);
        }
    }

    /// Chooses again what is watched, from the leaves' traffic; `signals` says whether latencies
    /// and codes are recorded at all.
    pub fn choose(
        &mut self,
        cells: &mut Cells,
        space: &Space,
        baseline: &mut Baseline,
        now_ms: i64,
        tick_ms: i64,
        signals: (bool, bool),
    ) {
        let begun = *self.begun_at_ms.get_or_insert(now_ms);
        let since = self.chosen_at_ms.unwrap_or(begun - tick_ms);
        self.chosen_at_ms = Some(now_ms);
        let elapsed = ((now_ms - since) as f64 / tick_ms as f64).max(1.0);
        let memory = ((since - begun) as f64).clamp(0.0, DAY_MS) / tick_ms as f64;
        for leaf in &mut cells.leaves {
            leaf.rate = (leaf.rate * memory + leaf.recent) / (memory + elapsed);
            leaf.recent = 0.0;
        }
        let information = sum_slices(cells, space.subsets().len());
        let ticks_per_day = DAY_MS / tick_ms as f64;
        let total = cells.slices.first().map_or(0.0, |all| all.rate);
        let cutoff = self.cutoff(cells, WATCHED_PER_DAY / ticks_per_day);
        self.choose_seasons(cells, baseline, ticks_per_day, now_ms - begun);
        for (number, information) in information.into_iter().enumerate() {
            let entry = cells.slices[number];
            if entry.users == 0 {
                continue;
            }
            let wanted = entry.rate >= cutoff || entry.key == SliceKey::ALL;
            if entry.watch != NOBODY {
                let place = entry.watch as usize;
                self.rates[place] = entry.rate;
                if entry.rate < cutoff / 2.0 && entry.key != SliceKey::ALL {
                    self.retire(entry.watch);
                    cells.slices[number].watch = NOBODY;
                }
            } else if wanted && !is_redundant(cells, entry.key, entry.rate) {
                let subset = subset_of(space, entry.key);
                let prior = baseline.effect_variance(subset);
                let shrunk = 1.0 / (information / 1.5 + 1.0 / prior);
                let variance = shrunk.max(OPEN_SD * OPEN_SD);
                let own = entry.key != SliceKey::ALL;
                let watch =
                    Watch::new(entry.key, subset as u32, variance, own, (now_ms, self.traffic));
                let season = baseline.season_variance(entry.key);
                cells.slices[number].watch = self.insert(watch, entry.rate, season);
            }
        }
        cells.link_watches();
        let weekly = total * 7.0 * ticks_per_day;
        let spoken = [true, signals.0, signals.1, now_ms - begun >= VOLUME_WARM_MS];
        let budget = self.false_pages_per_week;
        if let Ok(thresholds) = thresholds(space.subsets(), weekly, budget, spoken) {
            self.thresholds = thresholds;
        }
    }

    fn cutoff(&self, cells: &Cells, least: f64) -> f64 {
        let mut rates: Vec<f64> = cells
            .slices
            .iter()
            .filter(|entry| entry.users > 0 && entry.rate >= least)
            .map(|entry| entry.rate)
            .collect();
        if rates.len() <= WATCHES_MAX {
            return least;
        }
        let place = rates.len() - WATCHES_MAX;
        *rates.select_nth_unstable_by(place, f64::total_cmp).1
    }

    fn choose_seasons(
        &self,
        cells: &Cells,
        baseline: &mut Baseline,
        ticks_per_day: f64,
        age_ms: i64,
    ) {
        let mut busiest: Vec<((u8, u32), f64)> = cells
            .slices
            .iter()
            .filter(|entry| entry.users > 0 && entry.key.order() == 1)
            .filter_map(|entry| {
                let (d, v) = entry.key.conditions().next()?;
                Some(((d as u8, v), entry.rate * ticks_per_day))
            })
            .collect();
        busiest.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        baseline.choose_seasons(&busiest, age_ms);
    }

    fn insert(&mut self, watch: Watch, rate: f64, season_variance: f64) -> u32 {
        let key = watch.key;
        let place = match self.free.pop() {
            Some(place) => {
                let at = place as usize;
                self.list[at] = Some(watch);
                self.sums[at] = Line::default();
                self.due[at] = 0;
                self.secondary_due[at] = 0;
                self.rates[at] = rate;
                self.season_variances[at] = season_variance;
                place
            }
            None => {
                self.list.push(Some(watch));
                self.sums.push(Line::default());
                self.due.push(0);
                self.secondary_due.push(0);
                self.rates.push(rate);
                self.season_variances.push(season_variance);
                (self.list.len() - 1) as u32
            }
        };
        self.index.insert(key, place);
        place
    }

    /// Expected volume of all traffic in a tick of this length.
    pub fn expected_volume(&self, tick_ms: i64) -> f64 {
        self.volume.expected.map_or(0.0, |(rate, _)| rate * tick_ms as f64)
    }
}

/// Guard of all traffic's volume, log scale: half or one and a half times.
const VOLUME_GUARD: f64 = 0.405;

/// How many ticks apart a slice of this many attempts per tick is judged.
fn period(rate: f64, tick_ms: i64) -> i64 {
    if tick_ms >= LONG_TICK_MS {
        return 1;
    }
    let per_second = rate * 1_000.0 / tick_ms as f64;
    let period_ms = match per_second {
        r if r >= 20.0 => 1_000,
        r if r >= 0.5 => 5_000,
        r if r >= 0.05 => 10_000,
        _ => 30_000,
    };
    (period_ms / tick_ms).max(1)
}

/// The same for its secondary signals.
fn secondary_period(rate: f64, tick_ms: i64) -> i64 {
    if tick_ms >= LONG_TICK_MS {
        return 1;
    }
    let period = SECONDARY_ATTEMPTS / rate.max(1e-9);
    (period.min(1e9) as i64).clamp(60_000 / tick_ms, 600_000 / tick_ms).max(1)
}
