//! How much more counts vary than independent attempts would.
//!
//! **Problem.** Retries, bursts and shared causes make counts vary phi times as much as a binomial. A detector that is not told
//! alarms many times too often; told too much, it is late.
//!
//! **Method.** The moment estimator: over blocks with expectation e = n p and binomial variance V = n p (1 - p), phi is the mean
//! of z^2 = (k - e)^2 / V (McCullagh and Nelder 1989, section 4.5). Three things make it fit for use on live traffic:
//! - *Several scales.* Blocks of 1, 6 and 36 ticks: bursts longer than a tick show only in longer blocks. `phi` is the largest.
//! - *Robust.* z^2 is clipped at 9 times the present estimate (Huber 1981), the mean corrected for what clipping takes from a normal: an
//!   incident that slips through before it is found adds no more than a bad block does.
//! - *A prior worth some blocks*, and forgetting, so that a young or thin stream says what its kind says.
//!
//! It never falls below 1. What the baseline errs in the expectation shows here too and raises it, on the safe side.
//! In terms of correlation within a block of n: phi = 1 + (n - 1) rho.
//!
//! **Guarantee.** Consistent where z^2 is near a scaled chi-square, so a block is closed only when V >= 2: thin
//! streams gather ticks until it is.
//!
//! **Cost.** About 10 ns per tick, 96 bytes per stream.

use serde::{Deserialize, Serialize};

/// Ticks per block at each scale.
pub const SCALES: [u32; 3] = [1, 6, 36];

const VARIANCE_MIN: f64 = 2.0;
const CLIP: f64 = 9.0;
/// E[min(chi-square with one degree of freedom, 9)].
const CLIPPED_MEAN: f64 = 0.995_007;

/// Variance ratio of a tick of `n` attempts whose outcomes correlate by `rho`.
pub fn of_correlated(n: f64, rho: f64) -> f64 {
    1.0 + (n - 1.0).max(0.0) * rho
}

/// Running estimate of the over-dispersion of one stream.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Dispersion {
    blocks: [Block; 3],
    sums: [Mean; 3],
    memory_blocks: f64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Block {
    ticks: u32,
    excess: f64,
    variance: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Mean {
    sum: f64,
    weight: f64,
}

impl Dispersion {
    /// Starts from `prior`, which counts as `prior_blocks`; remembers about `memory_blocks` of each scale.
    pub fn new(prior: f64, prior_blocks: f64, memory_blocks: f64) -> Self {
        assert!(prior >= 1.0 && prior_blocks > 0.0 && memory_blocks > 1.0);
        let start = Mean { sum: prior * prior_blocks, weight: prior_blocks };
        Self { blocks: [Block::default(); 3], sums: [start; 3], memory_blocks }
    }

    /// Takes in a tick of `n` attempts, `k` of them successes, where a share `p` was expected. Leave out ticks of
    /// incidents.
    pub fn update(&mut self, n: f64, k: f64, p: f64) {
        let (excess, variance) = (k - n * p, n * p * (1.0 - p));
        for ((block, mean), ticks) in self.blocks.iter_mut().zip(&mut self.sums).zip(SCALES) {
            block.ticks += 1;
            block.excess += excess;
            block.variance += variance;
            if block.ticks >= ticks && block.variance >= VARIANCE_MIN {
                let phi = mean.sum / mean.weight;
                let z2 = (block.excess * block.excess / block.variance).min(CLIP * phi);
                let keep = 1.0 - 1.0 / self.memory_blocks;
                mean.sum = mean.sum * keep + z2 / CLIPPED_MEAN;
                mean.weight = mean.weight * keep + 1.0;
                *block = Block::default();
            }
        }
    }

    /// Variance over the binomial one, at least 1: the largest of the scales.
    pub fn phi(&self) -> f64 {
        self.by_scale().into_iter().fold(1.0, f64::max)
    }

    /// The estimate at each of `SCALES`, each at least 1.
    pub fn by_scale(&self) -> [f64; 3] {
        self.sums.map(|mean| (mean.sum / mean.weight).max(1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::Stream;

    fn learnt(phi: f64, n: u64, ticks: u32, incident: impl Fn(u32) -> bool) -> Dispersion {
        let mut stream = Stream::named(5, "dispersion");
        let mut dispersion = Dispersion::new(1.2, 20.0, 5_000.0);
        let rho = (phi - 1.0) / (n as f64 - 1.0);
        for tick in 0..ticks {
            let p = if incident(tick) { 0.2 } else { 0.85 };
            let k = stream.beta_binomial(n, p, rho) as f64;
            dispersion.update(n as f64, k, 0.85);
        }
        dispersion
    }

    #[test]
    fn finds_the_dispersion_at_every_scale() {
        for phi in [1.0, 1.5, 4.0] {
            let [tick, short, long] = learnt(phi, 40, 40_000, |_| false).by_scale();
            for (got, within) in [(tick, 0.08), (short, 0.12), (long, 0.25)] {
                assert!((got / phi - 1.0).abs() < within, "{got} for {phi}");
            }
        }
    }

    #[test]
    fn thin_streams_gather_ticks() {
        let [tick, ..] = learnt(1.0, 2, 40_000, |_| false).by_scale();
        assert!((tick - 1.0).abs() < 0.15, "{tick}");
    }

    #[test]
    fn a_short_incident_hardly_moves_it() {
        let phi = learnt(1.5, 40, 20_000, |tick| (5_000..5_030).contains(&tick)).by_scale()[0];
        assert!(phi < 1.7, "{phi}");
    }

    #[test]
    fn bursts_longer_than_a_tick_show_in_longer_blocks() {
        let mut stream = Stream::named(6, "bursts");
        let mut dispersion = Dispersion::new(1.0, 20.0, 5_000.0);
        let mut p = 0.85;
        for tick in 0..40_000 {
            if tick % 6 == 0 {
                p = stream.beta(0.85 * 100.0, 0.15 * 100.0);
            }
            dispersion.update(20.0, stream.binomial(20, p) as f64, 0.85);
        }
        let [tick, short, _] = dispersion.by_scale();
        assert!(tick < 1.3 && short > 1.8, "{tick} {short}");
        assert!(dispersion.phi() >= short);
    }
}
