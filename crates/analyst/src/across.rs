//! What the payments of a slice would meet at the other values of one of its dimensions.
//!
//! The question behind it: the slice `{gateway: A, network: V}` fails; what do payments of network V see at the other
//! gateways now, and what would *these* payments, with their own mix of issuers and merchants, expect there? So two things are told
//! per value: what was counted in the slice's context since an instant, against what was expected of it; and the baseline's
//! expectation for the slice's mix with that one value replaced (cell by cell, then summed: another mix is no other rate).
//!
//! The first is here, the second in `prospects`. Cost: the panes since that instant.

use std::collections::BTreeMap;

use payments::{Money, Timestamp};
use serde::{Deserialize, Serialize};

use crate::Slice;
use crate::analyst::Analyst;
use crate::cells::{Leaf, NOBODY};
use crate::lanes::{E, K, N, VOLUME};
use crate::space::{NONE, ORDER_MAX, OTHER, SliceKey};
use crate::tape::NO_CURRENCY;

/// Values told at most: those with most traffic.
const VALUES_MAX: usize = 32;
/// Cells of panes that tell rates well enough: of busier traffic the newest are read.
const SAMPLE_CELLS: usize = 1 << 17;
/// A statistic this far to its threshold (in log) is suspicious.
const SUSPECT_POWER: f64 = 0.5;

/// One value of the dimension, in the context of a slice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Across {
    /// The value.
    pub value: String,
    /// Whether the slice names it.
    pub named: bool,
    /// Attempts with an outcome in this context.
    pub attempts: f64,
    /// Approved of these.
    pub successes: f64,
    /// Approvals that the baseline expected of these.
    pub expected_successes: f64,
    /// Standard deviation of that expectation, log-odds.
    pub baseline_sd: f64,
    /// Variance of outcomes over the binomial one.
    pub dispersion: f64,
    /// Whether another incident holds part of this context, or its detector is half-way to an alarm.
    pub suspect: bool,
    /// Attempts per second of the value over all its traffic, in the rolling window.
    pub load_per_s: f64,
}

/// Attempts per second by value of one dimension.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Loads(BTreeMap<u32, f64>);

/// Present traffic of a slice.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Flow {
    /// Attempts per second in the rolling window.
    pub attempts_per_s: f64,
    /// What usually comes, over about the last hour; 0 where that isn't known.
    pub usual_per_s: f64,
    /// Attempts per second over all traffic, in the rolling window.
    pub all_per_s: f64,
    /// Money asked for per minute, per currency.
    pub money_per_minute: Vec<Money>,
}

impl Analyst {
    /// The slice's key, if all its names are known.
    pub(crate) fn key_of(&self, slice: &Slice) -> Option<SliceKey> {
        let mut conditions = slice
            .pairs()
            .map(|(name, value)| {
                let d = self.space.dimensions().iter().position(|known| known == name)?;
                Some((d, self.space.find(d, value)?))
            })
            .collect::<Option<Vec<_>>>()?;
        conditions.sort_unstable();
        Some(SliceKey::from_conditions(conditions))
    }

    /// What lies at every value of a dimension in the context of a slice, counted since each of some instants; empty where the
    /// slice or the dimension is unknown. The loads are [`Analyst::loads`] of this dimension, which all slices share.
    pub fn across<const M: usize>(
        &self,
        slice: &Slice,
        dimension: &str,
        since: [Timestamp; M],
        loads: &Loads,
    ) -> [Vec<Across>; M] {
        let found = self.space.dimensions().iter().position(|name| name == dimension);
        let (Some(d), Some(key)) = (found, self.key_of(slice)) else {
            return [(); M].map(|()| Vec::new());
        };
        let named = key.conditions().find(|(at, _)| *at == d).map(|(_, value)| value);
        let context = SliceKey::from_conditions(key.conditions().filter(|(at, _)| *at != d));
        let counts = self.counts_across(context, d, since);
        counts.map(|counts| self.values_across(&counts, context, (d, named), &loads.0))
    }

