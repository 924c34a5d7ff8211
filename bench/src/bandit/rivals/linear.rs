//! LinUCB (Li et al. 2010, arXiv 1003.0146, disjoint arms) and linear Thompson sampling (Agrawal and Goyal 2013, arXiv 1209.3352).
//!
//! One ridge regression per gateway on the payment's values, one-hot, with a forgetting factor where the setting asks for one (Russac et al. 2019).
//! Fees are known to them: they choose by the rate's index times what is kept.

use stats::stream::Stream;

use super::highest;
use crate::bandit::play::Bandit;
use crate::bandit::world::World;

/// How uncertainty counts.
#[derive(Clone, Copy, Debug)]
pub enum Optimism {
    /// So many standard errors above.
    Bound(f64),
    /// Drawn, with so many standard errors.
    Drawn(f64),
}

struct Arm {
    inverse: Vec<f64>,
    weighted: Vec<f64>,
    theta: Vec<f64>,
}

pub struct Linear {
    stream: Stream,
    optimism: Optimism,
    /// What an outcome is worth after another of the same gateway.
    kept: f64,
    starts: Vec<usize>,
    width: usize,
    arms: Vec<Arm>,
}

impl Linear {
    pub fn new(world: &World, seed: u64, optimism: Optimism, kept: f64) -> Self {
        let mut starts = Vec::new();
        let mut width = 1;
        for values in &world.values {
            starts.push(width);
            width += values.len();
        }
        let arm = || {
            let mut inverse = vec![0.0; width * width];
            (0..width).for_each(|at| inverse[at * width + at] = 1.0);
            Arm { inverse, weighted: vec![0.0; width], theta: vec![0.0; width] }
        };
        let arms = world.gateways.iter().map(|_| arm()).collect();
        Self { stream: Stream::named(seed, "linear"), optimism, kept, starts, width, arms }
    }

    /// Where the features of a payment are 1.
    fn ones(&self, values: &[u16]) -> Vec<usize> {
        let own = self.starts.iter().zip(values).map(|(start, value)| start + usize::from(*value));
        std::iter::once(0).chain(own).collect()
    }
}

impl Bandit for Linear {
    fn choose(&mut self, world: &World, payment: usize) -> u16 {
        let asked = &world.payments[payment];
        let ones = self.ones(&asked.values);
        highest(asked, |gateway| {
            let arm = &self.arms[usize::from(gateway)];
            let mean: f64 = ones.iter().map(|at| arm.theta[*at]).sum();
            let row = |i: &usize| ones.iter().map(|j| arm.inverse[i * self.width + j]).sum::<f64>();
            let error = ones.iter().map(row).sum::<f64>().max(0.0).sqrt();
            let index = match self.optimism {
                Optimism::Bound(times) => mean + times * error,
                Optimism::Drawn(times) => mean + times * error * self.stream.normal(),
            };
            index * asked.kept[usize::from(gateway)]
        })
    }

    fn learn(&mut self, world: &World, payment: usize, gateway: u16, success: bool) {
        let ones = self.ones(&world.payments[payment].values);
        let (width, kept) = (self.width, self.kept);
        let arm = &mut self.arms[usize::from(gateway)];
        if kept < 1.0 {
            // The prior is forgotten with the rest; the inverse is held so that nothing grows without bound.
            arm.inverse.iter_mut().for_each(|x| *x /= kept);
            arm.weighted.iter_mut().for_each(|x| *x *= kept);
            let most = (0..width).fold(0.0_f64, |most, at| most.max(arm.inverse[at * width + at]));
            if most > 1.0 {
                for at in 0..width {
                    if arm.inverse[at * width + at] > 1.0 {
                        let shrink = 1.0 / arm.inverse[at * width + at].sqrt();
                        for other in 0..width {
                            arm.inverse[at * width + other] *= shrink;
                            arm.inverse[other * width + at] *= shrink;
                        }
                    }
                }
            }
        }
        let column: Vec<f64> =
            (0..width).map(|i| ones.iter().map(|j| arm.inverse[i * width + j]).sum()).collect();
        let scale = 1.0 + ones.iter().map(|at| column[*at]).sum::<f64>();
        for i in 0..width {
            let of_row = column[i] / scale;
            for (j, of_column) in column.iter().enumerate() {
                arm.inverse[i * width + j] -= of_row * of_column;
            }
        }
        if success {
            ones.iter().for_each(|at| arm.weighted[*at] += 1.0);
        }
        for i in 0..width {
            let row = &arm.inverse[i * width..(i + 1) * width];
            arm.theta[i] = row.iter().zip(&arm.weighted).map(|(a, b)| a * b).sum();
        }
    }
}
