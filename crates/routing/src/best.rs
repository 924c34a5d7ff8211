//! Thompson sampling with known propensities: the probability that each gateway is the best.
//!
//! **Problem.** Thompson sampling draws a rate from each posterior and takes the largest; the probability of what it took has no
//! closed form, and without it outcomes can't be used to judge another policy (Horvitz and Thompson 1952; Dudik et al. 2011).
//!
//! **Method.** The other way round: compute P(i is best) = integral of f_i(x) prod_{j != i} F_j(x) dx and draw from *that*. Each posterior
//! is tabulated once per snapshot as a piecewise linear cdf on [`KNOTS`] knots, evenly spaced in the angle whose squared sine is the
//! rate: there the beta's density is log-concave, nearly normal and of the same width everywhere. The range is where it exceeds e^-8 of its
//! mode (all but some 1 in 10,000 of the mass); it is cumulated by Simpson's rule. A fee scales the knots, nothing else. Per payment the
//! knots of all contenders are merged in order of utility, and each interval between two of them, where every cdf is linear, adds its
//! density times the others' cdfs at its middle. The ends, where the best of all hardly lies, are passed over: the probability that it lies
//! below the start is at most 1 in 1,000, and above the end each has its own tail. Gateways whose whole range lies below the start are out.
//!
//! So there is no cache by set of gateways: any subset, with any fees, is computed as it comes, at a bounded price.
//!
//! **Guarantee.** The probabilities sum to 1 and are those the draw is taken from: the logged propensity is exact. How near they
//! are to the beta posteriors' own (within 0.01, by test) affects only how well it explores. There is no floor: what has less than about
//! 1 chance in 1,000 gets none, until its evidence has faded.
//!
//! **Cost.** With g contenders at most 24 g^2 steps of a nanosecond or two: 0.5 us for six alike, 1.5 us for six whose knots all differ,
//! nothing where one is clearly ahead; a caller who sends 64 alike pays 64 times as much. A law takes 3 us once, and 600 bytes.

use std::f64::consts::{FRAC_PI_2, FRAC_PI_4};

use libm::{asin, cos, sin, tan};
use stats::elementary::{exp, ln};
use stats::posterior::Beta;

use crate::eligible::GATEWAYS_MAX;

/// Intervals of a tabulated cdf.
pub(crate) const INTERVALS: usize = 24;
/// Their ends.
pub(crate) const KNOTS: usize = INTERVALS + 1;
/// Below the mode's log density by this much a law ends.
const DROP: f64 = 8.0;
/// The smaller side of a posterior counts at least this many attempts (Jeffreys), the other in proportion, so that the mean stands:
/// below it the density has no mode.
const SIDE_MIN: f64 = 0.5;
/// Probability that the best is worse than where the integration begins: to the power of 1, 1/2, 1/3 and so on.
const PASSED_OVER: [f64; 8] = [0.001, 0.031, 0.1, 0.177, 0.251, 0.316, 0.372, 0.421];
/// Probability that the best lies below, where the integration ends: what is left falls to each by its own tail. The tails overlap by
/// half the square of the rest at most.
const ENOUGH: f64 = 0.98;
/// Angles end this near to 0 and to the right angle, where a logarithm or a tangent has none.
const EDGE: f64 = 1e-9;

/// A tabulated posterior.
#[derive(Clone, Debug)]
pub(crate) struct Law {
    rate: [f64; KNOTS],
    cdf: [f64; KNOTS],
    /// Density between a knot and the next.
    density: [f64; INTERVALS],
    /// Below this knot lies next to nothing.
    low: usize,
}

impl Law {
    /// The last knot up to which no more than this lies.
    fn below(&self, mass: f64) -> usize {
        self.cdf.partition_point(|cdf| *cdf <= mass) - 1
    }

