//! A random cut forest that follows its stream.
//!
//! Every tree keeps a sample of its own: a newcomer is taken one time in [`TAKE_ONE_IN`] and then a random
//! earlier point leaves (a biased reservoir, Aggarwal 2006), so that trees differ in what they hold as well
//! as in their cuts, and what they hold is of the last `TAKE_ONE_IN * SAMPLE_MAX` points or so. The score is
//! the mean displacement over trees (`cut_tree`). **Cost**: some 20 us per point, 2 MB.

use serde::{Deserialize, Serialize};
use stats::stream::Stream;

use super::cut_tree::CutTree;
use super::features::{FEATURES, Point};

const TREES: usize = 40;
const SAMPLE_MAX: usize = 128;
const TAKE_ONE_IN: u64 = 16;

/// Trees over samples of the stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct CutForest {
    trees: Vec<CutTree>,
}

/// The mean displacement, and how much of it each feature's cuts account for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct CutScore {
    pub(super) displacement: f64,
    pub(super) by_feature: [f64; FEATURES],
}

impl Default for CutForest {
    fn default() -> Self {
        Self { trees: vec![CutTree::default(); TREES] }
    }
}

impl CutForest {
    /// Whether all trees hold their full samples, so that scores are comparable from now on.
    pub(super) fn is_full(&self) -> bool {
        self.trees.iter().all(|t| t.len() >= SAMPLE_MAX)
    }

    /// How odd a point is; nothing is learnt.
    pub(super) fn score(&self, point: &Point, rng: &mut Stream) -> CutScore {
        let mut score = CutScore { displacement: 0.0, by_feature: [0.0; FEATURES] };
        for tree in &self.trees {
            let most = tree.displacement(point, rng);
            let part = most.ratio / TREES as f64;
            score.displacement += part;
            score.by_feature[most.feature] += part;
        }
        score
    }

    /// Lets the trees take the point.
    pub(super) fn learn(&mut self, point: &Point, rng: &mut Stream) {
        for tree in &mut self.trees {
            if tree.len() >= SAMPLE_MAX {
                if rng.below(TAKE_ONE_IN) != 0 {
                    continue;
                }
                tree.delete_random(rng);
            }
            tree.insert(point, rng);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_far_out_displaces_most_and_names_its_feature() {
        let mut rng = Stream::named(1, "cut forest");
        let mut forest = CutForest::default();
        let cloud = |rng: &mut Stream| -> Point { core::array::from_fn(|_| rng.normal()) };
        for _ in 0..1_000 {
            let point = cloud(&mut rng);
            forest.learn(&point, &mut rng);
        }
        assert!(forest.is_full());
        let usual = (0..200)
            .map(|_| {
                let point = cloud(&mut rng);
                forest.score(&point, &mut rng).displacement
            })
            .fold(0.0, f64::max);
        let far = forest.score(&[0.0, 0.0, 9.0, 0.0, 0.0], &mut rng);
        assert!(far.displacement > usual, "{} against {usual}", far.displacement);
        let largest = far.by_feature.iter().copied().fold(0.0, f64::max);
        assert_eq!(far.by_feature[2], largest);
    }

    #[test]
    fn it_follows_a_stream_that_moves() {
        let mut rng = Stream::named(2, "cut forest");
        let mut forest = CutForest::default();
        let at = |centre: f64, rng: &mut Stream| -> Point {
            core::array::from_fn(|_| centre + rng.normal())
        };
        for _ in 0..2_000 {
            let point = at(0.0, &mut rng);
            forest.learn(&point, &mut rng);
        }
        let odd = forest.score(&[10.0; FEATURES], &mut rng).displacement;
        for _ in 0..8_000 {
            let point = at(10.0, &mut rng);
            forest.learn(&point, &mut rng);
        }
        let usual = forest.score(&[10.0; FEATURES], &mut rng).displacement;
        assert!(usual < 0.5 * odd, "{usual} against {odd}");
    }
}