    fn values_across(
        &self,
        counts: &BTreeMap<u32, [f64; 3]>,
        context: SliceKey,
        (d, named): (usize, Option<u32>),
        loads: &BTreeMap<u32, f64>,
    ) -> Vec<Across> {
        let mut values: Vec<u32> = loads.keys().chain(counts.keys()).copied().collect();
        values.extend(named);
        values.sort_unstable();
        values.dedup();
        values.retain(|value| ![NONE, OTHER].contains(value) || Some(*value) == named);
        values.sort_by(|a, b| {
            let load = |value: &u32| loads.get(value).copied().unwrap_or(0.0);
            (named != Some(*a)).cmp(&(named != Some(*b))).then(load(b).total_cmp(&load(a)))
        });
        values.truncate(VALUES_MAX);
        values
            .into_iter()
            .map(|value| {
                let [n, k, e] = counts.get(&value).copied().unwrap_or_default();
                let there = with(context, d, value);
                let watch = self.watches.get(there);
                let level = watch
                    .or_else(|| self.watches.get(SliceKey::from_conditions([(d, value)])))
                    .map_or(UNKNOWN_LEVEL_SD, |watch| watch.level_sd());
                Across {
                    value: self.space.name(d, value).to_owned(),
                    named: named == Some(value),
                    attempts: n,
                    successes: k,
                    expected_successes: e,
                    baseline_sd: libm::sqrt(level * level + self.baseline.season_variance(there)),
                    dispersion: self.watches.dispersion(there),
                    suspect: named != Some(value) && self.is_suspect(there),
                    load_per_s: loads.get(&value).copied().unwrap_or(0.0),
                }
            })
            .collect()
    }

    /// Present traffic of a slice and of all.
    pub fn flow(&self, slice: &Slice) -> Flow {
        let Some(key) = self.key_of(slice) else { return Flow::default() };
        let (mut inside, mut all) = (0.0, 0.0);
        let mut minor: Vec<Option<i64>> = Vec::new();
        for row in self.lately().flat_map(|tick| &tick.rows) {
            let count = f64::from(row.count);
            all += count;
            if key.contains(&self.cells.leaves[row.leaf as usize].values) {
                inside += count;
                if row.currency != NO_CURRENCY {
                    let sum = place(&mut minor, row.currency.into());
                    *sum = sum.saturating_add(row.minor);
                }
            }
        }
        let span_s = self.lately_s();
        Flow {
            attempts_per_s: inside / span_s,
            usual_per_s: self.cells.find(key).map_or(0.0, |entry| entry.rate)
                / (self.settings.tick_ms as f64 / 1e3),
            all_per_s: all / span_s,
            money_per_minute: (0..)
                .zip(minor)
                .filter_map(|(currency, minor)| Some((currency, minor?)))
                .map(|(currency, minor)| Money {
                    minor: (minor as f64 * 60.0 / span_s) as i64,
                    currency: self.currencies.get(currency),
                })
                .collect(),
        }
    }

    /// Share of all traffic over the last ten panes; attempts per second for all traffic.
    pub(crate) fn recent_share(&self, key: SliceKey) -> f64 {
        let (mut inside, mut all, mut length) = (0.0, 0.0, 0);
        for pane in self.panes_back(i64::MIN).take(10) {
            length += pane.ends_at_ms - pane.starts_at_ms;
            for (leaf, lanes) in &pane.cells {
                all += lanes.get(VOLUME);
                if key.contains(&self.cells.leaves[*leaf as usize].values) {
                    inside += lanes.get(VOLUME);
                }
            }
        }
        if key == SliceKey::ALL {
            inside / (length.max(1) as f64 / 1_000.0)
        } else if all > 0.0 {
            inside / all
        } else {
            0.0
        }
    }

    /// Per value of a dimension: the share of its usual traffic that open incidents about success hold; empty while none is open.
    pub fn held_shares(&self, dimension: &str) -> BTreeMap<String, f64> {
        let Some(d) = self.space.dimensions().iter().position(|name| name == dimension) else {
            return BTreeMap::new();
        };
        if !self.incidents.any_open() {
            return BTreeMap::new();
        }
        let mut sums: Vec<Option<(f64, f64)>> = vec![None; self.space.values_len(d)];
        for leaf in self.cells.leaves.iter().filter(|leaf| leaf.live && leaf.rate > 0.0) {
            let (held, all) = place(&mut sums, leaf.values[d]);
            *held += if leaf.owner[0] == NOBODY { 0.0 } else { leaf.rate };
            *all += leaf.rate;
        }
        by_value(sums)
            .into_iter()
            .map(|(value, (held, all))| (self.space.name(d, value).to_owned(), held / all))
            .collect()
    }

