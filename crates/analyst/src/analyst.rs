//! The analyst's state, and what one tick does to it.

use std::collections::{BTreeMap, VecDeque};

use payments::Timestamp;
use serde::{Deserialize, Serialize};

use crate::baseline::Baseline;
use crate::cells::{Cells, NOBODY, Scratch};
use crate::door::Door;
use crate::history::{History, Pane};
use crate::incidents::Incidents;
use crate::lanes;
use crate::latency::Latencies;
use crate::opinion::Opinions;
use crate::purse::{Purse, Sums};
use crate::settings::Settings;
use crate::space::Space;
use crate::tape::{
    Codes, Currencies, NO_CODE, NO_CURRENCY, NO_LATENCY, NOT_RECORDED, Outcome, Row, SAMPLE_ROWS,
    Tick,
};
use crate::tries::Usual;
use crate::watch::Alarm;
use crate::watches::Watches;
use crate::{Finding, Incident, SliceStats, cube};

/// Attempts in, findings and incidents out.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Analyst {
    pub(crate) settings: Settings,
    pub(crate) space: Space,
    pub(crate) door: Door,
    pub(crate) codes: Codes,
    pub(crate) currencies: Currencies,
    pub(crate) cells: Cells,
    pub(crate) latencies: Latencies,
    pub(crate) baseline: Baseline,
    pub(crate) watches: Watches,
    pub(crate) history: History,
    pub(crate) incidents: Incidents,
    pub(crate) opinions: Opinions,
    pub(crate) open: BTreeMap<i64, Vec<Row>>,
    pub(crate) window: VecDeque<Tick>,
    pub(crate) tries: Usual,
    /// Room that a tick has left behind.
    #[serde(skip)]
    pub(crate) spare: Vec<Row>,
    scratch: Scratch,
    pane: Scratch,
    pane_from_ms: Option<i64>,
    pane_money: Purse,
    closed: Option<i64>,
    learnt_window: i64,
}

/// How much is counted and watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Coverage {
    /// Leaf cells in use.
    pub leaves: usize,
    /// Slices of up to three attributes that have traffic.
    pub slices: usize,
    /// Of these, those that are watched.
    pub watched: usize,
}

/// What the analyst has to say after a tick.
#[derive(Clone, Debug, PartialEq)]
pub enum News {
    /// A detector crossed its threshold.
    Finding(Finding),
    /// An incident began, changed or ended.
    Incident(Box<Incident>),
}

impl Analyst {
    /// An analyst that knows nothing yet.
    pub fn new(settings: Settings, seed: u64) -> Self {
        let mut space = Space::new(&settings.dimensions, settings.values_per_dimension_max);
        let cells = Cells::new(&mut space);
        let quarantine = (2 * settings.tick_ms).max(600_000);
        Self {
            baseline: Baseline::new(&space),
            watches: Watches::new(&space, &settings),
            history: History::new(settings.tick_ms, quarantine),
            incidents: Incidents::default(),
            opinions: Opinions::new(settings.contamination, seed),
            codes: Codes::default(),
            currencies: Currencies::default(),
            latencies: Latencies::default(),
            open: BTreeMap::new(),
            window: VecDeque::new(),
            tries: Usual::default(),
            spare: Vec::new(),
            scratch: Scratch::default(),
            pane: Scratch::default(),
            pane_from_ms: None,
            pane_money: Purse::default(),
            closed: None,
            learnt_window: i64::MIN,
            cells,
            door: Door::new(space.dimensions()),
            space,
            settings,
        }
    }

    /// The newest ticks of the rolling window, as many as hold a sample.
    pub(crate) fn lately(&self) -> impl Iterator<Item = &Tick> {
        let mut rows = 0;
        self.window.iter().rev().take_while(move |tick| {
            let wanted = rows < SAMPLE_ROWS;
            rows += tick.rows.len();
            wanted
        })
    }

    /// How long those ticks are together, seconds.
    pub(crate) fn lately_s(&self) -> f64 {
        (self.lately().count() as f64 * self.settings.tick_ms as f64 / 1e3).max(1e-3)
    }

