//! Incidents over time: counted, localised again as evidence grows, ended, or accepted.

use std::collections::BTreeMap;

use crate::analyst::{Analyst, News};
use crate::baseline::season::Season;
use crate::cells::NOBODY;
use crate::history::Pane;
use crate::incidents::Tracker;
use crate::incidents::open::is_part;
use crate::lanes::{K, Lanes, N, VOLUME};
use crate::logistic::shift;
use crate::space::{ORDER_MAX, SliceKey};

/// A shift that lasts this long is the new normal: by then a person has seen it, and a baseline
/// that waits longer than a day compares with a world that is gone.
const ACCEPT_MS: i64 = 24 * 3_600_000;
/// One that the slice's own daily course may explain, unseen as yet, at this many standard deviations, is so as soon as it has lasted longer than
/// the history before it: the younger expectation isn't the better one. An hour at least.
const COURSE_SD: f64 = 3.0;
const ACCEPT_YOUNG_MS: i64 = 3_600_000;
/// Without traffic for so long, nobody can tell.
const SILENT_MS: i64 = 12 * 3_600_000;
/// An incident is localised again when its evidence has grown by this factor.
const RELOCATE_GROWTH: f64 = 1.6;
/// A new place must explain this much more, nats, than the one it has.
const BETTER_NATS: f64 = 3.0;
/// How often, and over how many such stretches, an incident is searched for a part that is worse.
const SPLIT_MS: i64 = 60_000;
const SPLIT_UNITS: [i64; 2] = [1, 3];
/// A part is a cause of its own if it lost this many points more.
const SPLIT_POINTS: f64 = 0.10;
/// Told again when its evidence has grown by this factor.
const REPORT_GROWTH: f64 = 4.0;

impl Analyst {
    /// Follows every open incident through a tick.
    pub(crate) fn follow_incidents(
        &mut self,
        starts_at_ms: i64,
        ends_at_ms: i64,
        news: &mut Vec<News>,
    ) {
        let all = self.tick_volume();
        for number in self.incidents.open_numbers() {
            self.fill_volume(number, all);
            let step_ms = self.history.pane_ms();
            let Some(tracker) = self.incidents.trackers.get_mut(&number) else { continue };
            if tracker.detected_at_ms >= ends_at_ms {
                // Opened in this very tick, which its counts since onset already hold.
                tracker.tick = Lanes::default();
                continue;
            }
            let over = tracker.follow(starts_at_ms, ends_at_ms, step_ms);
            let silent = ends_at_ms - tracker.seen_ms > SILENT_MS.max(12 * self.settings.tick_ms);
            let Some(tracker) = self.incidents.trackers.get(&number) else { continue };
            let old = ends_at_ms - tracker.started_at_ms >= self.accept_after_ms(tracker);
            if over {
                let end = tracker.recovery_from_ms();
                self.end(number, end, "recovered", news);
            } else if silent {
                let end = tracker.seen_ms;
                self.end(number, end, "too little traffic to tell", news);
            } else if old && !tracker.may_be_over() {
                self.accept(number, ends_at_ms, news);
            } else {
                self.reconsider(number, news);
            }
        }
    }

    /// How long a shift has to last until it is the new normal.
    fn accept_after_ms(&self, tracker: &Tracker) -> i64 {
        let day = ACCEPT_MS.max(24 * self.history.pane_ms());
        let course_sd = libm::sqrt(Season::own_prior_variance());
        if tracker.mask != Some(0) || tracker.offset().abs() > COURSE_SD * course_sd {
            return day;
        }
        let oldest = self.history.since(i64::MIN).next();
        let history_ms = oldest.map_or(day, |pane| tracker.started_at_ms - pane.starts_at_ms);
        history_ms.max(ACCEPT_YOUNG_MS).min(day)
    }

    fn tick_volume(&self) -> f64 {
        self.touched().map(|(_, lanes)| lanes.get(VOLUME)).sum()
    }

    /// Volume incidents hold no leaves: their tick is read off the cells.
    fn fill_volume(&mut self, number: u32, all: f64) {
        let Some(tracker) = self.incidents.trackers.get(&number) else { return };
        if tracker.mask.is_some() {
            return;
        }
        let key = tracker.key;
        let mut sum = Lanes::default();
        for (leaf, lanes) in self.touched() {
            if key.contains(&self.cells.leaves[leaf as usize].values) {
                sum.add(lanes);
            }
        }
        let expected = if key == SliceKey::ALL {
            self.watches.expected_volume(self.settings.tick_ms)
        } else {
            tracker.alarm.expected * all
        };
        if let Some(tracker) = self.incidents.trackers.get_mut(&number) {
            tracker.tick = sum;
            tracker.tick_expected_volume = expected;
        }
    }