    /// Attempts, approvals and expected approvals by value since each instant, of as many panes as hold a sample.
    fn counts_across<const M: usize>(
        &self,
        context: SliceKey,
        d: usize,
        since: [Timestamp; M],
    ) -> [BTreeMap<u32, [f64; 3]>; M] {
        let mut counts: [Vec<Option<[f64; 3]>>; M] =
            std::array::from_fn(|_| vec![None; self.space.values_len(d)]);
        // Panes name a leaf many times over: whether it is in the context is asked once.
        let inside = |leaf: &Leaf| leaf.live && context.contains(&leaf.values);
        let value_of: Vec<Option<u32>> =
            self.cells.leaves.iter().map(|leaf| inside(leaf).then(|| leaf.values[d])).collect();
        let since_ms = since.map(Timestamp::as_millis);
        let first_ms = since_ms.iter().copied().min().unwrap_or(i64::MAX);
        let mut read = 0;
        for pane in self.panes_back(first_ms).filter(|pane| pane.starts_at_ms >= first_ms) {
            if read >= SAMPLE_CELLS {
                break;
            }
            read += pane.cells.len();
            let mut here: Vec<Option<[f64; 3]>> = vec![None; self.space.values_len(d)];
            for (leaf, lanes) in &pane.cells {
                if let Some(value) = value_of[*leaf as usize] {
                    add(place(&mut here, value), [N, K, E].map(|lane| lanes.get(lane)));
                }
            }
            let of_pane = (0_u32..).zip(here).filter_map(|(value, sums)| Some((value, sums?)));
            for (value, sums) in of_pane {
                let since = counts.iter_mut().zip(since_ms);
                let within = since.filter(|(_, since_ms)| pane.starts_at_ms >= *since_ms);
                within.for_each(|(counts, _)| add(place(counts, value), sums));
            }
        }
        counts.map(by_value)
    }

    /// Attempts per second by value of a dimension, in the rolling window.
    pub fn loads(&self, dimension: &str) -> Loads {
        let Some(d) = self.space.dimensions().iter().position(|name| name == dimension) else {
            return Loads::default();
        };
        let mut loads: Vec<Option<f64>> = vec![None; self.space.values_len(d)];
        for row in self.lately().flat_map(|tick| &tick.rows) {
            let value = self.cells.leaves[row.leaf as usize].values[d];
            *place(&mut loads, value) += f64::from(row.count);
        }
        let span_s = self.lately_s();
        let mut loads = by_value(loads);
        loads.values_mut().for_each(|load| *load /= span_s);
        Loads(loads)
    }

    /// Whether an open incident holds leaves of this slice, or a detector above or at it is half-way to an alarm.
    fn is_suspect(&self, key: SliceKey) -> bool {
        let held = self.incidents.all().any(|tracker| {
            tracker.is_open() && tracker.mask == Some(0) && compatible(tracker.key, key) && {
                let named = |k: SliceKey| k.conditions().collect::<Vec<_>>();
                named(tracker.key).iter().any(|condition| named(key).contains(condition))
            }
        });
        let half = |key: SliceKey| {
            self.watches.get(key).is_some_and(|watch| {
                let most = watch.statistics[0].max(watch.statistics[1]);
                most >= libm::pow(self.watches.threshold(watch.subset), SUSPECT_POWER)
            })
        };
        held || half(key) || key.conditions().any(|one| half(SliceKey::from_conditions([one])))
    }
}

/// The level of a value that nothing watches, log-odds.
const UNKNOWN_LEVEL_SD: f64 = 0.3;

/// A context with one value more; of one that has no room for it, the value alone.
pub(crate) fn with(context: SliceKey, d: usize, value: u32) -> SliceKey {
    let mut conditions: Vec<(usize, u32)> = context.conditions().collect();
    if conditions.len() >= ORDER_MAX {
        conditions.clear();
    }
    conditions.push((d, value));
    conditions.sort_unstable();
    SliceKey::from_conditions(conditions)
}

/// Whether two slices may hold an attempt together: no dimension that both name differs.
fn compatible(a: SliceKey, b: SliceKey) -> bool {
    a.conditions().all(|(d, v)| b.conditions().all(|(e, w)| d != e || v == w))
}

/// The place of a value's sum; values get their numbers while the engine runs.
pub(crate) fn place<T: Copy + Default>(sums: &mut Vec<Option<T>>, value: u32) -> &mut T {
    let at = value as usize;
    if at >= sums.len() {
        sums.resize(at + 1, None);
    }
    sums[at].get_or_insert_default()
}

fn add(sums: &mut [f64; 3], more: [f64; 3]) {
    sums.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
}

fn by_value<T>(sums: Vec<Option<T>>) -> BTreeMap<u32, T> {
    (0..).zip(sums).filter_map(|(value, sum)| Some((value, sum?))).collect()
}

#[cfg(test)]
mod tests {
    use payments::Status;

    use super::*;
    use crate::intake::Alike;
    use crate::{News, Settings};

