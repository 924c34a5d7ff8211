//! Isolation Forest: what few random cuts set apart is odd.
//!
//! **Method.** Liu, Ting and Zhou 2008 ("Isolation Forest") and 2012 ("Isolation-based anomaly
//! detection"): each tree takes a subsample and splits it by a random feature at a random value until
//! every point stands alone or the depth limit is reached. The depth at which a point falls out,
//! averaged over trees and measured in `c(n)`, the mean depth of a leaf in such a tree, gives the score
//! `2^(-depth / c)`: near 1 odd, around 0.5 and below ordinary.
//!
//! Trees, subsample and depth limit are the paper's (100, 256, log2 256). A fitted forest is a pure
//! function of its sample and stream, so a snapshot holds these and not the trees.
//!
//! **Cost**: a fit 100 * 256 * 8 steps, some 3 ms; a score 100 * 8 steps, some 5 us.

use serde::{Deserialize, Serialize};
use stats::stream::Stream;

use super::features::{FEATURES, Point};

const TREES: usize = 100;
const SUBSAMPLE: usize = 256;
const DEPTH_MAX: u32 = SUBSAMPLE.ilog2();

/// A forest fitted to a sample.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "Fit", into = "Fit")]
pub(super) struct IsolationForest {
    fit: Fit,
    trees: Vec<Tree>,
    /// `c` of the subsample's size.
    depth_mean: f64,
}

/// What a forest follows from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Fit {
    sample: Vec<Point>,
    stream: Stream,
}

impl From<Fit> for IsolationForest {
    fn from(fit: Fit) -> Self {
        Self::fit(fit.sample, fit.stream)
    }
}

impl From<IsolationForest> for Fit {
    fn from(forest: IsolationForest) -> Self {
        forest.fit
    }
}

impl IsolationForest {
    /// Grows the trees; the stream is the forest's own.
    pub(super) fn fit(sample: Vec<Point>, stream: Stream) -> Self {
        let mut rng = stream.clone();
        let size = sample.len().min(SUBSAMPLE);
        let mut order: Vec<usize> = (0..sample.len()).collect();
        let trees = (0..TREES)
            .map(|_| {
                // The first places of a Fisher-Yates shuffle are a sample without replacement.
                for i in 0..size {
                    let j = i + rng.below((order.len() - i) as u64) as usize;
                    order.swap(i, j);
                }
                let mut chosen: Vec<Point> = order[..size].iter().map(|i| sample[*i]).collect();
                Tree::grow(&mut chosen, &mut rng)
            })
            .collect();
        Self { trees, depth_mean: leaf_depth_mean(size).max(1.0), fit: Fit { sample, stream } }
    }

    /// Between 0 and 1, higher is odder.
    pub(super) fn score(&self, point: &Point) -> f64 {
        let depth: f64 = self.trees.iter().map(|t| t.depth(point)).sum();
        libm::exp2(-depth / (TREES as f64 * self.depth_mean))
    }
}

/// Mean depth of a leaf in a random binary tree of `n` leaves: `2 H(n-1) - 2 (n-1)/n`.
fn leaf_depth_mean(n: usize) -> f64 {
    if n < 2 {
        return 0.0;
    }
    let harmonic: f64 = (1..n).map(|i| 1.0 / i as f64).sum();
    2.0 * harmonic - 2.0 * (n - 1) as f64 / n as f64
}

#[derive(Clone, Debug, PartialEq)]
struct Tree(Vec<Node>);

#[derive(Clone, Copy, Debug, PartialEq)]
enum Node {
    /// Values below `at` are in the node that follows, the others in `right`.
    Split { feature: u8, at: f64, right: u32 },
    /// Depth of what ends here, the part that wasn't grown estimated.
    Leaf { depth: f64 },
}

impl Tree {
    fn grow(points: &mut [Point], rng: &mut Stream) -> Self {
        let mut nodes = Vec::with_capacity(2 * points.len());
        Self::split(points, 0, &mut nodes, rng);
        Self(nodes)
    }

