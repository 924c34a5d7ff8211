//! From a simulated probability to one that can be believed.
//!
//! **Problem.** Draws know what the model knows. What it doesn't (a slice that is a little wrong, a target that has a bad minute) makes a raw 0.95 help nine times in ten, or less.
//!
//! **Method.** A monotone map, piecewise linear in log-odds between [`KNOTS`]; outside it goes on with slope 1. [`fit`] finds the knots from cases (raw
//! confidence, helped or not): isotonic regression by pooling adjacent violators (Ayer et al. 1955), averaged over bootstrap resamples (bagging makes steps into a
//! slope and keeps it monotone), read off at fixed raw log-odds. Platt's two-parameter curve would be smoother but can't bend where the error is, at the top.
//!
//! **Guarantee.** Monotone. **Cost.** A few comparisons and two logarithms.

use stats::stream::Stream;

use crate::experiment::{logistic, logit};

/// Raw log-odds and what they are worth, as `bench calibrate` printed them for 721 plans of the library's scenarios with seeds 100 and
/// 101, decoys up to 109 (`full_fallback` apart, whose full gateways aren't weighed any more). Low draws help more often than they say: a gateway that isn't hit is often better by itself.
pub const KNOTS: &[(f64, f64)] = &[
    (-3.0, -1.74),
    (-1.5, -0.43),
    (-0.5, -0.08),
    (0.0, -0.07),
    (0.75, 0.46),
    (1.5, 2.00),
    (2.5, 2.99),
    (3.75, 3.19),
    (5.25, 3.29),
];

/// Where [`fit`] reads its curve: probabilities of about 0.05 to 0.995.
const GRID: [f64; 9] = [-3.0, -1.5, -0.5, 0.0, 0.75, 1.5, 2.5, 3.75, 5.25];
/// No bag is surer than this: a few dozen cases can't show more.
const SURE: f64 = 0.995;

/// The calibrated probability.
pub fn calibrated(raw: f64) -> f64 {
    logistic(mapped(KNOTS, logit(raw)))
}

/// The raw probability that is said as this one.
pub fn raw(calibrated: f64) -> f64 {
    let back: Vec<(f64, f64)> = KNOTS.iter().map(|(x, y)| (*y, *x)).collect();
    logistic(mapped(&back, logit(calibrated)))
}

/// The map through these knots, which are sorted by their first part.
pub fn mapped(knots: &[(f64, f64)], x: f64) -> f64 {
    let (Some(first), Some(last)) = (knots.first(), knots.last()) else { return x };
    if x <= first.0 {
        return first.1 + (x - first.0);
    }
    if x >= last.0 {
        return last.1 + (x - last.0);
    }
    let after = knots.iter().position(|knot| knot.0 > x).expect("x lies before the last knot");
    let ((x0, y0), (x1, y1)) = (knots[after - 1], knots[after]);
    y0 + (y1 - y0) * (x - x0) / (x1 - x0)
}

/// Knots from cases of (raw confidence, whether the action helped), by bagged isotonic regression. Only grid points inside the cases' range become knots.
pub fn fit(cases: &[(f64, bool)], resamples: usize, seed: u64) -> Vec<(f64, f64)> {
    let mut stream = Stream::named(seed, "pilot/calibration");
    let low = cases.iter().map(|(raw, _)| logit(*raw)).fold(f64::INFINITY, f64::min);
    let high = cases.iter().map(|(raw, _)| logit(*raw)).fold(f64::NEG_INFINITY, f64::max);
    let grid: Vec<f64> = GRID.into_iter().filter(|x| (low..=high).contains(x)).collect();
    let mut sums = vec![0.0; grid.len()];
    for _ in 0..resamples {
        let sample: Vec<(f64, bool)> =
            (0..cases.len()).map(|_| cases[stream.below(cases.len() as u64) as usize]).collect();
        let blocks = isotonic(&sample);
        for (sum, x) in sums.iter_mut().zip(&grid) {
            *sum += level(&blocks, *x) / resamples as f64;
        }
    }
    grid.into_iter().zip(sums).map(|(x, p)| (x, logit(p))).collect()
}

/// A run of cases with one level.
struct Block {
    from: f64,
    cases: f64,
    helped: f64,
}

impl Block {
    fn level(&self) -> f64 {
        (self.helped / self.cases).clamp(1.0 - SURE, SURE)
    }
}

fn isotonic(sample: &[(f64, bool)]) -> Vec<Block> {
    let mut sorted: Vec<(f64, bool)> =
        sample.iter().map(|(raw, helped)| (logit(*raw), *helped)).collect();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut blocks: Vec<Block> = Vec::new();
    for (from, helped) in sorted {
        blocks.push(Block { from, cases: 1.0, helped: f64::from(u8::from(helped)) });
        while blocks.len() >= 2 && {
            let [before, last] = &blocks[blocks.len() - 2..] else { unreachable!("two are there") };
            before.helped / before.cases >= last.helped / last.cases || before.from == last.from
        } {
            let last = blocks.pop().expect("two are there");
            let before = blocks.last_mut().expect("one is there");
            before.cases += last.cases;
            before.helped += last.helped;
        }
    }
    blocks
}

fn level(blocks: &[Block], x: f64) -> f64 {
    blocks.iter().rev().find(|block| block.from <= x).or(blocks.first()).map_or(0.5, Block::level)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn as_shipped_it_is_monotone(a in 0.001..0.999_f64, b in 0.001..0.999_f64) {
            prop_assert!((a <= b) == (calibrated(a) <= calibrated(b)) || a == b);
        }

        #[test]
        fn the_way_back_leads_back(p in 0.001..0.999_f64) {
            prop_assert!((raw(calibrated(p)) - p).abs() < 1e-9);
        }

        #[test]
        fn fitted_maps_are_monotone(cases in prop::collection::vec((0.02..0.99_f64, any::<bool>()), 5..80)) {
            let knots = fit(&cases, 10, 1);
            prop_assert!(knots.windows(2).all(|pair| pair[0].1 <= pair[1].1 + 1e-9), "{knots:?}");
        }
    }

    /// Overconfident draws (their log-odds are twice what they should be) are taken back.
    #[test]
    fn overconfidence_is_found_and_undone() {
        let mut stream = Stream::named(3, "overconfident");
        let cases: Vec<(f64, bool)> = (0..4_000)
            .map(|_| {
                let true_ln = stream.range(-1.0, 2.5);
                (logistic(2.0 * true_ln), stream.bernoulli(logistic(true_ln)))
            })
            .collect();
        let knots = fit(&cases, 40, 1);
        for raw in [0.6, 0.8, 0.9, 0.95, 0.98] {
            let got = logistic(mapped(&knots, logit(raw)));
            let want = logistic(0.5 * logit(raw));
            assert!((got - want).abs() < 0.05, "{raw}: {got} for {want}");
        }
    }
}
