//! Which slices are watched: those with enough traffic to show anything, busiest first.

use crate::baseline::Baseline;
use crate::budget::thresholds;
use crate::cells::{Cells, NOBODY};
use crate::space::{SliceKey, Space};
use crate::traffic::{is_redundant, subset_of, sum_slices};
use crate::watch::{VOLUME_WARM_MS, Watch};
use crate::watches::{DAY_MS, WATCHES_MAX, Watches};

/// Attempts a day from which a slice is watched: a total outage shows within hours.
const WATCHED_PER_DAY: f64 = 100.0;
/// How open the level of a newly watched slice is, log-odds: interactions have heavy tails, and
/// its own evidence closes it within a few learning windows.
const OPEN_SD: f64 = 0.6;

impl Watches {
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
        let all = cells.slices.first().map_or(0.0, |all| all.rate) * ticks_per_day;
        baseline.choose_seasons(&busiest, all, age_ms);
    }
}
