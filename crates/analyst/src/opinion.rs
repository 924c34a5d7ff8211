//! What the second opinion is shown: once a minute, how the busiest plain slices fare.
//!
//! The forests learn what is usual from slices of at most one attribute, because those have traffic
//! enough for five numbers a minute. Each costs some 40 us, so the forests are shown at most
//! [`SLICES_FIRST`] at a time while they are young and [`SLICES_LATER`] then, in turn: what is usual
//! changes over hours.
//! A slice that shares attempts with an open incident is left out: it must not become the usual.
//! The incident's own slice is judged by the same numbers and teaches nothing. An opinion is evidence
//! beside the diagnosis; it pages nobody.

use serde::{Deserialize, Serialize};

use crate::Signal;
use crate::analyst::Analyst;
use crate::cells::NOBODY;
use crate::lanes::{CLASS, CLASSES, E, K, LATENCY_N, Lanes, N, SLOWER, V, VOLUME};
use crate::logistic::logit;
use crate::second_opinion::{Opinion, SecondOpinion, SliceFeatures, mix_divergence};
use crate::space::SliceKey;

/// Slices shown at a time, until as many looks at slices were learnt, and from then on.
const SLICES_FIRST: usize = 256;
const YOUNG: u64 = 2_048;
const SLICES_LATER: usize = 4;
/// How long each is looked at.
const LOOK_MS: i64 = 60_000;
/// Attempts that a slice must have in that time.
const ATTEMPTS_MIN: f64 = 20.0;
/// Usual attempts that are added to what was seen, so that chance alone looks usual.
const USUAL: f64 = 20.0;
/// Scale of the logistic distribution that log-latencies resemble: that of a standard deviation of
/// 0.55. It turns the share of slow attempts into a shift of the latency.
const LATENCY_SCALE: f64 = 0.3;

/// The forests, and when they last looked.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Opinions {
    forests: SecondOpinion,
    looked_at: i64,
}

impl Opinions {
    /// Forests that know nothing yet.
    pub fn new(contamination: f64, seed: u64) -> Self {
        Self { forests: SecondOpinion::new(contamination, seed), looked_at: i64::MIN }
    }
}

impl Analyst {
    /// Shows the forests the slices of the last minute, if one is over.
    pub(crate) fn look_around(&mut self, now_ms: i64) {
        let length_ms = LOOK_MS.max(self.settings.tick_ms);
        let number = now_ms.div_euclid(length_ms);
        if number == self.opinions.looked_at || !self.baseline.is_fitted() {
            return;
        }
        self.opinions.looked_at = number;
        let (slices, volume) = self.plain_slices(now_ms - length_ms);
        let warm: Vec<(SliceKey, Lanes)> = slices
            .into_iter()
            .filter(|(key, _)| self.watches.get(*key).is_some_and(|watch| watch.is_warm()))
            .collect();
        let young = self.opinions.forests.learnt() < YOUNG;
        let shown = warm.len().min(if young { SLICES_FIRST } else { SLICES_LATER });
        let first = (number.rem_euclid(1 << 32) as usize) * shown;
        let seen: Vec<SliceFeatures> = (first..first + shown)
            .map(|turn| {
                let (key, lanes) = &warm[turn % warm.len()];
                let evidence = self.watches.get(*key).map_or(0.0, |watch| {
                    watch.statistics.iter().fold(0.0_f64, |most, &r| most.max(r))
                });
                self.features(*key, lanes, evidence, volume)
            })
            .collect();
        for features in &seen {
            self.opinions.forests.observe(features);
        }
    }

    /// What the forests think of an incident's slice now.
    pub(crate) fn opinion_on(&mut self, number: u32) -> Option<Opinion> {
        let tracker = self.incidents.all().find(|tracker| tracker.number == number)?;
        let key = tracker.key;
        let since_ms = self.last_end_ms()? - LOOK_MS.max(self.settings.tick_ms);
        let (mut lanes, mut volume) = (Lanes::default(), 0.0);
        for pane in self.panes_back(since_ms) {
            for (leaf, sums) in &pane.cells {
                volume += sums.get(VOLUME);
                if key.contains(&self.cells.leaves[*leaf as usize].values) {
                    lanes.add(sums);
                }
            }
        }
        let evidence =
            if tracker.alarm.signal == Signal::SuccessRate { tracker.alarm.e_value } else { 0.0 };
        let features = self.features(key, &lanes, evidence, volume);
        Some(self.opinions.forests.judge(&features))
    }

