//! When it began, and where: from an alarm to the counts since onset and their root cause.

use crate::analyst::Analyst;
use crate::cells::NOBODY;
use crate::history::Pane;
use crate::incidents::binomial_llr;
use crate::incidents::open::is_part;
use crate::lanes::{CLASS, E, K, LATENCY_N, Lanes, N, QUANTILES, SLOWER};
use crate::localise::{LeafCell, LocaliseSettings, RootCause, localise};
use crate::logistic::shift;
use crate::signal::Signal;
use crate::space::SliceKey;
use crate::watch::Alarm;

/// What the slices above a leaf are worth to its expectation, in attempts of its own.
const SHRUNK_ATTEMPTS: f64 = 100.0;

/// An onset is looked for so far back: what lasts longer is a drift that was long accepted.
const ONSET_MAX_MS: i64 = 6 * 3_600_000;
const ONSET_MAX_TICKS: i64 = 12;

/// What an alarm is about, in any counts: (attempts, bad, expected bad).
pub(super) fn bad_of(
    analyst: &Analyst,
    alarm: &Alarm,
    leaf: u32,
    lanes: &Lanes,
    season: f64,
) -> (f64, f64, f64) {
    match alarm.signal {
        Signal::Latency => {
            let all = analyst.watches.get(SliceKey::ALL);
            let nominal = 1.0 - QUANTILES[alarm.which];
            let rate = all.map_or(nominal, |watch| watch.latency[alarm.which].expected(nominal));
            let n = lanes.get(LATENCY_N);
            (n, lanes.get(SLOWER + alarm.which), n * rate)
        }
        Signal::ErrorMix => {
            let n = lanes.get(N);
            let leaf = &analyst.cells.leaves[leaf as usize];
            let expected = analyst.baseline.expected_class(leaf, alarm.which, n);
            (n, lanes.get(CLASS + alarm.which), expected)
        }
        Signal::SuccessRate | Signal::Volume => {
            // What was expected then, or what is known by now, whichever is less: a cell that has
            // always been bad has not broken, it was only not known yet.
            let n = lanes.get(N);
            let known =
                n * analyst.baseline.expected_in(&analyst.cells.leaves[leaf as usize], season);
            (n, n - lanes.get(K), n - lanes.get(E).min(known))
        }
    }
}

/// Slices that incidents held, from when to when: what failed there then has been explained.
struct Gone(Vec<(SliceKey, i64, i64)>);

impl Gone {
    /// Those that were held in a pane.
    fn in_pane(&self, pane: &Pane) -> Vec<SliceKey> {
        self.0
            .iter()
            .filter(|(_, from_ms, to_ms)| pane.starts_at_ms < *to_ms && pane.ends_at_ms > *from_ms)
            .map(|(key, ..)| *key)
            .collect()
    }
}

/// Attempts, bad ones, expected bad ones.
#[derive(Clone, Copy, Default)]
pub(super) struct Seen {
    pub n: f64,
    pub bad: f64,
    pub expected: f64,
}

impl Seen {
    fn add(&mut self, more: Self) {
        self.n += more.n;
        self.bad += more.bad;
        self.expected += more.expected;
    }

    fn less(self, part: Self) -> Self {
        Self {
            n: self.n - part.n,
            bad: self.bad - part.bad,
            expected: self.expected - part.expected,
        }
    }
}

/// Log-likelihood ratio of an expectation that is off by an error of this variance (log-odds, at its most likely value) against
/// the expectation itself. Fewer bad ones than expected need no explanation: what is expected of cells that weren't known yet is
/// the worse of two guesses.
fn error_llr(seen: &Seen, expected_bad: f64, dispersion: f64, variance: f64) -> f64 {
    if seen.n < 1.0 || variance <= 0.0 || seen.bad <= expected_bad {
        return 0.0;
    }
    let (n, bad) = (seen.n / dispersion, seen.bad / dispersion);
    let p = (expected_bad / seen.n).clamp(1e-9, 1.0 - 1e-9);
    let rate = |error: f64| shift(p, error);
    let mut error = 0.0;
    for _ in 0..5 {
        let q = rate(error);
        let slope = bad - n * q - error / variance;
        error += slope / (n * q * (1.0 - q) + 1.0 / variance);
    }
    let q = rate(error).clamp(1e-9, 1.0 - 1e-9);
    let gain = bad * libm::log(q / p) + (n - bad) * libm::log((1.0 - q) / (1.0 - p))
        - error * error / (2.0 * variance);
    gain.max(0.0)
}