    pub fn of(posterior: &Beta) -> Self {
        let mean = posterior.mean();
        let size = posterior.size().max(SIDE_MIN / mean.min(1.0 - mean));
        let (a, b) = (mean * size, (1.0 - mean) * size);
        // With the rate as sin^2(angle) the density is proportional to sin^(2a - 1) cos^(2b - 1) of the angle.
        let (up, down) = ((2.0 * a - 1.0).max(0.0), (2.0 * b - 1.0).max(0.0));
        let log = |angle: f64| up * ln(sin(angle)) + down * ln(cos(angle));
        let slope = |angle: f64| up / tan(angle) - down * tan(angle);
        let mode = if up + down > 0.0 { asin((up / (up + down)).sqrt()) } else { FRAC_PI_4 };
        let mode = mode.clamp(EDGE, FRAC_PI_2 - EDGE);
        let top = log(mode);
        // It is log-concave: Newton's steps from the normal law's end, or from inside of it, end up outside and close in from there.
        let end = |side: f64| {
            let edge = if side < 0.0 { EDGE } else { FRAC_PI_2 - EDGE };
            let is_outside = |angle: f64| (angle - edge) * side >= 0.0;
            let mut angle = mode + side * (DROP / (up + down)).sqrt();
            for _ in 0..5 {
                if is_outside(angle) {
                    return edge;
                }
                angle -= (log(angle) - top + DROP) / slope(angle);
            }
            if is_outside(angle) { edge } else { angle }
        };
        let (from, to) = (end(-1.0), end(1.0));
        let step = (to - from) / INTERVALS as f64;

        let mut law =
            Self { rate: [0.0; KNOTS], cdf: [0.0; KNOTS], density: [0.0; INTERVALS], low: 0 };
        let density = |angle: f64| exp(log(angle) - top);
        let mut before = density(from);
        law.rate[0] = sin(from) * sin(from);
        for at in 1..KNOTS {
            let angle = from + step * at as f64;
            let here = density(angle);
            law.rate[at] = sin(angle) * sin(angle);
            law.cdf[at] = law.cdf[at - 1] + before + 4.0 * density(angle - 0.5 * step) + here;
            before = here;
        }
        let total = law.cdf[INTERVALS];
        law.cdf.iter_mut().for_each(|mass| *mass /= total);
        law.cdf[INTERVALS] = 1.0;
        for at in 0..INTERVALS {
            let width = law.rate[at + 1] - law.rate[at];
            let mass = law.cdf[at + 1] - law.cdf[at];
            law.density[at] = if width > 0.0 { mass / width } else { 0.0 };
        }
        law.low = law.below(PASSED_OVER[0]);
        law
    }
}

/// A contender on its way up the merged knots.
#[derive(Clone, Copy)]
struct Cursor<'a> {
    index: usize,
    law: &'a Law,
    kept: f64,
    per_kept: f64,
    /// Which interval it is in.
    at: usize,
    /// Utility where the interval begins and ends, and the cdf and the density (per utility) there.
    from: f64,
    to: f64,
    cdf: f64,
    density: f64,
    /// What it has won so far.
    gain: f64,
}

impl<'a> Cursor<'a> {
    fn new(index: usize, (law, kept): (&'a Law, f64), floor: f64) -> Self {
        let (per_kept, from, to, cdf, density) = (1.0 / kept, 0.0, 0.0, 0.0, 0.0);
        let mut cursor =
            Self { index, law, kept, per_kept, at: 0, from, to, cdf, density, gain: 0.0 };
        cursor.load();
        while cursor.to <= floor && cursor.advance() {}
        cursor
    }

    fn load(&mut self) {
        self.from = self.kept * self.law.rate[self.at];
        self.to = self.kept * self.law.rate[self.at + 1];
        self.cdf = self.law.cdf[self.at];
        self.density = self.law.density[self.at] * self.per_kept;
    }

    fn advance(&mut self) -> bool {
        let is_last = self.at + 1 == INTERVALS;
        if !is_last {
            self.at += 1;
            self.load();
        }
        !is_last
    }
}

/// Fills in the probability that each contender (its law, and the share of the amount that it leaves) has the highest utility.
pub(crate) fn probabilities<'a>(contender: impl Fn(usize) -> (&'a Law, f64), out: &mut [f64]) {
    out.fill(0.0);
    let (mut floor, mut leader) = (f64::NEG_INFINITY, 0);
    for index in 0..out.len() {
        let (law, kept) = contender(index);
        let lowest = kept * law.rate[law.low];
        if lowest > floor {
            (floor, leader) = (lowest, index);
        }
    }
    let mut reaching = [0; GATEWAYS_MAX];
    let mut count = 0;
    for index in 0..out.len() {
        let (law, kept) = contender(index);
        if kept * law.rate[INTERVALS] > floor {
            reaching[count] = index;
            count += 1;
        }
    }
    // Where each of n cdfs is below the n-th root of what may be passed over, their product is below it.
    let root = PASSED_OVER[count.clamp(1, PASSED_OVER.len()) - 1];
    let lowest = reaching[..count].iter().fold(f64::INFINITY, |least, index| {
        let (law, kept) = contender(*index);
        least.min(kept * law.rate[law.below(root)])
    });
    let floor = if count > 0 { floor.max(lowest) } else { floor };
    let cursor = |at: usize| {
        let index = reaching[at.min(count - 1)];
        Cursor::new(index, contender(index), floor)
    };
    match count {
        0 | 1 => return out[leader] = 1.0,
        2 => climb::<2>(cursor, count, floor, out),
        3..=8 => climb::<8>(cursor, count, floor, out),
        _ => climb::<GATEWAYS_MAX>(cursor, count, floor, out),
    }
    let total: f64 = out.iter().sum();
    out.iter_mut().for_each(|probability| *probability /= total);
}

