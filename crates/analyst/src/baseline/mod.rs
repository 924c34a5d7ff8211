//! What is expected of every cell, now: level, season, drift, and how sure that is.
//!
//! Log-odds of a leaf = effects of its slices + season of all traffic + seasons of its busiest
//! values. Learnt from panes that have left the quarantine, never from traffic that an incident
//! holds. A shift that lasts is accepted when its incident says so (`incidents`), by forgetting the
//! past of its cells.

pub mod effects;
pub mod season;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::cells::{Cells, Leaf};
use crate::history::Pane;
use crate::lanes::{CLASS, CLASSES, K, N, VOLUME};
use crate::logistic::{expit, logit};
use crate::space::{SliceKey, Space, Values};
use crate::watches::Watches;
use effects::Effects;
use season::Season;

/// Half-life of what cells remember.
const HALF_LIFE_MS: f64 = 14.0 * 86_400_000.0;
/// Values that may have a season of their own.
const SEASONS_MAX: usize = 48;
/// Attempts a day from which a value's own season can be told from noise.
const SEASON_PER_DAY: f64 = 2_000.0;
/// Until a whole day has been seen, a value's level can't be told from its course.
const SEASON_AFTER_MS: i64 = 86_400_000;
/// A value with (nearly) all traffic has no season beside that of all.
const SHARE_MAX: f64 = 0.95;
/// The model is fitted again when the past has grown by this factor, or after `REFIT_MS`.
const GROWTH: f64 = 1.1;
const REFIT_MS: i64 = 6 * 3_600_000;
/// Attempts before the first fit.
const FIRST_FIT: f64 = 200.0;
/// The season moves slowly: expectations are refreshed this often.
const REFRESH_MS: i64 = 60_000;

/// A value's own season, now.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Own {
    /// Log-odds beyond the season of all traffic; zero where none is learnt.
    offset: f64,
    /// Its variance: that of the prior where none is learnt.
    variance: f64,
    /// The part of it that all traffic's season doesn't hold already: (1 - share)^2.
    rest: f64,
}

impl Own {
    /// Nothing is learnt of a value's season: it is as far from that of all traffic as values are.
    fn unknown() -> Self {
        Self { offset: 0.0, variance: Season::own_prior_variance(), rest: 1.0 }
    }
}

/// The expectation of every cell.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Baseline {
    season: Season,
    values: BTreeMap<(u8, u32), Season>,
    volume: Season,
    volume_level: Option<f64>,
    effects: Effects,
    fitted: bool,
    past: f64,
    fitted_past: f64,
    fitted_at_ms: i64,
    decayed_at_ms: Option<i64>,
    refreshed: i64,
    all_offset: f64,
    all_variance: f64,
    /// What each value's own season says now, by dimension.
    offsets: Vec<Vec<Own>>,
    dimensions: usize,
    class_totals: [f64; CLASSES],
}

impl Baseline {
    /// Nothing is known.
    pub fn new(space: &Space) -> Self {
        Self {
            season: Season::of_all(),
            values: BTreeMap::new(),
            volume: Season::of_all(),
            volume_level: None,
            effects: Effects::new(space.subsets()),
            fitted: false,
            past: 0.0,
            fitted_past: 0.0,
            fitted_at_ms: 0,
            decayed_at_ms: None,
            refreshed: i64::MIN,
            all_offset: 0.0,
            all_variance: 0.0,
            offsets: vec![Vec::new(); space.dimensions().len()],
            dimensions: space.dimensions().len(),
            class_totals: [0.0; CLASSES],
        }
    }

    /// Whether there is anything to hold traffic against.
    pub fn is_fitted(&self) -> bool {
        self.fitted
    }

    /// Expected success rate of a leaf, now.
    pub fn expected(&self, leaf: &Leaf) -> f64 {
        self.expected_in(leaf, self.all_offset)
    }

    /// Offset of the season of all traffic at an instant.
    pub fn season_at(&self, at_ms: i64) -> f64 {
        self.season.at(at_ms).0
    }