    fn end(&mut self, number: u32, end_ms: i64, why: &str, news: &mut Vec<News>) {
        self.release(number);
        let remembered = self.history.remembered_ms();
        let now_ms = self.last_end_ms().unwrap_or(end_ms);
        let Some(tracker) = self.incidents.trackers.get(&number) else { return };
        let mut key = tracker.key;
        // Its counts are complete now: the last word on where it was.
        if tracker.mask.is_some()
            && now_ms - tracker.started_at_ms < remembered
            && let Some((root, _)) = self.better_place(number, end_ms)
        {
            key = root;
        }
        let aliases = self.aliases(key);
        let Some(tracker) = self.incidents.trackers.get_mut(&number) else { return };
        tracker.key = key;
        tracker.aliases = aliases;
        tracker.resolved_at_ms = Some(end_ms.max(tracker.started_at_ms));
        tracker.resolution = Some(why.to_owned());
        tracker.told = None;
        if now_ms - tracker.started_at_ms < remembered {
            // What came after the end was counted while nobody knew: count again without it.
            self.recount_since_onset(number, end_ms);
        }
        self.report(number, news);
    }

    /// Ends all that are open without a word.
    pub(crate) fn end_all(&mut self, end_ms: i64, why: &str) {
        for number in self.incidents.open_numbers() {
            self.release(number);
            if let Some(tracker) = self.incidents.trackers.get_mut(&number) {
                tracker.resolved_at_ms = Some(end_ms.max(tracker.started_at_ms));
                tracker.resolution = Some(why.to_owned());
                tracker.told = None;
            }
        }
    }

    /// The shift is the new normal: cells forget what was before it.
    fn accept(&mut self, number: u32, now_ms: i64, news: &mut Vec<News>) {
        let Some(tracker) = self.incidents.trackers.get(&number) else { return };
        let (key, mask, since) = (tracker.key, tracker.mask, tracker.started_at_ms);
        if mask == Some(0) {
            let mut counts: BTreeMap<u32, (f64, f64)> = BTreeMap::new();
            for pane in self.panes_back(since) {
                for (leaf, lanes) in &pane.cells {
                    if self.cells.leaves[*leaf as usize].owner[0] == number {
                        let sums = counts.entry(*leaf).or_default();
                        sums.0 += lanes.get(N);
                        sums.1 += lanes.get(K);
                    }
                }
            }
            let leaves: Vec<u32> = counts.keys().copied().collect();
            for (leaf, (n, k)) in counts {
                self.baseline.accept(&mut self.cells.leaves[leaf as usize], n, k);
            }
            self.baseline.unsettle(key);
            self.watches.unsettle_over(&leaves, &self.cells);
        } else {
            self.watches.accept_streams(key, &self.incidents.trackers[&number]);
        }
        let hours = (now_ms - since) / 3_600_000;
        self.end(number, now_ms, &format!("accepted as the new normal after {hours} h"), news);
    }

    /// Localises again when much has been added, and says so when there is something to say.
    fn reconsider(&mut self, number: u32, news: &mut Vec<News>) {
        let Some(tracker) = self.incidents.trackers.get(&number) else { return };
        let evidence = tracker.evidence();
        let remembered = self.history.remembered_ms();
        let now = self.last_end_ms().unwrap_or(tracker.started_at_ms);
        let grown = evidence >= tracker.localised_at * RELOCATE_GROWTH;
        if tracker.mask.is_some()
            && grown
            && !tracker.may_be_over()
            && now - tracker.started_at_ms < remembered
        {
            self.relocate(number, news);
        } else {
            self.split(number, now, news);
        }
        let Some(tracker) = self.incidents.trackers.get(&number) else { return };
        if evidence >= tracker.reported_at * REPORT_GROWTH {
            self.report(number, news);
        }
    }

    fn relocate(&mut self, number: u32, news: &mut Vec<News>) {
        match self.better_place(number, i64::MAX) {
            Some((root, onset)) => {
                self.settle(number, root, onset);
                self.report(number, news);
            }
            None => {
                if let Some(tracker) = self.incidents.trackers.get_mut(&number) {
                    tracker.localised_at = tracker.evidence();
                }
            }
        }
    }

    /// Where an incident's counts up to an instant say that it is, if that is elsewhere, and its onset.
    fn better_place(&self, number: u32, until_ms: i64) -> Option<(SliceKey, i64)> {
        let tracker = self.incidents.trackers.get(&number)?;
        let (key, alarm, onset) = (tracker.key, tracker.subject(), tracker.started_at_ms);
        let cells = self.cells_between(key, (onset, until_ms), &alarm, &[number]);
        let here = self.evidence_in(key, &cells);
        // What holds most of this incident's excess: a neighbour may be worse, but is another's.
        let root = self
            .choose_roots(key, &cells, &alarm)
            .into_iter()
            .filter(|root| root.related && root.shared > 0.0)
            .max_by(|a, b| a.shared.total_cmp(&b.shared))?;
        let there = self.evidence_in(root.key, &cells);
        let moved = root.key != key && (there > here + BETTER_NATS || is_part(root.key, key));
        moved.then_some((root.key, onset))
    }

