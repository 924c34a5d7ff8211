//! What each leaf cell is expected to do, learnt from counts before the incident.
//!
//! Hierarchical shrinkage: the rate of a conjunction leans on the mean of its parents (one attribute
//! less each) as if that were worth [`PARENT_ATTEMPTS`] attempts of its own, down from all traffic
//! to the leaf. A leaf with much history keeps its own rate, one with none has its parents'.

use std::collections::HashMap;

use analyst::localise::{LeafCell, NoiseSample, noise_sd};

/// What the parents' rate is worth, in attempts.
pub const PARENT_ATTEMPTS: f64 = 20.0;

/// Packed keys of 20 bits a value; and work grows with two to the power of this.
pub const DIMENSIONS_MAX: usize = 6;

/// Noise (sd of log-odds) where the history is too thin to tell.
pub const NOISE_FALLBACK: f64 = 0.3;

/// A leaf cell with its history of `(attempts, bad)` per window and the window that is judged.
pub struct Observed<'a> {
    pub values: &'a [u32],
    pub history: &'a [(u64, u64)],
    pub now: (u64, u64),
}

/// The window that is judged, beside its expectation, and the noise seen in the history. At most
/// six dimensions of up to a million values each.
pub fn learn(observed: &[Observed<'_>], dimensions: usize) -> (Vec<LeafCell>, f64) {
    assert!(dimensions <= DIMENSIONS_MAX, "more dimensions than a packed key holds");
    let totals: Vec<(f64, f64)> = observed
        .iter()
        .map(|cell| {
            let sum = cell.history.iter().fold((0, 0), |sum, w| (sum.0 + w.0, sum.1 + w.1));
            (sum.0 as f64, sum.1 as f64)
        })
        .collect();
    let all = totals.iter().fold((0.0, 0.0), |sum, t| (sum.0 + t.0, sum.1 + t.1));
    let root = (all.1 + 0.5) / (all.0 + 1.0);

    // Rates per set of dimensions (as bits), per cell; parents have fewer bits, so come earlier.
    let mut rates: Vec<Vec<f64>> = vec![Vec::new(); 1 << dimensions];
    rates[0] = vec![root; observed.len()];
    for set in 1usize..1 << dimensions {
        let dims: Vec<usize> = (0..dimensions).filter(|d| set >> d & 1 == 1).collect();
        let mut sums: HashMap<u128, (f64, f64)> = HashMap::new();
        let keys: Vec<u128> = observed
            .iter()
            .map(|cell| dims.iter().fold(0, |key, &d| key << 20 | u128::from(cell.values[d])))
            .collect();
        for (key, total) in keys.iter().zip(&totals) {
            let sum = sums.entry(*key).or_default();
            *sum = (sum.0 + total.0, sum.1 + total.1);
        }
        rates[set] = keys
            .iter()
            .enumerate()
            .map(|(cell, key)| {
                let (attempts, bad) = sums[key];
                let parents: f64 = dims.iter().map(|d| rates[set & !(1 << d)][cell]).sum();
                let parent = parents / dims.len() as f64;
                (bad + PARENT_ATTEMPTS * parent) / (attempts + PARENT_ATTEMPTS)
            })
            .collect();
    }
    let leaf = &rates[(1 << dimensions) - 1];

    // Every window against the mean of all: each has a small share in its own expectation, which
    // makes the noise a little too small, by 1 part in 2 windows.
    let samples = observed.iter().zip(&totals).flat_map(|(cell, total)| {
        let rate = total.1 / total.0.max(1.0);
        cell.history.iter().map(move |&(attempts, bad)| NoiseSample {
            attempts,
            bad,
            expected_bad: attempts as f64 * rate,
            baseline_attempts: f64::INFINITY,
        })
    });
    let noise = noise_sd(samples, NOISE_FALLBACK);
    let cells = observed
        .iter()
        .zip(&totals)
        .zip(leaf)
        .map(|((cell, total), rate)| LeafCell {
            values: cell.values.into(),
            attempts: cell.now.0,
            bad: cell.now.1,
            expected_bad: cell.now.0 as f64 * rate,
            baseline_attempts: total.0 + PARENT_ATTEMPTS,
        })
        .collect();
    (cells, noise)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leaf_without_history_has_its_parents_rate() {
        let histories = [[(10_000, 1_000)], [(10_000, 1_000)], [(0, 0)]];
        let values = [[0, 0], [0, 1], [0, 2]];
        let observed: Vec<Observed<'_>> = values
            .iter()
            .zip(&histories)
            .map(|(values, history)| Observed { values, history, now: (100, 0) })
            .collect();
        let (cells, _) = learn(&observed, 2);
        for cell in &cells {
            assert!((cell.expected_bad - 10.0).abs() < 0.01, "{cell:?}");
        }
        assert_eq!(cells[2].baseline_attempts, PARENT_ATTEMPTS);
    }
}