    /// Expected success rate of a leaf when the season of all traffic has this offset.
    pub fn expected_in(&self, leaf: &Leaf, season: f64) -> f64 {
        expit(leaf.base + season + self.own_offset(&leaf.values))
    }

    /// Expected success rate, now, of a combination with this base, whether it has a leaf or not.
    pub fn expected_of(&self, base: f64, values: &Values) -> f64 {
        expit(base + self.all_offset + self.own_offset(values))
    }

    fn own_offset(&self, values: &Values) -> f64 {
        self.offsets
            .iter()
            .zip(values)
            .filter_map(|(of_dimension, &value)| of_dimension.get(value as usize))
            .map(|own| own.offset)
            .sum()
    }

    fn own_of(&mut self, (d, v): (u8, u32)) -> &mut Own {
        let of_dimension = &mut self.offsets[usize::from(d)];
        let place = v as usize;
        if of_dimension.len() <= place {
            of_dimension.resize(place + 1, Own::unknown());
        }
        &mut of_dimension[place]
    }

    /// Expected failures of each class among `n` attempts of a leaf: its own past, leaning on all
    /// traffic's mix by 50 attempts.
    pub fn expected_class(&self, leaf: &Leaf, class: usize, n: f64) -> f64 {
        let all = self.class_totals[class] / self.past.max(1.0);
        n * (leaf.past.classes[class] + 50.0 * all) / (leaf.past.n + 50.0)
    }

    /// Failures of a class per attempt, over all traffic.
    pub fn class_rate(&self, class: usize) -> f64 {
        self.class_totals[class] / self.past.max(1.0)
    }

    /// A lasting shift inside a slice was accepted: the seasons it takes part in are open again.
    pub fn unsettle(&mut self, key: SliceKey) {
        self.season.unsettle();
        for (d, v) in key.conditions() {
            if let Some(season) = self.values.get_mut(&(d as u8, v)) {
                season.unsettle();
            }
        }
    }

    /// Variance of the season's part in a slice's expectation, log-odds: of what is learnt and of what
    /// isn't, for a course that nobody has seen yet will come all the same.
    pub fn season_variance(&self, key: SliceKey) -> f64 {
        let own: f64 = key
            .conditions()
            .map(|(d, v)| self.offsets[d].get(v as usize).copied().unwrap_or_else(Own::unknown))
            .map(|own| own.variance * own.rest)
            .sum();
        self.all_variance + own
    }

    /// Variance of the effects of a subset.
    pub fn effect_variance(&self, subset: usize) -> f64 {
        self.effects.variance(subset)
    }

    /// Brings expectations up to an instant.
    pub fn refresh(
        &mut self,
        starts_at_ms: i64,
        ends_at_ms: i64,
        cells: &mut Cells,
        watches: &mut Watches,
    ) {
        let step = starts_at_ms.div_euclid(REFRESH_MS);
        if step == self.refreshed {
            return;
        }
        self.refreshed = step;
        let at_ms = (starts_at_ms + ends_at_ms.max(starts_at_ms + REFRESH_MS)) / 2;
        (self.all_offset, self.all_variance) = self.season.at(at_ms);
        let now: Vec<_> = self.values.iter().map(|(key, s)| (*key, s.at(at_ms))).collect();
        for (key, (offset, variance)) in now {
            let own = self.own_of(key);
            (own.offset, own.variance) = (offset, variance);
        }
        self.spread(cells);
        watches.set_season_variance(|key| self.season_variance(key));
        watches.set_volume(self.volume_level.map(|level| {
            let (offset, variance) = self.volume.at(at_ms);
            (libm::exp(level + offset), variance)
        }));
    }

    fn spread(&self, cells: &mut Cells) {
        for (leaf, expected) in cells.leaves.iter().zip(&mut cells.expected) {
            if leaf.live {
                *expected = self.expected(leaf) as f32;
            }
        }
    }

