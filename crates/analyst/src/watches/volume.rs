//! The volume of all traffic: Poisson counts, over-dispersed, against the season of the volume.

use serde::{Deserialize, Serialize};
use stats::edetector::PoissonDetector;

use crate::signal::{Signal, Tier};
use crate::watch::noise::{self, Noise, SCALES, VARIANCE_MIN};
use crate::watch::{Alarm, VOLUME_WARM_MS};
use crate::watches::Watches;

/// Guard of all traffic's volume, log scale: half or one and a half times.
const VOLUME_GUARD: f64 = 0.405;

/// The volume of all traffic.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Volume {
    pub(super) expected: Option<(f64, f64)>,
    pub(super) more: PoissonDetector<4>,
    pub(super) less: PoissonDetector<4>,
    pub(super) noise: Noise,
    pub(super) due: i64,
    pub(super) mean: f64,
    pub(super) seen: f64,
    pub(super) windows_at: [i64; 3],
}

impl Volume {
    pub(super) fn pass_over(&mut self, ms: i64, scale_ms: i64) {
        noise::pass_over(&mut self.windows_at, ms, scale_ms);
    }
}

impl Watches {
    pub(super) fn judge_volume(&mut self, number: i64, at_ms: i64, tick_ms: i64) -> Option<Alarm> {
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
        for (scale, length) in SCALES.into_iter().enumerate() {
            let at = at_ms.div_euclid(scale_ms * length);
            if volume.windows_at[scale] != at {
                volume.windows_at[scale] = at;
                let quiet = up.max(down) < libm::sqrt(threshold) * 10.0;
                volume.noise.close(scale, quiet, VARIANCE_MIN);
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
}
