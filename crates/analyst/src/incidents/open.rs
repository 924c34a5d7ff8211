//! From the causes of an alarm to incidents.

use payments::Timestamp;

use crate::analyst::{Analyst, News};
use crate::cells::NOBODY;
use crate::history::Pane;
use crate::incidents::{Tracker, binomial_llr};
use crate::lanes::{Lanes, N};
use crate::localise::LeafCell;
use crate::signal::mask_of;
use crate::signal::{Finding, Signal};
use crate::space::SliceKey;
use crate::watch::Alarm;

/// Incidents that began this close to each other may be one (or three ticks, if those are longer).
const TOGETHER_MS: i64 = 600_000;
/// A cause belongs to an alarm if it holds this share of the alarm's excess.
const SHARE_MIN: f64 = 0.3;
/// ... or if this share of its own excess lies inside the alarmed slice.
const OWN_SHARE_MIN: f64 = 0.5;
/// All traffic is the cause where parts explain less than this share of what it explains.
const PARTS_MAX: f64 = 0.6;

/// Causes that hold this share of all attempts are everything.
const COVER_MIN: f64 = 0.85;

/// A root cause of an alarm.
pub(super) struct Root {
    /// The slice.
    pub key: SliceKey,
    /// Whether it is what the alarm was about.
    pub related: bool,
    /// Excess that it shares with the alarmed slice.
    pub shared: f64,
}

impl Analyst {
    /// The counts since the first of some incidents, theirs included; `None` where there are none.
    pub(super) fn joint_cells(
        &self,
        key: SliceKey,
        alarm: &Alarm,
        onset_ms: i64,
        young: &[u32],
    ) -> Option<(Vec<(u32, LeafCell)>, i64)> {
        let starts = young.iter().filter_map(|number| self.incidents.trackers.get(number));
        let since = starts.map(|tracker| tracker.started_at_ms).min()?.min(onset_ms);
        Some((self.cells_between(key, (since, i64::MAX), alarm, young), since))
    }

    /// Whether one of these causes of an alarm is that of an incident that began together with it, too.
    pub(super) fn explain_young(
        &self,
        causes: &[Root],
        cells: &[(u32, LeafCell)],
        young: &[u32],
    ) -> bool {
        let mut related = causes.iter().filter(|root| root.related);
        related.any(|root| {
            young.iter().filter_map(|number| self.incidents.trackers.get(number)).any(|tracker| {
                let (_, bad, expected) = self.sum_in(tracker.key, cells);
                let both = cells.iter().filter(|(leaf, _)| {
                    tracker.key.contains(&self.cells.leaves[*leaf as usize].values)
                });
                let (_, shared_bad, shared_expected) = sum(both
                    .filter(|(leaf, _)| {
                        root.key.contains(&self.cells.leaves[*leaf as usize].values)
                    })
                    .map(|(_, cell)| cell));
                shared_bad - shared_expected >= OWN_SHARE_MIN * (bad - expected)
            })
        })
    }

    /// Attempts, bad and expected bad ones of a slice in some cells.
    pub(super) fn sum_in(&self, key: SliceKey, cells: &[(u32, LeafCell)]) -> (f64, f64, f64) {
        sum(cells
            .iter()
            .filter(|(leaf, _)| key.contains(&self.cells.leaves[*leaf as usize].values))
            .map(|(_, cell)| cell))
    }

    pub(super) fn together(&self, a_ms: i64, b_ms: i64) -> bool {
        (a_ms - b_ms).abs() <= TOGETHER_MS.max(3 * self.settings.tick_ms)
    }