    /// Learns a pane that nothing spoke against.
    pub fn teach(
        &mut self,
        pane: &Pane,
        cells: &mut Cells,
        watches: &mut Watches,
        excluded: impl Fn(&Values) -> bool,
    ) {
        let at_ms = pane.middle_ms();
        let lessons: Vec<(usize, f64, f64)> = pane
            .cells
            .iter()
            .filter(|(leaf, lanes)| {
                let leaf = &cells.leaves[*leaf as usize];
                leaf.live && lanes.get(N) > 0.0 && !excluded(&leaf.values)
            })
            .map(|(leaf, lanes)| (*leaf as usize, lanes.get(N), lanes.get(K)))
            .collect();
        if self.fitted {
            let (all_before, before) = self.seasons_at(at_ms);
            self.teach_seasons(at_ms, &lessons, cells, watches);
            let (all, own) = self.seasons_at(at_ms);
            watches.explain(|key| {
                let moved = key.conditions().filter_map(|(d, v)| {
                    let key = (d as u8, v);
                    Some(own.get(&key)? - before.get(&key)?)
                });
                all - all_before + moved.sum::<f64>()
            });
        }
        let all = self.season.at(at_ms).0;
        for &(place, n, k) in &lessons {
            let own: f64 = self.value_offsets(at_ms, &cells.leaves[place].values);
            let past = &mut cells.leaves[place].past;
            past.n += n;
            past.k += k;
            past.offset += n * (all + own);
            self.past += n;
        }
        for (leaf, lanes) in &pane.cells {
            let leaf = &mut cells.leaves[*leaf as usize];
            if leaf.live && !excluded(&leaf.values) {
                for class in 0..CLASSES {
                    leaf.past.classes[class] += lanes.get(CLASS + class);
                    self.class_totals[class] += lanes.get(CLASS + class);
                }
            }
        }
        self.teach_volume(pane, at_ms, watches);
    }

    fn value_offsets(&self, at_ms: i64, values: &Values) -> f64 {
        if self.values.is_empty() {
            return 0.0;
        }
        (0..self.dimensions)
            .filter_map(|d| self.values.get(&(d as u8, values[d])))
            .map(|season| season.at(at_ms).0)
            .sum()
    }

    /// Offsets of all traffic's season and of the values' own.
    fn seasons_at(&self, at_ms: i64) -> (f64, BTreeMap<(u8, u32), f64>) {
        let own = self.values.iter().map(|(key, season)| (*key, season.at(at_ms).0)).collect();
        (self.season.at(at_ms).0, own)
    }

    fn teach_seasons(
        &mut self,
        at_ms: i64,
        lessons: &[(usize, f64, f64)],
        cells: &Cells,
        watches: &Watches,
    ) {
        let (_, mut offsets) = self.seasons_at(at_ms);
        // One dimension after the other, each seeing what the ones before it have explained: all
        // at once they would explain the same residual several times over.
        for turn in 0..=self.dimensions {
            let all = self.season.at(at_ms).0;
            let mut residuals: BTreeMap<(u8, u32), (f64, f64)> = BTreeMap::new();
            for &(place, n, k) in lessons {
                let leaf = &cells.leaves[place];
                let own: f64 = (0..self.dimensions)
                    .filter_map(|d| offsets.get(&(d as u8, leaf.values[d])))
                    .sum();
                let p = expit(leaf.base + all + own);
                let key =
                    if turn == 0 { (u8::MAX, 0) } else { (turn as u8 - 1, leaf.values[turn - 1]) };
                if turn > 0 && !offsets.contains_key(&key) {
                    continue;
                }
                let sums = residuals.entry(key).or_default();
                sums.0 += k - n * p;
                sums.1 += n * p * (1.0 - p);
            }
            for (key, (excess, variance)) in residuals {
                if turn == 0 {
                    let dispersion = watches.dispersion(SliceKey::ALL);
                    self.season.learn(at_ms, excess, variance, dispersion);
                } else if let Some(season) = self.values.get_mut(&key) {
                    let slice = SliceKey::from_conditions([(usize::from(key.0), key.1)]);
                    season.learn(at_ms, excess, variance, watches.dispersion(slice));
                    offsets.insert(key, season.at(at_ms).0);
                }
            }
        }
    }

