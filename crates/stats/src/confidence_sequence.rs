//! Confidence sequences for a success rate: intervals that are valid whenever one looks.
//!
//! **Problem.** A 95 % interval is one promise about one moment; looked at every second, it fails sooner or later with certainty.
//!
//! **Method.** Robbins' method of mixtures, in the beta-binomial form (Robbins 1970; Howard, Ramdas, McAuliffe and Sekhon 2021, Annals
//! of Statistics 49(2), arXiv 1810.08240; as a betting martingale Waudby-Smith and Ramdas 2023, arXiv 2010.09686). For a rate m, the likelihood of all
//! attempts averaged over a beta prior, over that under m,
//!
//! ```text
//! M_n(m) = B(a + k, b + n - k) / B(a, b) / (m^k (1 - m)^(n - k))
//! ```
//!
//! is a martingale with mean 1 if m is the rate, so that P(M_n(m) >= 1/alpha for any n) <= alpha (Ville 1939). The
//! sequence holds every m with M_n(m) < 1/alpha.
//!
//! **Guarantee.** The true rate lies in *all* intervals at once with probability at least 1 - alpha, at any stopping time, for
//! attempts whose conditional success probability is that rate. Under over-dispersion pass n and k divided by it: an approximation.
//!
//! **Cost.** ln M is convex in m: two bisections of some 45 steps, about 4 us. No state but (n, k).

use libm::{log, log1p};

use crate::posterior::Beta;

/// The interval of rates that have not been refuted after `k` successes of `n`, at level 1 - `alpha`, with the mixture `prior`
/// (chosen before the data).
///
/// ```
/// use stats::{confidence_sequence, posterior::Beta};
/// let (low, high) = confidence_sequence::bernoulli(Beta::JEFFREYS, 312.0, 128.5, 0.05);
/// assert!(low < 0.36 && 0.46 < high && high - low < 0.2);
/// ```
pub fn bernoulli(prior: Beta, n: f64, k: f64, alpha: f64) -> (f64, f64) {
    assert!(alpha > 0.0 && alpha < 1.0, "alpha lies between 0 and 1, got {alpha}");
    debug_assert!(k >= 0.0 && k <= n, "{k} successes of {n}");
    if n <= 0.0 {
        return (0.0, 1.0);
    }
    // m is in if k ln m + (n - k) ln(1 - m) > bound.
    let bound = prior.ln_marginal(n, k) + log(alpha);
    let kept = |m: f64| {
        let up = if k > 0.0 { k * log(m) } else { 0.0 };
        let down = if k < n { (n - k) * log1p(-m) } else { 0.0 };
        up + down > bound
    };
    let centre = k / n;
    let edge = |mut out: f64| {
        if kept(out) {
            return out;
        }
        let mut inside = centre;
        while (out - inside).abs() > 1e-13 {
            let middle = 0.5 * (out + inside);
            if kept(middle) {
                inside = middle;
            } else {
                out = middle;
            }
        }
        out
    };
    (edge(0.0), edge(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::Stream;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn holds_the_sample_mean_and_tightens(n in 1_u32..10_000, share in 0.0..=1.0_f64, alpha in 0.001..0.5_f64) {
            let n = f64::from(n);
            let k = libm::round(n * share);
            let (low, high) = bernoulli(Beta::JEFFREYS, n, k, alpha);
            prop_assert!(0.0 <= low && low <= k / n && k / n <= high && high <= 1.0);
            let (low4, high4) = bernoulli(Beta::JEFFREYS, 4.0 * n, 4.0 * k, alpha);
            prop_assert!(high4 - low4 <= high - low);
        }

        #[test]
        fn mirrored_counts_have_the_mirrored_interval(n in 1_u32..1_000, k in 0_u32..1_000) {
            let (n, k) = (f64::from(n), f64::from(k.min(n)));
            let (low, high) = bernoulli(Beta::JEFFREYS, n, k, 0.05);
            let (mirror_low, mirror_high) = bernoulli(Beta::JEFFREYS, n, n - k, 0.05);
            prop_assert!((low - (1.0 - mirror_high)).abs() < 1e-9);
            prop_assert!((high - (1.0 - mirror_low)).abs() < 1e-9);
        }
    }

    /// Of 1,000 streams looked at after every attempt, at most 5 % are ever left; a fixed 95 % interval is left by
    /// most. (Checked at p itself: p is out exactly when M_n(p) >= 20.)
    #[test]
    fn covers_at_all_times_at_once() {
        let mut stream = Stream::named(8, "coverage");
        for p in [0.5, 0.9, 0.99] {
            let mut left = 0;
            for _ in 0..1_000 {
                let mut k = 0.0;
                for n in 1..=1_000 {
                    k += f64::from(u8::from(stream.bernoulli(p)));
                    let n = f64::from(n);
                    let ln_m = Beta::JEFFREYS.ln_marginal(n, k) - k * log(p) - (n - k) * log1p(-p);
                    if ln_m >= log(20.0) {
                        left += 1;
                        let (low, high) = bernoulli(Beta::JEFFREYS, n, k, 0.05);
                        assert!(p < low + 1e-9 || p > high - 1e-9);
                        break;
                    }
                }
            }
            assert!(left <= 50, "{left} of 1,000 left the sequence at {p}");
        }
    }

    #[test]
    fn nothing_seen_excludes_nothing() {
        assert_eq!(bernoulli(Beta::JEFFREYS, 0.0, 0.0, 0.05), (0.0, 1.0));
    }
}
