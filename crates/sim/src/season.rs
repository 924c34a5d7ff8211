//! Waves of the day and the week, and the slow wander of success rates.
//!
//! Volume is a smooth positive wave, scaled so that its mean over a week is exactly the configured
//! rate. Success moves on the scale of log odds, each gateway with a phase of its own. Everything is
//! a function of time and seed alone, so any instant can be asked for without playing what came
//! before. Evaluated once per block of 10 s.

use libm::{cos, exp, floor};
use stats::stream::Stream;

use crate::config::{Drift, Season};

const DAY_MS: f64 = 86_400_000.0;
const TURN: f64 = core::f64::consts::TAU;

#[derive(Clone, Debug)]
pub(crate) struct Waves {
    season: Season,
    drift: Option<Drift>,
    volume_norm: f64,
    /// Per gateway: phase of the day's and of the week's wave of success, in turns.
    phases: Vec<(f64, f64)>,
    wander: Vec<Stream>,
}

impl Waves {
    pub(crate) fn new(
        root: &Stream,
        season: Season,
        drift: Option<Drift>,
        gateways: usize,
    ) -> Self {
        let mut draws = root.fork("season");
        // Gateways share the world's day: phases differ by a few hours, not by half a day.
        let phases =
            (0..gateways).map(|_| (0.55 + 0.1 * draws.normal(), draws.uniform())).collect();
        let wander = (0..gateways).map(|g| root.fork("drift").fork_index(g as u64)).collect();
        let mut waves = Self { season, drift, volume_norm: 1.0, phases, wander };
        let steps = 7 * 24 * 12;
        let sum: f64 = (0..steps).map(|i| waves.volume_at(f64::from(i) * 300_000.0)).sum();
        waves.volume_norm = f64::from(steps) / sum;
        waves
    }

    fn turns(&self, at_ms: f64) -> (f64, f64) {
        let local = at_ms + f64::from(self.season.utc_offset_min) * 60_000.0;
        let days = local / DAY_MS;
        // The epoch was a Thursday.
        let weeks = (days + 4.0) / 7.0;
        (days - floor(days), weeks - floor(weeks))
    }

    /// Volume against its weekly mean.
    pub(crate) fn volume_at(&self, at_ms: f64) -> f64 {
        let (day, week) = self.turns(at_ms);
        let daily = cos(TURN * (day - 0.69)) + 0.3 * cos(2.0 * TURN * (day - 0.83));
        let wave =
            self.season.volume_day * daily + self.season.volume_week * cos(TURN * (week - 0.85));
        self.volume_norm * exp(wave)
    }

    /// What a gateway's odds of success are multiplied by.
    pub(crate) fn odds_at(&self, gateway: usize, at_ms: f64) -> f64 {
        let (day, week) = self.turns(at_ms);
        let (day_phase, week_phase) = self.phases[gateway];
        let mut logit = self.season.success_day * cos(TURN * (day - day_phase))
            + self.season.success_week * cos(TURN * (week - week_phase));
        if let Some(drift) = self.drift {
            let position = at_ms / (f64::from(drift.knot_s) * 1_000.0);
            let knot = floor(position);
            let draw = |k: f64| self.wander[gateway].fork_index(k as i64 as u64).normal();
            let (a, b) = (draw(knot), draw(knot + 1.0));
            // Weights on a circle keep the variance the same between the knots.
            let turn = TURN / 4.0 * (position - knot);
            logit += drift.logit_sd * (a * cos(turn) + b * libm::sin(turn));
        }
        exp(logit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::WorldConfig;

    fn waves(drift: Option<Drift>) -> Waves {
        Waves::new(&Stream::named(3, "test"), WorldConfig::default().season, drift, 2)
    }

    #[test]
    fn volume_has_mean_one_and_a_visible_day() {
        let waves = waves(None);
        let week: Vec<f64> =
            (0..10_080).map(|m| waves.volume_at(f64::from(m) * 60_000.0)).collect();
        let mean = week.iter().sum::<f64>() / week.len() as f64;
        assert!((mean - 1.0).abs() < 1e-6, "{mean}");
        let low = week.iter().copied().fold(f64::MAX, f64::min);
        let high = week.iter().copied().fold(0.0, f64::max);
        assert!(high / low > 4.0, "{low} to {high}");
    }

    #[test]
    fn drift_has_its_standard_deviation_and_no_jumps() {
        let season =
            Season { success_day: 0.0, success_week: 0.0, ..WorldConfig::default().season };
        let drift = Some(Drift { logit_sd: 0.1, knot_s: 600 });
        let waves = Waves::new(&Stream::named(3, "test"), season, drift, 1);
        let logits: Vec<f64> =
            (0..40_000).map(|m| libm::log(waves.odds_at(0, f64::from(m) * 60_000.0))).collect();
        let variance = logits.iter().map(|x| x * x).sum::<f64>() / logits.len() as f64;
        assert!((libm::sqrt(variance) - 0.1).abs() < 0.005, "{variance}");
        let jump = logits.windows(2).map(|w| (w[1] - w[0]).abs()).fold(0.0, f64::max);
        assert!(jump < 0.1, "{jump}");
    }
}