    fn teach_volume(&mut self, pane: &Pane, at_ms: i64, watches: &Watches) {
        let length = (pane.ends_at_ms - pane.starts_at_ms).max(1) as f64;
        let seen: f64 = pane.cells.iter().map(|(_, lanes)| lanes.get(VOLUME)).sum();
        let level = *self.volume_level.get_or_insert(libm::log(seen.max(1.0) / length));
        let expected = libm::exp(level + self.volume.at(at_ms).0) * length;
        self.volume.learn(at_ms, seen - expected, expected, watches.volume_dispersion());
    }

    /// Whether the cells' effects are to be fitted again.
    pub fn fit_is_due(&self, now_ms: i64, tick_ms: i64) -> bool {
        let grown = self.past >= (self.fitted_past * GROWTH).max(FIRST_FIT);
        let old = self.fitted && now_ms - self.fitted_at_ms >= REFIT_MS.max(6 * tick_ms);
        grown || old
    }

    /// Fits the effects to the cells' past.
    pub fn fit(&mut self, now_ms: i64, cells: &mut Cells, watches: &mut Watches) {
        let elapsed = self.decayed_at_ms.map_or(0, |from| (now_ms - from).max(0)) as f64;
        self.decayed_at_ms = Some(now_ms);
        let keep = libm::exp2(-elapsed / HALF_LIFE_MS);
        self.past = 0.0;
        for leaf in &mut cells.leaves {
            let past = &mut leaf.past;
            past.n *= keep;
            past.k *= keep;
            past.offset *= keep;
            past.classes.iter_mut().for_each(|class| *class *= keep);
            self.past += past.n;
        }
        self.class_totals.iter_mut().for_each(|class| *class *= keep);
        let before = watches.past_rates(cells);
        self.effects.fit(cells, if self.fitted { 2 } else { 8 });
        let after = watches.past_rates(cells);
        if self.fitted {
            watches.rebase(before.iter().zip(&after).map(|(b, a)| logit(*a) - logit(*b)));
        }
        self.fitted = true;
        self.fitted_past = self.past;
        self.fitted_at_ms = now_ms;
        self.spread(cells);
    }

    /// Time passed in which nothing was seen: what is known is no older for it.
    pub fn pass_over(&mut self, ms: i64) {
        self.fitted_at_ms += ms;
        self.decayed_at_ms = self.decayed_at_ms.map(|at| at + ms);
    }

    /// Gives the busiest values a season of their own; `busiest` says what each has a day, `all` what
    /// all traffic has.
    pub fn choose_seasons(&mut self, busiest: &[((u8, u32), f64)], all: f64, age_ms: i64) {
        for &(key, per_day) in busiest {
            let share = (per_day / all.max(1e-9)).clamp(0.0, 1.0);
            self.own_of(key).rest = (1.0 - share) * (1.0 - share);
            if age_ms >= SEASON_AFTER_MS
                && self.values.len() < SEASONS_MAX
                && per_day >= SEASON_PER_DAY
                && share <= SHARE_MAX
                && !self.values.contains_key(&key)
            {
                self.values.insert(key, Season::of_value());
            }
        }
    }

    /// Forgets the past of cells whose shift is the new normal: it becomes what was seen lately.
    pub fn accept(&mut self, leaf: &mut Leaf, n: f64, k: f64) {
        let offset = if leaf.past.n > 0.0 { leaf.past.offset / leaf.past.n } else { 0.0 };
        leaf.past.n = n;
        leaf.past.k = k;
        leaf.past.offset = n * offset;
        self.fitted_past = 0.0;
    }
}
