//! From raw scores to p-values, online.
//!
//! **Problem.** A forest's score has no scale: 0.6 is odd in one stream and common in another.
//!
//! **Method.** The conformal p-value of a score is its rank among kept scores of the past,
//! `(1 + #{kept >= score}) / (kept + 1)` (Vovk, Gammerman, Shafer 2005; for anomalies Laxhammar and
//! Falkman 2010). **Guarantee**: if the score is exchangeable with those kept, `P(p <= a) <= a` at any
//! size, whatever the distribution. A stream is only roughly exchangeable, so what is kept follows it:
//! a biased reservoir (Aggarwal 2006, "On biased reservoir sampling in the presence of stream
//! evolution") in which a newcomer is kept one time in [`KEEP_ONE_IN`] and then replaces a random
//! earlier one, so that a score's chance to be there decays exponentially with a memory of
//! `KEEP_ONE_IN * SCORES_MAX` scores. **Cost**: a binary search and, one time in four, a move of 32 kB at most.

use serde::{Deserialize, Serialize};
use stats::stream::Stream;

/// Scores kept: the smallest p-value is one over this.
const SCORES_MAX: usize = 4_096;

/// A full reservoir takes one newcomer in so many.
const KEEP_ONE_IN: u64 = 4;

/// Past scores, in ascending order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Ranks(Vec<f64>);

impl Ranks {
    /// The share of past scores at least as high, this one included.
    pub(super) fn p_value(&self, score: f64) -> f64 {
        let below = self.0.partition_point(|kept| *kept < score);
        (1 + self.0.len() - below) as f64 / (1 + self.0.len()) as f64
    }

    /// Remembers a score, perhaps in the place of another.
    pub(super) fn learn(&mut self, score: f64, rng: &mut Stream) {
        if self.0.len() >= SCORES_MAX {
            if rng.below(KEEP_ONE_IN) != 0 {
                return;
            }
            let leaves = rng.below(self.0.len() as u64) as usize;
            self.0.remove(leaves);
        }
        let at = self.0.partition_point(|kept| *kept < score);
        self.0.insert(at, score);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p_values_of_an_unchanging_stream_are_uniform() {
        // What is kept decides the rate for as long as it is kept: many streams, not one long one.
        const STREAMS: u64 = 30;
        const SCORES: u64 = 8_000;
        let levels = [0.01, 0.1, 0.5];
        let mut at_most = [0_u32; 3];
        for seed in 0..STREAMS {
            let mut rng = Stream::named(seed, "ranks");
            let mut ranks = Ranks::default();
            for _ in 0..SCORES {
                let score = rng.exponential();
                let p = ranks.p_value(score);
                for (count, level) in at_most.iter_mut().zip(levels) {
                    *count += u32::from(p <= level);
                }
                ranks.learn(score, &mut rng);
            }
        }
        for (count, level) in at_most.iter().zip(levels) {
            let rate = f64::from(*count) / (STREAMS * SCORES) as f64;
            assert!((rate / level - 1.0).abs() < 0.1, "{rate} at {level}");
        }
    }

    #[test]
    fn nothing_known_is_nothing_odd_and_ties_are_not_odd() {
        let mut rng = Stream::named(3, "ranks");
        let mut ranks = Ranks::default();
        assert_eq!(ranks.p_value(1e9), 1.0);
        for _ in 0..500 {
            ranks.learn(0.0, &mut rng);
        }
        assert_eq!(ranks.p_value(0.0), 1.0);
        assert_eq!(ranks.p_value(0.1), 1.0 / 501.0);
    }

    #[test]
    fn a_higher_score_is_never_less_odd_and_memory_is_bounded() {
        let mut rng = Stream::named(4, "ranks");
        let mut ranks = Ranks::default();
        for _ in 0..20_000 {
            let score = rng.normal();
            ranks.learn(score, &mut rng);
        }
        assert_eq!(ranks.0.len(), SCORES_MAX);
        assert!(ranks.0.is_sorted());
        let p: Vec<f64> = (-30..30).map(|s| ranks.p_value(f64::from(s) / 10.0)).collect();
        assert!(p.is_sorted_by(|a, b| a >= b));
    }
}