    /// Root causes that the alarm is about; the alarmed slice itself where none is found.
    pub(super) fn choose_roots(
        &self,
        key: SliceKey,
        cells: &[(u32, LeafCell)],
        alarm: &Alarm,
    ) -> Vec<Root> {
        let (_, key_bad, key_expected) = self.sum_in(key, cells);
        let excess = key_bad - key_expected;
        let mut roots = Vec::new();
        let causes = self.root_causes(cells);
        for cause in causes {
            let root = SliceKey::from_conditions(cause.conditions.iter().copied());
            let (_, bad, expected) = sum(cells
                .iter()
                .filter(|(leaf, _)| {
                    let values = &self.cells.leaves[*leaf as usize].values;
                    root.contains(values) && key.contains(values)
                })
                .map(|(_, cell)| cell));
            let inside = bad - expected;
            let own = cause.bad as f64 - cause.expected_bad;
            let related = inside >= SHARE_MIN * excess || inside >= OWN_SHARE_MIN * own;
            // A cause that nobody asked about counts if it would have been an alarm by itself: a
            // Bayes factor of A has odds of at most 1/A by chance.
            let strong = cause.score_nats >= libm::log(alarm.threshold);
            if (related && inside > 0.0) || strong {
                roots.push(Root { key: root, related, shared: inside });
            }
        }
        roots.sort_by_key(|root| !root.related);
        // Everything at once is us, or the world: parts that together are everything, or that
        // explain little of an alarm on all traffic, are not the cause.
        let parts: f64 = roots.iter().map(|root| self.evidence_in(root.key, cells)).sum();
        let whole = self.evidence_in(SliceKey::ALL, cells);
        let unexplained = key == SliceKey::ALL && PARTS_MAX * whole > parts;
        if alarm.signal == Signal::SuccessRate && (unexplained || self.cover(&roots, cells)) {
            return vec![Root { key: SliceKey::ALL, related: true, shared: excess }];
        }
        if !roots.iter().any(|root| root.related) {
            roots.insert(0, Root { key, related: true, shared: excess });
        }
        roots
    }

    /// Whether these causes together are (nearly) all attempts.
    fn cover(&self, roots: &[Root], cells: &[(u32, LeafCell)]) -> bool {
        let (mut covered, mut all) = (0.0, 0.0);
        for (leaf, cell) in cells {
            let values = &self.cells.leaves[*leaf as usize].values;
            all += cell.attempts as f64;
            if roots.iter().any(|root| root.key.contains(values)) {
                covered += cell.attempts as f64;
            }
        }
        roots.len() > 1 && covered >= COVER_MIN * all
    }

    /// Opens an incident at a root cause, or moves one there that began together with it.
    pub(super) fn open(
        &mut self,
        root: SliceKey,
        alarm: Alarm,
        onset_ms: i64,
        now_ms: i64,
        news: &mut Vec<News>,
    ) {
        let mask = mask_of(alarm.signal);
        let related = self
            .incidents
            .all()
            .filter(|tracker| tracker.is_open() && tracker.mask.is_some())
            .find(|tracker| {
                let same = tracker.mask == mask || mask == Some(0) || tracker.mask == Some(0);
                let nested = is_part(tracker.key, root) || is_part(root, tracker.key);
                let here = tracker.key == root || tracker.aliases.contains(&root);
                // What stands on one slice at one time is one incident, whenever its signals spoke.
                same && (here || nested && self.together(tracker.started_at_ms, onset_ms))
            })
            .map(|tracker| tracker.number);
        if let Some(number) = related {
            if let Some(tracker) = self.incidents.trackers.get_mut(&number)
                && mask == Some(0)
                && tracker.mask != Some(0)
            {
                // Slow or oddly coded first, failing now: one incident, which the failures own.
                self.release(number);
                if let Some(tracker) = self.incidents.trackers.get_mut(&number) {
                    tracker.mask = Some(0);
                }
            }
            self.settle(number, root, onset_ms);
            self.report(number, news);
            return;
        }
        if let Some(number) = self.ended_too_early(root, mask, onset_ms) {
            if let Some(tracker) = self.incidents.trackers.get_mut(&number) {
                tracker.reopen(now_ms);
            }
            self.settle(number, root, onset_ms);
            self.report(number, news);
            return;
        }
        self.open_new(root, alarm, onset_ms, now_ms, news);
    }

    /// An incident of the same place that was taken for over after this onset: it goes on.
    fn ended_too_early(&self, root: SliceKey, mask: Option<usize>, onset_ms: i64) -> Option<u32> {
        self.incidents
            .all()
            .filter(|tracker| tracker.mask == mask && tracker.key == root)
            .find(|tracker| tracker.resolved_at_ms.is_some_and(|end| onset_ms <= end))
            .map(|tracker| tracker.number)
    }

