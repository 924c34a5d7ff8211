//! F1 over sets of causes, and how sure one is that a difference of two F1 isn't luck.

use stats::stream::Stream;

/// Micro-averaged counts: a predicted cause counts only if it equals a true one exactly.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Tally {
    pub hits: usize,
    pub false_causes: usize,
    pub misses: usize,
}

impl Tally {
    /// One incident's predicted and true causes.
    pub fn of<T: PartialEq>(predicted: &[T], truth: &[T]) -> Self {
        let hits = truth.iter().filter(|cause| predicted.contains(cause)).count();
        Self { hits, false_causes: predicted.len() - hits, misses: truth.len() - hits }
    }

    /// Harmonic mean of precision and recall; 1 where there was nothing to find or say.
    pub fn f1(self) -> f64 {
        let said_or_true = 2 * self.hits + self.false_causes + self.misses;
        if said_or_true == 0 { 1.0 } else { 2.0 * self.hits as f64 / said_or_true as f64 }
    }
}

impl std::iter::Sum for Tally {
    fn sum<I: Iterator<Item = Self>>(tallies: I) -> Self {
        tallies.fold(Self::default(), |a, b| Self {
            hits: a.hits + b.hits,
            false_causes: a.false_causes + b.false_causes,
            misses: a.misses + b.misses,
        })
    }
}

/// 95 % interval of `F1(a) - F1(b)` by resampling incidents, both methods on the same ones.
pub fn paired_bootstrap(a: &[Tally], b: &[Tally], resamples: usize) -> (f64, f64) {
    let mut random = Stream::named(0, "bench/localise/bootstrap");
    let mut differences: Vec<f64> = (0..resamples)
        .map(|_| {
            let picks: Vec<usize> =
                (0..a.len()).map(|_| random.below(a.len() as u64) as usize).collect();
            let f1 = |of: &[Tally]| picks.iter().map(|&i| of[i]).sum::<Tally>().f1();
            f1(a) - f1(b)
        })
        .collect();
    differences.sort_by(f64::total_cmp);
    let at = |share: f64| differences[(share * (resamples - 1) as f64).round() as usize];
    (at(0.025), at(0.975))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_exact_matches_only() {
        let tally = Tally::of(&["a", "b"], &["b", "c"]);
        assert_eq!(tally, Tally { hits: 1, false_causes: 1, misses: 1 });
        assert_eq!(tally.f1(), 0.5);
        assert_eq!(Tally::of::<u8>(&[], &[]).f1(), 1.0);
    }

    #[test]
    fn an_interval_covers_zero_between_equals() {
        let a: Vec<Tally> =
            (0..40).map(|i| Tally { hits: i % 2, false_causes: 1, misses: 1 }).collect();
        assert_eq!(paired_bootstrap(&a, &a, 200), (0.0, 0.0));
    }
}
