//! Which slices are watched, and when each is judged.
//!
//! Every slice of up to three attributes with enough traffic to show anything is watched, up to
//! [`WATCHES_MAX`]; one that selects the same attempts as a plainer slice is not, it would only ask
//! the same question twice.
//!
//! A tick costs what it holds. Only slices that it touched are looked at, and one is judged when what
//! has gathered says something: eight units of binomial variance, half a unit while it is suspicious,
//! and at once when failures pile up. What gathered before failures began to pile up is then judged
//! apart from what came since, or good attempts would dilute the bad ones that followed; so waiting
//! costs no delay. Judging early on bad news is safe, for under the alternative such a stopping time
//! comes sooner (see `stats::edetector`); and attempts judged one by one could not be held against
//! their own over-dispersion. Shares of traffic are asked for by the clock, for traffic that stays
//! away touches nothing. Long ticks (counted files) are judged one by one.

mod choose;
mod judge;
mod volume;

use judge::COLD_VARIANCE;
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};
use volume::Volume;

use crate::cells::Cells;
use crate::incidents::Tracker;
use crate::lanes::{Lanes, Line, VOLUME};
use crate::logistic::expit;
use crate::settings::Settings;
use crate::signal::Signal;
use crate::space::{SliceKey, Space};
use crate::watch::{Book, Thresholds, Watch};

/// Slices watched at most: 2 KB each.
pub const WATCHES_MAX: usize = 32_768;
const DAY_MS: f64 = 86_400_000.0;
/// A tick is crowded when a leaf comes for so many watches: each adds to some forty.
const CROWDED: usize = 8;

/// All watched slices.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Watches {
    #[serde(skip)]
    book: Book,
    list: Vec<Option<Watch>>,
    /// What came since failures began to pile up, and what gathered before.
    sums: Vec<Line>,
    waiting: Vec<Line>,
    /// Watches that the open tick has touched, and whether each has been.
    #[serde(skip)]
    touched: Vec<u32>,
    /// The open tick touches so many that all are looked at, in order.
    #[serde(skip)]
    crowded: bool,
    is_touched: Vec<bool>,
    /// First tick that each may be judged in, and the variance it waits for.
    due: Vec<i64>,
    enough: Vec<f32>,
    shares_due: Vec<i64>,
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

impl Watches {
    /// None but that of all traffic.
    pub fn new(space: &Space, settings: &Settings) -> Self {
        Self {
            book: Book::default(),
            list: Vec::new(),
            sums: Vec::new(),
            waiting: Vec::new(),
            touched: Vec::new(),
            crowded: false,
            is_touched: Vec::new(),
            due: Vec::new(),
            enough: Vec::new(),
            shares_due: Vec::new(),
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

    /// Begins a tick that holds so many leaves.
    pub fn begin(&mut self, leaves: usize) {
        self.crowded = leaves * CROWDED >= self.list.len();
    }

    /// Adds a leaf's tick to the slices that watch it.
    #[inline]
    pub fn add(&mut self, watchers: &[u32], sums: &Lanes) {
        self.traffic += sums.get(VOLUME);
        if self.crowded {
            watchers.iter().for_each(|&watch| self.sums[watch as usize].0.add(sums));
            return;
        }
        for &watch in watchers {
            let place = watch as usize;
            self.sums[place].0.add(sums);
            if !self.is_touched[place] {
                self.is_touched[place] = true;
                self.touched.push(watch);
            }
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
            for &watch in cells.watchers.of(place as u32) {
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

    /// The seasons have learnt so much (log-odds, by slice) from the recent past: no watch is to learn
    /// it again.
    pub fn explain(&mut self, by: impl Fn(SliceKey) -> f64) {
        for watch in self.list.iter_mut().flatten() {
            watch.explain(by(watch.key));
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
            for &watch in cells.watchers.of(leaf) {
                seen[watch as usize] = true;
            }
        }
        for (place, _) in seen.into_iter().enumerate().filter(|(_, seen)| *seen) {
            self.sums[place] = Line::default();
            self.waiting[place] = Line::default();
            if let Some(watch) = &mut self.list[place] {
                act(watch);
            }
        }
    }

    /// Time passed in which nothing was seen: nobody is older or has forgotten anything for it.
    pub fn pass_over(&mut self, ms: i64, tick_ms: i64) {
        let scale_ms = tick_ms.max(10_000);
        for watch in self.list.iter_mut().flatten() {
            watch.pass_over(ms, scale_ms);
        }
        self.volume.pass_over(ms, scale_ms);
        for at in [&mut self.chosen_at_ms, &mut self.begun_at_ms] {
            *at = at.map(|at| at + ms);
        }
    }

    /// Gives up a watch.
    pub fn retire(&mut self, place: u32) {
        if let Some(watch) = self.list[place as usize].take() {
            self.index.remove(&watch.key);
            self.free.push(place);
        }
    }

    fn insert(&mut self, watch: Watch, rate: f64, season_variance: f64) -> u32 {
        let key = watch.key;
        let shares_due = if watch.volume.is_empty() { i64::MAX } else { 0 };
        let place = match self.free.pop() {
            Some(place) => {
                let at = place as usize;
                self.list[at] = Some(watch);
                self.sums[at] = Line::default();
                self.waiting[at] = Line::default();
                self.due[at] = 0;
                self.enough[at] = COLD_VARIANCE;
                self.shares_due[at] = shares_due;
                self.rates[at] = rate;
                self.season_variances[at] = season_variance;
                place
            }
            None => {
                self.list.push(Some(watch));
                self.sums.push(Line::default());
                self.waiting.push(Line::default());
                self.is_touched.push(false);
                self.due.push(0);
                self.enough.push(COLD_VARIANCE);
                self.shares_due.push(shares_due);
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