    /// Opens an incident whatever else goes on.
    pub(super) fn open_new(
        &mut self,
        root: SliceKey,
        alarm: Alarm,
        onset_ms: i64,
        now_ms: i64,
        news: &mut Vec<News>,
    ) {
        let number = self.incidents.number();
        let mut tracker = Tracker::new(number, root, alarm, onset_ms, now_ms);
        let watch = self.watches.get(root);
        tracker.dispersion = self.watches.dispersion(root);
        let season = self.baseline.season_variance(root);
        tracker.expectation_sd =
            libm::sqrt(season + watch.map_or(0.0, |watch| watch.level_sd() * watch.level_sd()));
        self.incidents.trackers.insert(number, tracker);
        self.settle(number, root, onset_ms);
        self.report(number, news);
    }

    /// Gives an incident its root cause: it takes the leaves, and its counts since onset.
    pub(super) fn settle(&mut self, number: u32, root: SliceKey, onset_ms: i64) {
        self.release(number);
        let aliases = self.aliases(root);
        let Some(tracker) = self.incidents.trackers.get_mut(&number) else { return };
        tracker.key = root;
        tracker.aliases = aliases;
        tracker.started_at_ms = tracker.started_at_ms.min(onset_ms);
        let mask = tracker.mask;
        if let Some(mask) = mask {
            let mut taken = Vec::new();
            for leaf in 0..self.cells.leaves.len() {
                let cell = &mut self.cells.leaves[leaf];
                if cell.live && root.contains(&cell.values) && cell.owner[mask] == NOBODY {
                    cell.owner[mask] = number;
                    taken.push(leaf as u32);
                    if mask <= 1 {
                        self.latencies.forget_recent(cell.group);
                    }
                }
            }
            self.watches.reset_over(&taken, &self.cells);
        }
        self.recount_since_onset(number, i64::MAX);
        let share_before = self.share_before(root, onset_ms);
        if let Some(tracker) = self.incidents.trackers.get_mut(&number) {
            tracker.share_before = share_before;
            tracker.localised_at = tracker.evidence();
        }
    }

    /// Lets an incident's leaves go.
    pub(super) fn release(&mut self, number: u32) {
        let mut freed = Vec::new();
        for (leaf, cell) in self.cells.leaves.iter_mut().enumerate() {
            for owner in cell.owner.iter_mut().filter(|owner| **owner == number) {
                *owner = NOBODY;
                freed.push(leaf as u32);
            }
        }
        self.watches.reset_over(&freed, &self.cells);
    }

    /// Counts an incident again from the panes since its onset, up to an instant.
    pub(super) fn recount_since_onset(&mut self, number: u32, until_ms: i64) {
        let Some(mut tracker) = self.incidents.trackers.remove(&number) else { return };
        tracker.clear_counts();
        tracker.before.clone_from(&self.incidents.seen);
        let since = tracker.started_at_ms;
        let closed: Vec<&Pane> =
            self.history.since(since).filter(|pane| pane.starts_at_ms < until_ms).collect();
        for pane in &closed {
            self.count_pane(&mut tracker, pane);
            self.uncount_seen(&mut tracker.before, pane);
        }
        let open = self.open_cells().filter(|pane| pane.starts_at_ms < until_ms);
        for pane in closed.into_iter().chain(open.as_ref()) {
            let mut sum = Lanes::default();
            for (leaf, lanes) in &pane.cells {
                let cell = &self.cells.leaves[*leaf as usize];
                if cell.live && tracker.counts(&cell.values, pane.starts_at_ms) {
                    sum.add(lanes);
                }
            }
            tracker.count_anew(&sum, pane.starts_at_ms, self.history.pane_ms());
        }
        self.count_window_codes(&mut tracker);
        self.incidents.trackers.insert(number, tracker);
    }

    fn uncount_seen(&self, seen: &mut [Vec<f64>], pane: &Pane) {
        for (leaf, lanes) in &pane.cells {
            let values = &self.cells.leaves[*leaf as usize].values;
            for (of_dimension, &value) in seen.iter_mut().zip(values) {
                if let Some(count) = of_dimension.get_mut(value as usize) {
                    *count -= lanes.get(N);
                }
            }
        }
    }