impl Analyst {
    /// Panes that end after an instant, newest first; the one still open included, without its money.
    pub(crate) fn panes_back(
        &self,
        from_ms: i64,
    ) -> impl Iterator<Item = std::borrow::Cow<'_, Pane>> {
        let current = self.open_cells().map(std::borrow::Cow::Owned);
        current
            .into_iter()
            .chain(self.history.since(from_ms).rev().map(std::borrow::Cow::Borrowed))
            .filter(move |pane| pane.ends_at_ms > from_ms)
    }

    /// The onset of what a slice shows: the maximum-likelihood change point over panes. After it the rate is whatever it is, if it is
    /// worse than expected; before it, what was expected but for the expectation's own error: over hours a tenth of a point off would else outweigh seconds of an outage.
    pub(super) fn onset(&self, key: SliceKey, alarm: &Alarm, now_ms: i64) -> i64 {
        let (bias, level_sd) =
            self.watches.get(key).map_or((0.0, 0.0), |watch| (watch.bias, watch.level_sd()));
        let variance = level_sd * level_sd + self.baseline.season_variance(key);
        let far = now_ms - ONSET_MAX_MS.max(ONSET_MAX_TICKS * self.settings.tick_ms);
        let mut panes: Vec<(i64, Seen)> = Vec::new();
        for pane in self.panes_back(far) {
            let season = self.baseline.season_at(pane.middle_ms());
            let mut seen = Seen::default();
            for (leaf, lanes) in &pane.cells {
                let cell = &self.cells.leaves[*leaf as usize];
                if !cell.live || !key.contains(&cell.values) || self.held(*leaf, alarm) {
                    continue;
                }
                let (n, bad, expected) = bad_of(self, alarm, *leaf, lanes, season);
                seen.add(Seen { n, bad, expected });
            }
            panes.push((pane.starts_at_ms, seen));
        }
        let all = panes.iter().fold(Seen::default(), |mut all, (_, seen)| {
            all.add(*seen);
            all
        });
        let dispersion = self.watches.dispersion(key).max(1.0);
        let normal = |seen: &Seen| match alarm.signal {
            Signal::SuccessRate if seen.n > 0.0 => {
                seen.n * (1.0 - shift(1.0 - seen.expected / seen.n, bias))
            }
            _ => seen.expected,
        };
        let mut after = Seen::default();
        let (mut best, mut onset) = (0.0, now_ms - self.settings.tick_ms);
        for (starts_at_ms, seen) in panes {
            after.add(seen);
            let evidence = binomial_llr(after.n, after.bad, normal(&after)) / dispersion;
            if evidence <= 0.0 {
                continue;
            }
            let before = all.less(after);
            let evidence = evidence + error_llr(&before, normal(&before), dispersion, variance);
            if evidence > best {
                best = evidence;
                onset = starts_at_ms;
            }
        }
        onset
    }

    /// Whether an incident holds what an alarm is about on a leaf.
    pub(super) fn held(&self, leaf: u32, alarm: &Alarm) -> bool {
        let owner = self.cells.leaves[leaf as usize].owner;
        let mask = crate::signal::mask_of(alarm.signal).unwrap_or(0);
        owner[0] != NOBODY || owner[mask] != NOBODY
    }

    /// What incidents other than `mine` held of an alarm's signal and have let go since; but not what may have been taken for over too
    /// early.
    fn gone(&self, key: SliceKey, alarm: &Alarm, mine: &[u32]) -> Gone {
        let mask = crate::signal::mask_of(alarm.signal).unwrap_or(0);
        let over: Vec<(SliceKey, i64, i64)> = self
            .incidents
            .all()
            .filter(|tracker| !mine.contains(&tracker.number))
            .filter(|tracker| tracker.mask == Some(0) || tracker.mask == Some(mask))
            .filter_map(|tracker| {
                Some((tracker.key, tracker.started_at_ms, tracker.resolved_at_ms?))
            })
            .collect();
        if over.is_empty() {
            return Gone(over);
        }
        let names: Vec<SliceKey> = std::iter::once(key).chain(self.aliases(key)).collect();
        let nested = |other: SliceKey| {
            names.iter().any(|name| is_part(*name, other) || is_part(other, *name))
        };
        Gone(over.into_iter().filter(|(other, ..)| !nested(*other)).collect())
    }

    /// The counts of a slice since an instant: what incidents hold of an alarm's signal, and what is left.
    pub(super) fn held_and_left(&self, key: SliceKey, since_ms: i64, alarm: &Alarm) -> [Seen; 2] {
        let mut sums = [Seen::default(); 2];
        for pane in self.panes_back(since_ms) {
            let season = self.baseline.season_at(pane.middle_ms());
            for (leaf, lanes) in &pane.cells {
                let cell = &self.cells.leaves[*leaf as usize];
                if cell.live && key.contains(&cell.values) {
                    let (n, bad, expected) = bad_of(self, alarm, *leaf, lanes, season);
                    sums[usize::from(!self.held(*leaf, alarm))].add(Seen { n, bad, expected });
                }
            }
        }
        sums
    }

    /// The leaves' counts between two instants, as far as no incident but `mine` holds or held them.
    pub(super) fn cells_between(
        &self,
        key: SliceKey,
        (onset_ms, until_ms): (i64, i64),
        alarm: &Alarm,
        mine: &[u32],
    ) -> Vec<(u32, LeafCell)> {
        let mut sums: Vec<Option<(f64, f64, f64)>> = vec![None; self.cells.leaves.len()];
        let gone = self.gone(key, alarm, mine);
        for pane in self.panes_back(onset_ms).filter(|pane| pane.starts_at_ms < until_ms) {
            let season = self.baseline.season_at(pane.middle_ms());
            let gone = gone.in_pane(&pane);
            for (leaf, lanes) in &pane.cells {
                let cell = &self.cells.leaves[*leaf as usize];
                let free = |owner: u32| owner == NOBODY || mine.contains(&owner);
                let mask = crate::signal::mask_of(alarm.signal).unwrap_or(0);
                if !cell.live
                    || !free(cell.owner[0])
                    || !free(cell.owner[mask])
                    || gone.iter().any(|other| other.contains(&cell.values))
                {
                    continue;
                }
                let (n, bad, expected) = bad_of(self, alarm, *leaf, lanes, season);
                let sum = sums[*leaf as usize].get_or_insert_default();
                sum.0 += n;
                sum.1 += bad;
                sum.2 += expected;
            }
        }
        let dimensions = self.space.dimensions().len();
        sums.into_iter()
            .enumerate()
            .filter_map(|(leaf, sum)| {
                let (n, bad, expected) = sum.filter(|sum| sum.0 > 0.0)?;
                let past = &self.cells.leaves[leaf];
                let attempts = n.round() as u64;
                let cell = LeafCell {
                    values: past.values[..dimensions].into(),
                    attempts,
                    bad: (bad.round().max(0.0) as u64).min(attempts),
                    expected_bad: expected.clamp(0.0, n),
                    baseline_attempts: past.past.n + SHRUNK_ATTEMPTS,
                };
                Some((leaf as u32, cell))
            })
            .collect()
    }

    /// Root causes of the counts since onset, likeliest first.
    pub(super) fn root_causes(&self, cells: &[(u32, LeafCell)]) -> Vec<RootCause> {
        localise(
            cells.iter().map(|(_, cell)| cell),
            self.space.dimensions().len(),
            &LocaliseSettings::default(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_within_its_law_is_explained_and_an_outage_is_not() {
        let seen = |n: f64, rate: f64| Seen { n, bad: n * rate, expected: n * 0.15 };
        let gain = |seen: Seen| error_llr(&seen, seen.expected, 1.0, 0.05 * 0.05);
        let all = |seen: Seen| binomial_llr(seen.n, seen.bad, seen.expected);
        let hours = seen(400_000.0, 0.152);
        assert!(gain(hours) > 0.9 * all(hours), "{} of {}", gain(hours), all(hours));
        let outage = seen(400.0, 0.6);
        assert!(gain(outage) < 0.25 * all(outage), "{} of {}", gain(outage), all(outage));
        assert_eq!(gain(seen(0.0, 0.0)), 0.0);
    }
}