    /// Looks for a part that has become much worse than the incident as a whole: another cause.
    fn split(&mut self, number: u32, now_ms: i64, news: &mut Vec<News>) {
        let unit_ms = SPLIT_MS.max(self.settings.tick_ms);
        let Some(tracker) = self.incidents.trackers.get(&number) else { return };
        if tracker.mask != Some(0)
            || now_ms.rem_euclid(unit_ms) != 0
            || now_ms - tracker.detected_at_ms < unit_ms
        {
            return;
        }
        let (key, alarm, offset) = (tracker.key, tracker.subject(), tracker.offset());
        let threshold = libm::log(alarm.threshold);
        for units in SPLIT_UNITS {
            let since_ms = now_ms - units * unit_ms;
            let mut cells = self.cells_between(key, (since_ms, i64::MAX), &alarm, &[number]);
            cells.retain(|(leaf, _)| self.cells.leaves[*leaf as usize].owner[0] == number);
            for (_, cell) in &mut cells {
                let n = cell.attempts as f64;
                cell.expected_bad = n * shift(cell.expected_bad / n, offset);
            }
            let worst = self.root_causes(&cells).into_iter().find(|cause| {
                let n = cause.attempts as f64;
                let child = SliceKey::from_conditions(cause.conditions.iter().copied());
                child != key
                    && cause.score_nats >= threshold
                    && (cause.bad as f64 - cause.expected_bad) / n >= SPLIT_POINTS
            });
            if let Some(cause) = worst {
                let part = self.inside(key, &cause.conditions);
                self.part(number, part, since_ms);
                self.open_new(part, alarm, since_ms, now_ms, news);
                return;
            }
        }
    }

    /// A cause found among an incident's cells, as a slice of all traffic that stays inside the
    /// incident's; conditions that exclude nothing are left out.
    fn inside(&self, key: SliceKey, found: &[(usize, u32)]) -> SliceKey {
        let mut conditions = found.to_vec();
        for (d, v) in key.conditions() {
            let without = SliceKey::from_conditions(conditions.iter().copied());
            let excludes = self.cells.leaves.iter().any(|leaf| {
                leaf.live
                    && leaf.rate > 0.0
                    && without.contains(&leaf.values)
                    && leaf.values[d] != v
            });
            if excludes && conditions.len() < ORDER_MAX && conditions.iter().all(|c| c.0 != d) {
                conditions.push((d, v));
                conditions.sort_unstable();
            }
        }
        SliceKey::from_conditions(conditions)
    }

    /// Takes a part out of an incident from an instant on.
    fn part(&mut self, number: u32, part: SliceKey, since_ms: i64) {
        for leaf in &mut self.cells.leaves {
            if leaf.owner[0] == number && part.contains(&leaf.values) {
                leaf.owner[0] = NOBODY;
            }
        }
        if let Some(tracker) = self.incidents.trackers.get_mut(&number) {
            tracker.parted.push((part, since_ms));
        }
        self.recount_since_onset(number, i64::MAX);
        if let Some(tracker) = self.incidents.trackers.get_mut(&number) {
            tracker.localised_at = tracker.evidence();
        }
    }

    /// Adds a pane to an incident's breakdown, money and totals of all traffic.
    pub(super) fn count_pane(&self, tracker: &mut Tracker, pane: &Pane) {
        let dimensions = self.space.dimensions().len();
        for (leaf, lanes) in &pane.cells {
            tracker.all_attempts += lanes.get(N);
            let cell = &self.cells.leaves[*leaf as usize];
            if !cell.live || !tracker.counts(&cell.values, pane.starts_at_ms) {
                continue;
            }
            tracker.break_down(&cell.values, lanes, dimensions);
        }
        for ((leaf, currency), sums) in &pane.money {
            let cell = &self.cells.leaves[*leaf as usize];
            if cell.live && tracker.counts(&cell.values, pane.starts_at_ms) {
                tracker.money.entry(*currency).or_default().add(sums);
            }
        }
    }

    /// Adds a closed pane to what open incidents know beyond their own counts.
    pub(crate) fn tell_incidents(&mut self, pane: &Pane) {
        for (leaf, lanes) in &pane.cells {
            let values = self.cells.leaves[*leaf as usize].values;
            for (d, &value) in values.iter().enumerate().take(self.space.dimensions().len()) {
                if self.incidents.seen.len() <= d {
                    self.incidents.seen.resize_with(d + 1, Vec::new);
                }
                let seen = &mut self.incidents.seen[d];
                if seen.len() <= value as usize {
                    seen.resize(value as usize + 1, 0.0);
                }
                seen[value as usize] += lanes.get(N);
            }
        }
        for number in self.incidents.open_numbers() {
            if let Some(mut tracker) = self.incidents.trackers.remove(&number) {
                self.count_pane(&mut tracker, pane);
                self.incidents.trackers.insert(number, tracker);
            }
        }
    }

    /// Leaves of the tick that is being closed.
    fn touched(&self) -> impl Iterator<Item = (u32, &Lanes)> {
        self.scratch().touched.iter().map(|&leaf| (leaf, self.scratch().get(leaf)))
    }
}