    fn count_window_codes(&self, tracker: &mut Tracker) {
        if !tracker.codes.is_empty() {
            return;
        }
        for row in self.window.iter().flat_map(|tick| &tick.rows) {
            let cell = &self.cells.leaves[row.leaf as usize];
            let failed =
                matches!(row.outcome, crate::tape::Outcome::Failed | crate::tape::Outcome::Timeout);
            if failed && tracker.key.contains(&cell.values) {
                *tracker.codes.entry(row.code).or_default() += u64::from(row.count);
            }
        }
    }

    pub(super) fn open_volume(
        &mut self,
        key: SliceKey,
        alarm: Alarm,
        now_ms: i64,
        news: &mut Vec<News>,
    ) {
        let onset_ms = self
            .watches
            .get(key)
            .and_then(|watch| watch.volume.get(alarm.which))
            .map_or(now_ms - self.settings.tick_ms, |stream| stream.since_ms);
        let explained = self.incidents.all().any(|tracker| {
            tracker.is_open()
                && (tracker.mask.is_none() || tracker.mask == Some(0))
                && (is_part(tracker.key, key) || is_part(key, tracker.key))
        });
        news.push(self.finding(key, &alarm, now_ms, self.recent_share(key), alarm.expected));
        if explained {
            return;
        }
        let number = self.incidents.number();
        let mut tracker = Tracker::new(number, key, alarm, onset_ms, now_ms);
        tracker.dispersion = self.watches.volume_dispersion();
        tracker.aliases = self.aliases(key);
        self.incidents.trackers.insert(number, tracker);
        self.recount_since_onset(number, i64::MAX);
        self.report(number, news);
    }

    /// An alarm as others hear of it.
    pub(super) fn finding(
        &self,
        key: SliceKey,
        alarm: &Alarm,
        now_ms: i64,
        observed: f64,
        expected: f64,
    ) -> News {
        News::Finding(Finding {
            slice: self.space.slice(key),
            signal: alarm.signal,
            tier: alarm.tier,
            at: Timestamp::from_millis(now_ms),
            e_value: alarm.e_value,
            threshold: alarm.threshold,
            observed,
            expected,
        })
    }

    /// Tells of an incident as it stands.
    pub(super) fn report(&mut self, number: u32, news: &mut Vec<News>) {
        let opinion = self.opinion_on(number);
        if let Some(tracker) = self.incidents.trackers.get_mut(&number) {
            tracker.reported_at = tracker.evidence();
            if tracker.is_open() {
                tracker.opinion = opinion;
            }
        }
        let Some(tracker) = self.incidents.trackers.get(&number) else { return };
        let told = Box::new(self.told(tracker));
        news.push(News::Incident(told.clone()));
        if let Some(tracker) = self.incidents.trackers.get_mut(&number) {
            tracker.told = Some(told);
        }
    }

    /// Evidence for a slice in some cells, nats.
    pub(super) fn evidence_in(&self, root: SliceKey, cells: &[(u32, LeafCell)]) -> f64 {
        let (n, bad, expected) = self.sum_in(root, cells);
        binomial_llr(n, bad, expected)
    }
}

fn sum<'a>(cells: impl Iterator<Item = &'a LeafCell>) -> (f64, f64, f64) {
    cells.fold((0.0, 0.0, 0.0), |(n, bad, expected), cell| {
        (n + cell.attempts as f64, bad + cell.bad as f64, expected + cell.expected_bad)
    })
}

/// A success alarm speaks of approvals, the others of what is bad.
pub(super) fn rate_said(alarm: &Alarm, bad: f64) -> f64 {
    if alarm.signal == Signal::SuccessRate { 1.0 - bad } else { bad }
}

/// Whether every attempt of `part` is one of `whole` by its conditions.
pub(super) fn is_part(part: SliceKey, whole: SliceKey) -> bool {
    whole.conditions().all(|condition| part.conditions().any(|other| other == condition))
}