    /// Judges a tick; ticks are closed in order, each once. Rows of earlier ticks that came late
    /// are part of it.
    pub fn close(&mut self, number: i64) -> Vec<News> {
        debug_assert!(self.closed.is_none_or(|closed| closed < number), "ticks close in order");
        if let Some(last) = self.closed.replace(number)
            && number > last + 1
        {
            self.pass_over(last, number);
        }
        let later = self.open.split_off(&(number + 1));
        let mut rows = Vec::new();
        for (_, more) in std::mem::replace(&mut self.open, later) {
            if rows.is_empty() {
                rows = more;
            } else {
                rows.extend(more);
            }
        }
        let starts_at_ms = number * self.settings.tick_ms;
        let ends_at_ms = starts_at_ms + self.settings.tick_ms;
        self.baseline.refresh(starts_at_ms, ends_at_ms, &mut self.cells, &mut self.watches);
        self.tries.pass(self.settings.tick_ms);
        self.sum_rows(&rows);
        self.roll_up(number);
        let mut news = Vec::new();
        let alarms = self.judge(number, ends_at_ms);
        self.keep_pane(starts_at_ms, ends_at_ms);
        self.handle_alarms(alarms, ends_at_ms, &mut news);
        self.follow_incidents(starts_at_ms, ends_at_ms, &mut news);
        self.look_around(ends_at_ms);
        self.scratch.clear();
        self.window.push_back(Tick { number, rows });
        let oldest = number - (self.settings.window_ms / self.settings.tick_ms).max(1);
        while self.window.front().is_some_and(|tick| tick.number <= oldest) {
            self.spare = self.window.pop_front().map(|tick| tick.rows).unwrap_or_default();
            self.spare.clear();
        }
        news
    }

    fn sum_rows(&mut self, rows: &[Row]) {
        for row in rows {
            let place = row.leaf as usize;
            let count = row.count as f32;
            let leaf = &self.cells.leaves[place];
            let sums = &mut self.scratch.at(row.leaf).0;
            sums[lanes::VOLUME] += count;
            if leaf.owner[0] == NOBODY {
                self.tries.add(row.number, f64::from(row.count));
            }
            if row.latency_ms != NO_LATENCY {
                if let Some(thresholds) = self.latencies.thresholds(leaf.group) {
                    sums[lanes::LATENCY_N] += count;
                    for (i, &threshold) in thresholds.iter().enumerate() {
                        if row.latency_ms > threshold {
                            sums[lanes::SLOWER + i] += count;
                        }
                    }
                }
                if leaf.owner[0] == NOBODY && leaf.owner[1] == NOBODY {
                    self.latencies.count(leaf.group, row.latency_ms, row.count);
                }
            }
            if row.outcome == Outcome::Open {
                continue;
            }
            let p = self.cells.expected[place];
            sums[lanes::N] += count;
            sums[lanes::E] += count * p;
            sums[lanes::V] += count * p * (1.0 - p);
            match row.outcome {
                Outcome::Approved => sums[lanes::K] += count,
                outcome => {
                    let uncoded = row.code == NO_CODE || row.code == NOT_RECORDED;
                    if outcome == Outcome::Timeout && uncoded {
                        sums[lanes::CLASS + lanes::TIMEOUT] += count;
                    } else if row.code != NOT_RECORDED {
                        sums[lanes::CLASS + self.codes.class(row.code)] += count;
                    }
                    if leaf.owner[0] != NOBODY {
                        self.incidents.add_code(leaf.owner[0], row.code, row.count);
                    }
                }
            }
            if row.currency != NO_CURRENCY {
                let (n, asked) = (f64::from(row.count), row.minor as f64);
                let k = if row.outcome == Outcome::Approved { n } else { 0.0 };
                let e = n * f64::from(p);
                let sums = Sums { n, k, e, asked, squares: asked * asked / n };
                self.pane_money.add(row.leaf, row.currency, &sums);
            }
        }
    }

    fn roll_up(&mut self, number: i64) {
        self.watches.begin(self.scratch.touched.len());
        for i in 0..self.scratch.touched.len() {
            let leaf = self.scratch.touched[i];
            let place = leaf as usize;
            let sums = *self.scratch.get(leaf);
            self.pane.at(leaf).add(&sums);
            self.watches.add_volume(sums.get(lanes::VOLUME));
            let cell = &mut self.cells.leaves[place];
            cell.recent += sums.get(lanes::VOLUME);
            cell.seen = number;
            let owner = cell.owner;
            if owner[0] != NOBODY {
                self.incidents.add(owner[0], &sums);
                continue;
            }
            let mut sums = sums;
            for (signal, from, to) in [
                (1, lanes::LATENCY_N, lanes::CLASS),
                (2, lanes::CLASS, lanes::CLASS + lanes::CLASSES),
            ] {
                if owner[signal] != NOBODY {
                    self.incidents.add(owner[signal], &sums);
                    sums.0[from..to].fill(0.0);
                }
            }
            self.watches.add(self.cells.watchers.of(leaf), &sums);
        }
    }

    fn judge(&mut self, number: i64, ends_at_ms: i64) -> Vec<(u32, Alarm)> {
        if !self.baseline.is_fitted() {
            return Vec::new();
        }
        self.watches.judge(number, ends_at_ms, self.settings.tick_ms)
    }