    fn split(points: &mut [Point], depth: u32, nodes: &mut Vec<Node>, rng: &mut Stream) {
        let me = nodes.len();
        let leaf = Node::Leaf { depth: f64::from(depth) + leaf_depth_mean(points.len()) };
        nodes.push(leaf);
        if points.len() < 2 || depth >= DEPTH_MAX {
            return;
        }
        let ranges: [(f64, f64); FEATURES] = core::array::from_fn(|f| {
            points
                .iter()
                .fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), p| (l.min(p[f]), h.max(p[f])))
        });
        let wide: Vec<usize> = (0..FEATURES).filter(|f| ranges[*f].0 < ranges[*f].1).collect();
        if wide.is_empty() {
            return;
        }
        let feature = wide[rng.below(wide.len() as u64) as usize];
        let (low, high) = ranges[feature];
        // Above the lowest value, or the left side would be empty.
        let at = low + (high - low) * rng.uniform_open();
        let at = if at > low { at } else { high };
        let mut left = 0;
        for i in 0..points.len() {
            if points[i][feature] < at {
                points.swap(i, left);
                left += 1;
            }
        }
        let (below, above) = points.split_at_mut(left);
        Self::split(below, depth + 1, nodes, rng);
        nodes[me] = Node::Split { feature: feature as u8, at, right: nodes.len() as u32 };
        Self::split(above, depth + 1, nodes, rng);
    }

    fn depth(&self, point: &Point) -> f64 {
        let mut i = 0;
        loop {
            match self.0[i] {
                Node::Leaf { depth } => return depth,
                Node::Split { feature, at, .. } if point[usize::from(feature)] < at => i += 1,
                Node::Split { right, .. } => i = right as usize,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cloud(n: usize, rng: &mut Stream) -> Vec<Point> {
        (0..n).map(|_| core::array::from_fn(|_| rng.normal())).collect()
    }

    /// The mean leaf depth by its defining recurrence: the first cut splits `n` points into `k` and
    /// `n - k`, each `k` equally likely.
    #[test]
    fn the_normalising_depth_solves_its_recurrence() {
        let mut total_depth = vec![0.0, 0.0];
        for n in 2..=300_usize {
            let below: f64 = (1..n).map(|k| total_depth[k]).sum();
            total_depth.push(n as f64 + 2.0 * below / (n - 1) as f64);
            let expected = total_depth[n] / n as f64;
            assert!((leaf_depth_mean(n) - expected).abs() < 1e-9, "{n}");
        }
    }

    #[test]
    fn points_far_out_score_higher_than_all_within() {
        let mut rng = Stream::named(5, "isolation");
        let sample = cloud(2_000, &mut rng);
        let forest = IsolationForest::fit(sample, Stream::named(5, "isolation/fit"));
        let centre = forest.score(&[0.0; FEATURES]);
        let far = forest.score(&[8.0, -8.0, 8.0, 8.0, -8.0]);
        assert!(centre < 0.5 && far > 0.6, "centre {centre}, far {far}");
        let highest = cloud(200, &mut rng).iter().map(|p| forest.score(p)).fold(0.0_f64, f64::max);
        assert!(far > highest, "{far} against {highest}");
    }

    #[test]
    fn scores_of_a_sample_are_around_one_half() {
        let mut rng = Stream::named(6, "isolation");
        let sample = cloud(1_000, &mut rng);
        let mean = {
            let forest = IsolationForest::fit(sample.clone(), Stream::named(6, "isolation/fit"));
            sample.iter().map(|p| forest.score(p)).sum::<f64>() / 1_000.0
        };
        assert!((0.40..0.55).contains(&mean), "{mean}");
    }

    #[test]
    fn alike_points_are_not_odd_and_no_sample_breaks_it() {
        let same = IsolationForest::fit(vec![[1.0; FEATURES]; 300], Stream::named(7, "same"));
        assert!(same.score(&[1.0; FEATURES]) <= 0.5);
        let none = IsolationForest::fit(Vec::new(), Stream::named(7, "none"));
        assert!(none.score(&[1.0; FEATURES]).is_finite());
    }

    #[test]
    fn a_snapshot_grows_the_same_trees_again() {
        let mut rng = Stream::named(8, "isolation");
        let forest = IsolationForest::fit(cloud(400, &mut rng), rng.fork("fit"));
        let text = serde_json::to_string(&forest).expect("serialises");
        let again: IsolationForest = serde_json::from_str(&text).expect("parses");
        assert_eq!(again, forest);
    }
}
