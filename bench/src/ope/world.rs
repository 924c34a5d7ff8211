//! Worlds in which the value of a policy is known.

use stats::off_policy::{Logged, Means};
use stats::stream::Stream;

const PROPENSITY_MIN: f64 = 0.01;
/// Decisions between changes of what adapts or drifts.
const EPOCH: u64 = 500;

/// A log as it is written.
pub struct World {
    /// Of a context.
    contexts: Vec<f64>,
    /// Of a reward, by context and action; and how far it swings.
    chances: Vec<Vec<f64>>,
    swing: f64,
    adapts: bool,
    log: Vec<Vec<f64>>,
    target: Vec<Vec<f64>>,
    other: Vec<Vec<f64>>,
    means: Means,
    n: u64,
    value: f64,
    other_value: f64,
}

/// One decision, as two policies see it, and their values at that time.
pub struct Step {
    pub target: Logged,
    pub other: Logged,
    pub value: f64,
    pub other_value: f64,
}

impl World {
    pub fn draw(s: &mut Stream) -> Self {
        let (contexts, actions) = (3 + s.below(6) as usize, 3 + s.below(4) as usize);
        let rare = s.bernoulli(0.5);
        let chances: Vec<Vec<f64>> = (0..contexts)
            .map(|_| {
                (0..actions)
                    .map(|_| if rare { s.range(0.02, 0.3) } else { s.range(0.4, 0.97) })
                    .collect()
            })
            .collect();
        let weights: Vec<f64> = (0..contexts).map(|_| s.range(0.2, 1.0)).collect();
        let whole: f64 = weights.iter().sum();
        let kind = s.below(4);
        let log: Vec<Vec<f64>> = (0..contexts)
            .map(|_| floored(&(0..actions).map(|_| s.gamma(0.4) + 1e-6).collect::<Vec<_>>()))
            .collect();
        let one = s.below(actions as u64) as usize;
        let target =
            chances.iter().zip(&log).map(|(row, log)| target(kind, row, log, one)).collect();
        let mut world = Self {
            contexts: weights.iter().map(|weight| weight / whole).collect(),
            swing: if s.bernoulli(1.0 / 3.0) { 0.5 } else { 0.0 },
            adapts: s.bernoulli(0.5),
            other: log.clone(),
            chances,
            log,
            target,
            means: Means::default(),
            n: 0,
            value: 0.0,
            other_value: 0.0,
        };
        world.price();
        world
    }

    fn chance(&self, context: usize, action: usize) -> f64 {
        // Each action has a time of its own at which it is at its worst.
        let phase = self.n as f64 / 20_000.0 + action as f64 * 0.3 + context as f64 * 0.17;
        let fall = 0.5 - 0.5 * libm::cos(std::f64::consts::TAU * phase);
        self.chances[context][action] * (1.0 - self.swing * fall)
    }

    /// What the two policies are worth in this epoch.
    fn price(&mut self) {
        let value = |shares: &[Vec<f64>]| -> f64 {
            let of = |context: usize| -> f64 {
                shares[context]
                    .iter()
                    .enumerate()
                    .map(|(a, share)| share * self.chance(context, a))
                    .sum()
            };
            self.contexts.iter().enumerate().map(|(context, weight)| weight * of(context)).sum()
        };
        (self.value, self.other_value) = (value(&self.target), value(&self.other));
    }

    pub fn step(&mut self, s: &mut Stream) -> Step {
        if self.n.is_multiple_of(EPOCH) {
            if self.adapts && self.n > 0 {
                for context in 0..self.log.len() {
                    let odds: Vec<f64> = (0..self.log[context].len())
                        .map(|a| libm::exp(8.0 * self.means.mean(context as u32, a as u32)))
                        .collect();
                    self.log[context] = floored(&odds);
                }
            }
            self.price();
        }
        let context = s.weighted(&self.contexts);
        let action = s.weighted(&self.log[context]);
        // Drift goes by epochs, so that the value within one is constant.
        let (at, epoch) = (self.n, self.n / EPOCH * EPOCH);
        self.n = epoch;
        let reward = f64::from(u8::from(s.bernoulli(self.chance(context, action))));
        self.n = at + 1;
        let count = self.log[context].len();
        let mut predicted = [0.0; 8];
        for (a, predicted) in predicted[..count].iter_mut().enumerate() {
            *predicted = self.means.mean(context as u32, a as u32);
        }
        let predicted = &predicted[..count];
        let range = predicted.iter().fold((1.0_f64, 0.0_f64), |(l, h), q| (l.min(*q), h.max(*q)));
        let log = &self.log[context];
        let seen = |shares: &[f64]| Logged {
            reward,
            weight: shares[action] / log[action],
            weight_max: shares.iter().zip(log).map(|(to, from)| to / from).fold(0.0, f64::max),
            predicted: predicted[action],
            expected: shares.iter().zip(predicted).map(|(share, q)| share * q).sum(),
            predicted_range: range,
        };
        let step = Step {
            target: seen(&self.target[context]),
            other: seen(&self.other[context]),
            value: self.value,
            other_value: self.other_value,
        };
        self.means.add(context as u32, action as u32, reward);
        step
    }
}

/// Shares of at least the floor, in these proportions otherwise.
fn floored(weights: &[f64]) -> Vec<f64> {
    let (whole, count) = (weights.iter().sum::<f64>(), weights.len() as f64);
    let rest = 1.0 - count * PROPENSITY_MIN;
    weights.iter().map(|weight| PROPENSITY_MIN + rest * weight / whole).collect()
}

fn target(kind: u64, chances: &[f64], log: &[f64], one: usize) -> Vec<f64> {
    let best =
        (0..chances.len()).fold(0, |best, a| if chances[a] > chances[best] { a } else { best });
    let only = |at: usize| (0..chances.len()).map(|a| f64::from(u8::from(a == at))).collect();
    match kind {
        0 => only(best),
        1 => vec![1.0 / chances.len() as f64; chances.len()],
        2 => {
            let pushed: Vec<f64> = chances
                .iter()
                .zip(log)
                .map(|(chance, share)| share * libm::exp(4.0 * chance))
                .collect();
            let whole: f64 = pushed.iter().sum();
            pushed.iter().map(|share| share / whole).collect()
        }
        _ => only(one),
    }
}