/// Merges the knots of the first `active` cursors from `floor` upwards and adds up what each gains; `N` only sizes the arrays.
fn climb<'a, const N: usize>(
    cursor: impl Fn(usize) -> Cursor<'a>,
    mut active: usize,
    floor: f64,
    out: &mut [f64],
) {
    let mut cursors: [Cursor<'a>; N] = std::array::from_fn(cursor);
    let (mut below, mut cdf) = ([0.0; N], [0.0; N]);
    let mut from = floor;
    // Those who have passed their end count 1 in the product, and gain nothing more.
    while active > 1 {
        let running = &mut cursors[..active];
        let to = running.iter().fold(f64::INFINITY, |least, cursor| least.min(cursor.to));
        let middle = 0.5 * (from + to);
        let mut product = 1.0;
        for ((cursor, below), cdf) in running.iter().zip(&mut below).zip(&mut cdf) {
            *below = product;
            *cdf = cursor.cdf + cursor.density * (middle - cursor.from);
            product *= *cdf;
        }
        let mut above = to - from;
        for ((cursor, below), cdf) in running.iter_mut().zip(&below).zip(&cdf).rev() {
            cursor.gain += cursor.density * below * above;
            above *= cdf;
        }
        from = to;
        if product > ENOUGH {
            break;
        }
        let mut at = 0;
        while at < active {
            if cursors[at].to > to || cursors[at].advance() {
                at += 1;
            } else {
                out[cursors[at].index] = cursors[at].gain;
                active -= 1;
                cursors.copy_within(at + 1..active + 1, at);
            }
        }
    }
    for cursor in &cursors[..active] {
        let rest = 1.0 - (cursor.cdf + cursor.density * (from - cursor.from));
        out[cursor.index] = cursor.gain + rest.max(0.0);
    }
}

/// The index that a uniform draw on [0, 1) picks; the probabilities sum to 1.
pub(crate) fn pick(probabilities: &[f64], drawn: f64) -> usize {
    let (mut rest, mut last) = (drawn, 0);
    for (index, probability) in probabilities.iter().enumerate().filter(|(_, p)| **p > 0.0) {
        if rest < *probability {
            return index;
        }
        rest -= probability;
        last = index;
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn computed(contenders: &[(Beta, f64)]) -> Vec<f64> {
        let laws: Vec<Law> = contenders.iter().map(|(beta, _)| Law::of(beta)).collect();
        let mut out = vec![0.0; contenders.len()];
        probabilities(|at| (&laws[at], contenders[at].1), &mut out);
        out
    }

    /// By the posteriors' own cdfs on the union of their quantiles: slow and accurate.
    fn integrated(contenders: &[(Beta, f64)]) -> Vec<f64> {
        let cdf = |at: usize, x: f64| contenders[at].0.cdf(x / contenders[at].1);
        let mut nodes: Vec<f64> = (0..contenders.len())
            .flat_map(|at| (0..=200).map(move |q| (at, f64::from(q) / 200.0)))
            // Finer towards both ends.
            .map(|(at, q)| contenders[at].1 * contenders[at].0.quantile(q * q * (3.0 - 2.0 * q)))
            .collect();
        nodes.sort_by(f64::total_cmp);
        let mut out = vec![0.0; contenders.len()];
        let at_nodes: Vec<Vec<f64>> =
            nodes.iter().map(|x| (0..contenders.len()).map(|at| cdf(at, *x)).collect()).collect();
        for pair in at_nodes.windows(2) {
            for (at, total) in out.iter_mut().enumerate() {
                let others = |cdfs: &[f64]| -> f64 {
                    (0..cdfs.len()).filter(|other| *other != at).map(|other| cdfs[other]).product()
                };
                *total += (pair[1][at] - pair[0][at]) * 0.5 * (others(&pair[0]) + others(&pair[1]));
            }
        }
        out
    }

    fn posterior() -> impl Strategy<Value = Beta> {
        (0.02..0.98_f64, 0.0..11.0_f64).prop_map(|(mean, ln_n)| {
            Beta::with_mean(mean, SIDE_MIN / mean.min(1.0 - mean) + exp(ln_n))
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]

        #[test]
        fn near_the_posteriors_own(contenders in prop::collection::vec((posterior(), 0.8..1.0_f64), 1..6)) {
            let (fast, slow) = (computed(&contenders), integrated(&contenders));
            for (fast, slow) in fast.iter().zip(&slow) {
                prop_assert!((fast - slow).abs() < 0.01, "{fast} {slow} {contenders:?}");
            }
        }

        #[test]
        fn near_them_for_close_rivals(mean in 0.3..0.97_f64, rivals in prop::collection::vec((-2.0..2.0_f64, 2.0..9.0_f64), 2..7)) {
            let contenders: Vec<_> = rivals.iter().map(|(z, ln_n)| {
                let n = 25.0 + exp(*ln_n);
                let mean = (mean + z * (mean * (1.0 - mean) / n).sqrt()).clamp(0.02, 0.98);
                (Beta::with_mean(mean, n), 1.0)
            }).collect();
            let (fast, slow) = (computed(&contenders), integrated(&contenders));
            for (fast, slow) in fast.iter().zip(&slow) {
                prop_assert!((fast - slow).abs() < 0.01, "{fast} {slow} {contenders:?}");
            }
        }

        #[test]
        fn they_sum_to_one_and_better_is_likelier(
            contenders in prop::collection::vec((posterior(), 0.0..=1.0_f64), 1..GATEWAYS_MAX),
            more in 0.0..0.3_f64,
        ) {
            let before = computed(&contenders);
            prop_assert!((before.iter().sum::<f64>() - 1.0).abs() < 1e-12);
            prop_assert!(before.iter().all(|p| *p >= 0.0));
            let mut raised = contenders;
            raised[0].1 = (raised[0].1 + more).min(1.0);
            prop_assert!(computed(&raised)[0] >= before[0] - 5e-3);
        }
    }

    #[test]
    fn equals_share_and_the_hopeless_get_nothing() {
        let law = Beta::with_mean(0.9, 500.0);
        for n in [1, 2, 3, 6] {
            for p in computed(&vec![(law, 0.97); n]) {
                assert!((p - 1.0 / n as f64).abs() < 1e-12);
            }
        }
        let hopeless = (Beta::with_mean(0.4, 500.0), 1.0);
        assert_eq!(computed(&[hopeless, (law, 1.0), hopeless]), [0.0, 1.0, 0.0]);
        assert_eq!(computed(&[(law, 0.0), (law, 0.0)]), [1.0, 0.0]);
        // P(X > Y) for independent Beta(1, 1) and Beta(2, 1) is 1/3.
        let two = computed(&[(Beta::new(1.0, 1.0), 1.0), (Beta::new(2.0, 1.0), 1.0)]);
        assert!((two[0] - 1.0 / 3.0).abs() < 5e-3, "{two:?}");
    }

    #[test]
    fn a_pick_is_in_proportion_and_never_impossible() {
        let law = [0.0, 0.25, 0.0, 0.75, 0.0];
        let picks = [0.0, 0.2499, 0.25, 0.9999999999999999].map(|u| pick(&law, u));
        assert_eq!(picks, [1, 1, 3, 3]);
    }
}