    /// Two gateways, two networks: B is five points better than A on V, ten points worse on M.
    fn learnt() -> (Analyst, i64) {
        let dimensions = ["gateway", "network", "merchant_id"].map(String::from).to_vec();
        let settings = Settings { dimensions, tick_ms: 10_000, ..Settings::default() };
        let mut analyst = Analyst::new(settings, 1);
        let mut tick = 0;
        for _ in 0..720 {
            counts(&mut analyst, tick, [(80, 85), (70, 60)]);
            tick += 1;
        }
        (analyst, tick)
    }

    /// A tick of 100 attempts per gateway, network and merchant, with these approvals (A, B) per network; merchant `m2` has no
    /// contract with B.
    fn counts(analyst: &mut Analyst, tick: i64, approved: [(u32, u32); 2]) -> Vec<News> {
        for (network, (a, b)) in ["V", "M"].into_iter().zip(approved) {
            for (gateway, k, merchant) in [("A", a, "m1"), ("B", b, "m1"), ("A", a, "m2")] {
                for (status, count) in [(Status::Approved, k), (Status::Declined, 100 - k)] {
                    let names = [Some(gateway), Some(network), Some(merchant)];
                    let alike =
                        Alike { names: &names, count, status, code: None, latency_ms: None };
                    analyst.count_alike(&alike, tick);
                }
            }
        }
        analyst.close(tick)
    }

    fn at<'a>(all: &'a [Across], value: &str) -> &'a Across {
        all.iter().find(|across| across.value == value).expect(value)
    }

    #[test]
    fn each_value_is_judged_by_the_mix_of_the_slice_and_in_its_context() {
        let (mut analyst, tick) = learnt();
        for later in 0..6 {
            counts(&mut analyst, tick + later, [(30, 85), (70, 60)]);
        }
        let slice = Slice::new([("gateway", "A"), ("network", "V")]);
        let since = Timestamp::from_millis(tick * 10_000);
        let [across] = analyst.across(&slice, "gateway", [since], &analyst.loads("gateway"));
        assert_eq!(across.len(), 2);
        let (a, b) = (at(&across, "A"), at(&across, "B"));
        assert!(a.named && !b.named);
        assert_eq!((a.attempts, a.successes), (1_200.0, 360.0));
        assert_eq!((b.attempts, b.successes), (600.0, 510.0));
        assert!((a.expected_successes - 960.0).abs() < 15.0, "{a:?}");
        let prospects = analyst.prospects(&slice, "gateway", ["A", "B", "Z"]);
        assert_eq!(prospects.len(), 2);
        assert!((prospects[0].baseline_rate - 0.80).abs() < 0.02, "{prospects:?}");
        assert!((prospects[1].baseline_rate - 0.85).abs() < 0.02, "{prospects:?}");
        assert!((prospects[1].open_to - 0.5).abs() < 1e-6, "half has no contract: {prospects:?}");
        assert!(!b.suspect);
        assert!((a.load_per_s - 40.0).abs() < 1e-6 && (b.load_per_s - 20.0).abs() < 1e-6);
        let flow = analyst.flow(&slice);
        assert!((flow.attempts_per_s - 20.0).abs() < 1e-6 && (flow.all_per_s - 60.0).abs() < 1e-6);
    }

    #[test]
    fn what_another_incident_holds_is_suspect() {
        let (mut analyst, tick) = learnt();
        for later in 0..12 {
            counts(&mut analyst, tick + later, [(80, 20), (70, 15)]);
        }
        assert!(analyst.incidents().iter().any(|i| i.slice == Slice::new([("gateway", "B")])));
        let slice = Slice::new([("gateway", "A"), ("network", "V")]);
        let since = Timestamp::from_millis(tick * 10_000);
        let [across] = analyst.across(&slice, "gateway", [since], &analyst.loads("gateway"));
        assert!(at(&across, "B").suspect && !at(&across, "A").suspect);
        let held = analyst.held_shares("gateway");
        assert!(held["B"] > 0.99 && held["A"] < 0.01, "{held:?}");
    }

    #[test]
    fn names_that_are_unknown_have_nothing_across() {
        let (analyst, _) = learnt();
        let since = Timestamp::from_millis(0);
        let loads = analyst.loads("gateway");
        let unknown = Slice::new([("gateway", "Z")]);
        let nothing = |slice: &Slice, dimension: &str| {
            analyst.across(slice, dimension, [since], &loads).iter().all(Vec::is_empty)
        };
        assert!(nothing(&unknown, "gateway") && nothing(&Slice::default(), "colour"));
        assert_eq!(analyst.loads("colour"), Loads::default());
    }
}