    /// Slices of at most one attribute that no incident touches, busiest first, and all volume.
    fn plain_slices(&self, since_ms: i64) -> (Vec<(SliceKey, Lanes)>, f64) {
        let dimensions = self.space.dimensions().len();
        let mut all = Lanes::default();
        let mut by_value: Vec<Vec<(Lanes, bool)>> = vec![Vec::new(); dimensions];
        let mut touched = false;
        for pane in self.panes_back(since_ms) {
            for (leaf, sums) in &pane.cells {
                let cell = &self.cells.leaves[*leaf as usize];
                let held = cell.owner.iter().any(|owner| *owner != NOBODY);
                touched |= held;
                all.add(sums);
                for (of_dimension, &value) in by_value.iter_mut().zip(&cell.values) {
                    let place = value as usize;
                    if of_dimension.len() <= place {
                        of_dimension.resize(place + 1, (Lanes::default(), false));
                    }
                    of_dimension[place].0.add(sums);
                    of_dimension[place].1 |= held;
                }
            }
        }
        let volume = all.get(VOLUME);
        let mut slices = vec![(SliceKey::ALL, all, touched)];
        for (d, values) in by_value.into_iter().enumerate() {
            slices.extend(values.into_iter().enumerate().map(|(value, (sums, held))| {
                (SliceKey::from_conditions([(d, value as u32)]), sums, held)
            }));
        }
        slices.retain(|(_, sums, held)| !held && sums.get(N) >= ATTEMPTS_MIN);
        slices.sort_by(|a, b| b.1.get(VOLUME).total_cmp(&a.1.get(VOLUME)).then(a.0.cmp(&b.0)));
        (slices.into_iter().map(|(key, sums, _)| (key, sums)).collect(), volume)
    }

    fn features(&self, key: SliceKey, lanes: &Lanes, evidence: f64, volume: f64) -> SliceFeatures {
        let watch = self.watches.get(key);
        let n = lanes.get(N);
        let residual = if n > 0.0 {
            let rate = lanes.get(E) / n;
            let expected = n * watch.map_or(rate, |watch| watch.expected(rate));
            let variance = lanes.get(V) * self.watches.dispersion(key);
            (lanes.get(K) - expected) / libm::sqrt(variance.max(1e-9))
        } else {
            0.0
        };
        let slower = watch.map_or(0.5, |watch| watch.slower_rate(0)).clamp(0.01, 0.99);
        let slow = (lanes.get(SLOWER) + USUAL * slower) / (lanes.get(LATENCY_N) + USUAL);
        let latency = LATENCY_SCALE * (logit(slow.clamp(0.001, 0.999)) - logit(slower));
        let usual: Vec<f64> = (0..CLASSES)
            .map(|class| match watch {
                Some(watch) => watch.class_rate(class),
                None => self.baseline.class_rate(class),
            })
            .collect();
        let all_usual: f64 = usual.iter().sum();
        let mix: Vec<f64> = usual
            .iter()
            .enumerate()
            .map(|(class, usual)| lanes.get(CLASS + class) + USUAL * usual / all_usual.max(1e-9))
            .collect();
        let share = watch.and_then(|watch| watch.volume_share()).map(|(share, _)| share);
        let ratio = match share {
            Some(share) if share * volume >= ATTEMPTS_MIN => {
                libm::log((lanes.get(VOLUME) + 1.0) / (share * volume + 1.0))
            }
            _ => 0.0,
        };
        SliceFeatures([
            libm::log10(1.0 + evidence.max(0.0)),
            residual,
            latency,
            mix_divergence(&mix, &usual),
            ratio,
        ])
    }
}