    fn keep_pane(&mut self, starts_at_ms: i64, ends_at_ms: i64) {
        let length = self.history.pane_ms();
        let from = *self.pane_from_ms.get_or_insert(starts_at_ms);
        if ends_at_ms.rem_euclid(length) != 0 && ends_at_ms - from < length {
            if self.incidents.any_open() {
                self.pane.order();
            }
            return;
        }
        self.end_pane(ends_at_ms);
    }

    /// The pane that is being filled, if one is, ends here: it is kept, and what it makes ripe is learnt.
    pub(crate) fn end_pane(&mut self, ends_at_ms: i64) {
        let Some(from) = self.pane_from_ms.take() else { return };
        let cells = self.pane.in_order();
        self.pane.clear();
        let money = self.pane_money.sorted();
        self.pane_money.clear();
        let pane = Pane { starts_at_ms: from, ends_at_ms, cells, money };
        self.tell_incidents(&pane);
        for taught in self.history.push(pane) {
            let excluded = self.incidents.exclusions(&taught);
            self.baseline.teach(&taught, &mut self.cells, &mut self.watches, |values| {
                excluded.iter().any(|key| key.contains(values))
            });
        }
        let window = ends_at_ms.div_euclid((10 * self.history.pane_ms()).max(600_000));
        if window != self.learnt_window {
            self.learnt_window = window;
            self.latencies.learn();
        }
        if self.baseline.fit_is_due(ends_at_ms, self.settings.tick_ms) {
            self.drop_idle(ends_at_ms);
            self.baseline.fit(ends_at_ms, &mut self.cells, &mut self.watches);
            let tick_ms = self.settings.tick_ms;
            self.watches.choose(
                &mut self.cells,
                &self.space,
                &mut self.baseline,
                ends_at_ms,
                tick_ms,
                (self.latencies.any(), self.codes.any()),
            );
        }
    }

    /// Gives up leaves that were idle for longer than any pane remembers, while no incident holds
    /// on to them.
    fn drop_idle(&mut self, now_ms: i64) {
        if self.incidents.any_open() {
            return;
        }
        let full = self.cells.live_len() * 2 > crate::cells::LEAVES_MAX;
        let patience_ms = if full { 6 * 3_600_000 } else { 14 * 86_400_000 };
        let idle_since = (now_ms - patience_ms).div_euclid(self.settings.tick_ms);
        let remembered = self.history.remembered_ms().div_euclid(self.settings.tick_ms);
        let before = idle_since.min(now_ms.div_euclid(self.settings.tick_ms) - remembered);
        let idle: Vec<u32> = self
            .cells
            .live()
            .skip(1)
            .filter(|&leaf| self.cells.leaves[leaf as usize].seen < before)
            .filter(|&leaf| !self.open.values().flatten().any(|row| row.leaf == leaf))
            .collect();
        for leaf in idle {
            self.door.forget();
            for watch in self.cells.drop_leaf(leaf, &mut self.space) {
                self.watches.retire(watch);
            }
        }
    }

    /// The pane that is being filled, as far as it is.
    pub(crate) fn open_pane(&self) -> Option<Pane> {
        let money = self.pane_money.sorted();
        Some(Pane { money, ..self.open_cells()? })
    }

    /// The same without its money, which is dear to sort.
    pub(crate) fn open_cells(&self) -> Option<Pane> {
        let starts_at_ms = self.pane_from_ms?;
        let (cells, ends_at_ms) = (self.pane.in_order(), self.last_end_ms()?);
        Some(Pane { starts_at_ms, ends_at_ms, cells, money: Vec::new() })
    }

    /// The sums of the tick that is being closed.
    pub(crate) fn scratch(&self) -> &Scratch {
        &self.scratch
    }

    /// The end of the last judged tick.
    pub(crate) fn last_end_ms(&self) -> Option<i64> {
        self.closed.map(|tick| (tick + 1) * self.settings.tick_ms)
    }

    /// The end of the last judged tick.
    pub fn judged_until(&self) -> Option<Timestamp> {
        self.last_end_ms().map(Timestamp::from_millis)
    }

    /// How much is counted and watched.
    pub fn coverage(&self) -> Coverage {
        Coverage {
            leaves: self.cells.live_len(),
            slices: self.cells.slices_len(),
            watched: self.watches.len(),
        }
    }

    /// Rolling statistics of all slices over these dimensions, most attempts first.
    pub fn routes(&self, by: &[&str]) -> Vec<SliceStats> {
        cube::slices(self, by)
    }

    /// Every incident so far, in order of detection.
    pub fn incidents(&self) -> Vec<Incident> {
        self.incidents.all().map(|tracker| self.told(tracker)).collect()
    }
}
