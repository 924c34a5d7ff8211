//! A second opinion: slices that look unlike all others, whatever the reason.
//!
//! **Problem.** The detectors watch four signals and know what each should be. What no signal names (a
//! little slower, a little fewer, another mix, all at once) needs a judge that knows no model of
//! payments and looks at all features together.
//!
//! **Method.** Two forests with different blind spots over the same five features of a slice
//! (`features`): an Isolation Forest (`isolation`), fitted to a sample and refitted as the stream goes on, strong on
//! far single values; and a robust random cut forest (`cut_forest`), which learns point by point and sees
//! small groups. Their scores have no scale, so each is turned into a p-value by its rank among past scores
//! (`rank`). The two p-values are dependent in an unknown way, so they are joined by Fisher's statistic *and*
//! that is ranked again: an outlier is what the joint p-value puts at or below the contamination.
//!
//! **Guarantee.** On a stream that stays as it is, about `contamination` of the slices are called outliers, never
//! more in expectation (conformal ranks); under drift approximately. It is an opinion: it opens no
//! incident and spends nothing of the alert budget.
//!
//! **Own code and not a crate**, because decisions must replay bit for bit from a snapshot:
//! `extended-isolation-forest` draws from the thread's generator, `krcf` picks its instructions by processor,
//! and neither can be given a named stream or score without learning.
//!
//! **Cost**: some 40 us and no allocation per slice once warm, 3 ms per refit, some 2 MB of state, bounded.

mod cut_forest;
mod cut_tree;
mod features;
mod isolation;
mod rank;

pub use features::{FEATURES, Feature, SliceFeatures, mix_divergence};

use serde::{Deserialize, Serialize};
use stats::stream::Stream;

use crate::Evidence;
use cut_forest::CutForest;
use features::Point;
use isolation::IsolationForest;
use rank::Ranks;

/// Points kept for the next fit of the Isolation Forest: eight times its subsample.
const POINTS_MAX: usize = 2_048;

/// Points before the first fit: twice the subsample.
const FIRST_FIT: u64 = 512;

/// Points between fits.
const REFIT_EVERY: u64 = 4_096;

/// A full reservoir of points takes one newcomer in so many.
const KEEP_ONE_IN: u64 = 8;

/// What the forests think of one slice. A p-value is 1 until there is enough to compare with.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Opinion {
    /// By the Isolation Forest.
    pub isolation_p: f64,
    /// By the random cut forest.
    pub cut_p: f64,
    /// Both together.
    pub p: f64,
    /// Whether `p` is at or below the contamination.
    pub outlier: bool,
    /// The feature that sets the slice apart most.
    pub top_feature: Feature,
}

impl Opinion {
    /// The opinion as evidence, where it is that of an outlier. It says that something is odd and not
    /// why, so between causes it is neutral.
    pub fn evidence(&self) -> Option<Evidence> {
        self.outlier.then(|| Evidence {
            kind: "second_opinion".into(),
            text: format!(
                "unlike other slices (isolation forest p {}, random cut forest p {}), most in {}",
                p_value(self.isolation_p),
                p_value(self.cut_p),
                self.top_feature
            ),
            log_bayes_factor: 0.0,
        })
    }
}

/// Three places, and never zero.
fn p_value(p: f64) -> String {
    if p < 0.001 { "< 0.001".into() } else { format!("{p:.3}") }
}

/// Both forests, their ranks and their random stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SecondOpinion {
    contamination: f64,
    rng: Stream,
    /// How many points were learnt.
    learnt: u64,
    points: Vec<Point>,
    isolation: Option<IsolationForest>,
    cuts: CutForest,
    isolation_ranks: Ranks,
    cut_ranks: Ranks,
    joint_ranks: Ranks,
}

/// What one look at a slice yields, before anything is learnt from it.
struct Look {
    isolation: Option<f64>,
    cut: f64,
    joint: f64,
    opinion: Opinion,
}

impl SecondOpinion {
    /// Knows nothing yet. `contamination` is the share of ordinary slices that may be called outliers.
    pub fn new(contamination: f64, seed: u64) -> Self {
        Self {
            contamination: contamination.clamp(0.0, 0.5),
            rng: Stream::named(seed, "analyst/second_opinion"),
            learnt: 0,
            points: Vec::new(),
            isolation: None,
            cuts: CutForest::default(),
            isolation_ranks: Ranks::default(),
            cut_ranks: Ranks::default(),
            joint_ranks: Ranks::default(),
        }
    }

    /// How many looks at slices were learnt.
    pub fn learnt(&self) -> u64 {
        self.learnt
    }

    /// Judges a slice and learns from it.
    pub fn observe(&mut self, features: &SliceFeatures) -> Opinion {
        let point = features.point();
        let look = self.look(&point);
        self.learn(&point, &look);
        look.opinion
    }

    /// Judges a slice and learns nothing: for slices inside an open incident, which must not become
    /// the usual.
    pub fn judge(&mut self, features: &SliceFeatures) -> Opinion {
        self.look(&features.point()).opinion
    }

    fn look(&mut self, point: &Point) -> Look {
        let isolation = self.isolation.as_ref().map(|forest| forest.score(point));
        let isolation_p = isolation.map_or(1.0, |s| self.isolation_ranks.p_value(s));
        let cut = self.cuts.score(point, &mut self.rng);
        let cut_p = self.cut_ranks.p_value(cut.displacement);
        let joint = -libm::log(isolation_p) - libm::log(cut_p);
        let p = self.joint_ranks.p_value(joint);
        let opinion = Opinion {
            isolation_p,
            cut_p,
            p,
            outlier: p <= self.contamination,
            top_feature: top(&cut.by_feature),
        };
        Look { isolation, cut: cut.displacement, joint, opinion }
    }

    fn learn(&mut self, point: &Point, look: &Look) {
        self.learnt += 1;
        // Each rank starts once its score means what it will mean later.
        if self.cuts.is_full() {
            self.cut_ranks.learn(look.cut, &mut self.rng);
            if let Some(score) = look.isolation {
                self.isolation_ranks.learn(score, &mut self.rng);
                if self.learnt > 2 * FIRST_FIT {
                    self.joint_ranks.learn(look.joint, &mut self.rng);
                }
            }
        }
        self.cuts.learn(point, &mut self.rng);
        if self.points.len() < POINTS_MAX {
            self.points.push(*point);
        } else if self.rng.below(KEEP_ONE_IN) == 0 {
            let leaves = self.rng.below(POINTS_MAX as u64) as usize;
            self.points[leaves] = *point;
        }
        if self.learnt == FIRST_FIT || self.learnt.is_multiple_of(REFIT_EVERY) {
            let stream = self.rng.fork("isolation").fork_index(self.learnt);
            self.isolation = Some(IsolationForest::fit(self.points.clone(), stream));
        }
    }
}

fn top(by_feature: &[f64; FEATURES]) -> Feature {
    let mut best = 0;
    for (i, weight) in by_feature.iter().enumerate() {
        if *weight > by_feature[best] {
            best = i;
        }
    }
    Feature::ALL[best]
}

#[cfg(test)]
mod tests;
