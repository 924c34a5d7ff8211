//! Whether plans help as often as they say.
//!
//! Expected calibration error (Naeini, Cooper, Hauskrecht 2015) over ten equal bins, with a bootstrap over scenarios, since plans of one run share its fate;
//! Brier score against that of the constant base rate.

use stats::stream::Stream;

use super::run::{Plan, Run};

const BINS: usize = 10;
const BOOTSTRAP: usize = 500;

/// Plans by run.
pub struct Plans {
    groups: Vec<Vec<Plan>>,
}

impl Plans {
    /// Of these runs.
    pub fn of(runs: &[Run]) -> Self {
        Self {
            groups: runs.iter().map(|run| run.plans.clone()).filter(|p| !p.is_empty()).collect(),
        }
    }

    fn all(&self) -> impl Iterator<Item = &Plan> {
        self.groups.iter().flatten()
    }

    /// Those that were sure and wrong.
    pub fn wrong(&self) -> impl Iterator<Item = &Plan> {
        self.all().filter(|plan| !plan.helps && plan.confidence >= 0.9)
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.all().count()
    }

    /// Share of those said below 0.9.
    pub fn below(&self) -> f64 {
        self.all().filter(|plan| plan.confidence < 0.9).count() as f64 / self.len() as f64
    }

    /// Per bin: plans, mean said, share that helped.
    pub fn bins(&self) -> Vec<(usize, f64, f64)> {
        bins(self.all())
    }

    /// Expected calibration error.
    pub fn ece(&self) -> f64 {
        ece(self.all())
    }

    /// Its 95 % bootstrap interval over runs.
    pub fn ece_interval(&self) -> (f64, f64) {
        if self.groups.is_empty() {
            return (f64::NAN, f64::NAN);
        }
        let mut stream = Stream::named(1, "bootstrap of the calibration error");
        let mut values: Vec<f64> = (0..BOOTSTRAP)
            .map(|_| {
                let drawn = (0..self.groups.len())
                    .map(|_| &self.groups[stream.below(self.groups.len() as u64) as usize]);
                ece(drawn.collect::<Vec<_>>().into_iter().flatten())
            })
            .collect();
        values.sort_by(f64::total_cmp);
        (values[BOOTSTRAP * 25 / 1_000], values[BOOTSTRAP * 975 / 1_000])
    }

    /// 1 less Brier score over that of the base rate.
    pub fn brier_skill(&self) -> f64 {
        let n = self.len() as f64;
        let truth = |plan: &Plan| f64::from(u8::from(plan.helps));
        let base = self.all().map(truth).sum::<f64>() / n;
        let score: f64 = self.all().map(|p| (p.confidence - truth(p)).powi(2)).sum::<f64>() / n;
        let constant = base * (1.0 - base);
        if constant > 0.0 { 1.0 - score / constant } else { f64::NAN }
    }

    /// Knots of the map that would calibrate what was said.
    pub fn fit(&self) -> Vec<(f64, f64)> {
        let said: Vec<(f64, bool)> = self.all().map(|p| (p.confidence, p.helps)).collect();
        pilot::calibration::fit(&said, 200, 1)
    }
}

fn bins<'a>(plans: impl Iterator<Item = &'a Plan>) -> Vec<(usize, f64, f64)> {
    let mut sums = [(0_usize, 0.0, 0.0); BINS];
    for plan in plans {
        let bin = ((plan.confidence * BINS as f64) as usize).min(BINS - 1);
        sums[bin].0 += 1;
        sums[bin].1 += plan.confidence;
        sums[bin].2 += f64::from(u8::from(plan.helps));
    }
    sums.iter()
        .map(|(n, said, helped)| (*n, said / (*n).max(1) as f64, helped / (*n).max(1) as f64))
        .collect()
}

fn ece<'a>(plans: impl Iterator<Item = &'a Plan>) -> f64 {
    let bins = bins(plans);
    let all: usize = bins.iter().map(|(n, ..)| n).sum();
    bins.iter().map(|(n, said, helped)| *n as f64 / all as f64 * (said - helped).abs()).sum()
}
