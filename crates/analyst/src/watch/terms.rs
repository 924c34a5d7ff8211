//! What watches share: bets, thresholds, the moment of a judgement, and the alarm they give.

use serde::{Deserialize, Serialize};
use stats::edetector::{Bets, RateBets};

use crate::signal::{Signal, Tier};

/// The bets of all watches: constants, so no snapshot holds them.
#[derive(Clone, Copy, Debug)]
pub struct Book {
    /// On fewer approvals.
    pub drop: Bets<8>,
    /// On more of something bad.
    pub rise: Bets<4>,
    /// On less of something.
    pub fall: Bets<4>,
    /// On more attempts.
    pub more: RateBets<4>,
    /// On fewer attempts.
    pub fewer: RateBets<4>,
}

impl Default for Book {
    fn default() -> Self {
        let even = [0.25; 4];
        Self {
            drop: Bets::<8>::drop(),
            rise: Bets::<4>::rise(),
            fall: Bets::<4>::drop_coarse(),
            more: RateBets::of([1.25, 1.6, 2.5, 5.0], even),
            fewer: RateBets::of([0.8, 0.6, 0.3, 0.05], even),
        }
    }
}

/// Thresholds of the statistic for one subset of dimensions.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Thresholds {
    /// Success rate, both tiers together.
    pub success: f64,
    /// Where its suspicion begins: two thirds of the way, in log.
    pub quiet: f64,
    /// Each of the latency streams.
    pub latency: f64,
    /// Each of the error classes.
    pub class: f64,
    /// Each direction of volume.
    pub volume: f64,
}

impl Thresholds {
    /// Before the traffic is known.
    pub const NEVER: Self = Self {
        success: f64::MAX,
        quiet: f64::MAX,
        latency: f64::MAX,
        class: f64::MAX,
        volume: f64::MAX,
    };
}

/// A detector of a watch crossed its threshold.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alarm {
    /// Of which signal.
    pub signal: Signal,
    /// Which tier.
    pub tier: Tier,
    /// Class of an error-mix alarm, quantile of a latency alarm.
    pub which: usize,
    /// Whether less of it was seen than expected.
    pub less: bool,
    /// The statistic.
    pub e_value: f64,
    /// Its threshold.
    pub threshold: f64,
    /// Rate expected by the watch.
    pub expected: f64,
}

/// What a judgement needs besides the counts.
#[derive(Clone, Copy, Debug)]
pub struct Moment<'a> {
    /// End of the tick.
    pub at_ms: i64,
    /// Length of the shortest dispersion window.
    pub scale_ms: i64,
    /// Variance of the season's offset, log-odds.
    pub season_variance: f64,
    /// All attempts so far.
    pub traffic: f64,
    /// Whether its share of traffic is due; in long ticks everything is.
    pub shares: bool,
    /// Bets.
    pub book: &'a Book,
    /// Thresholds.
    pub thresholds: &'a Thresholds,
}
