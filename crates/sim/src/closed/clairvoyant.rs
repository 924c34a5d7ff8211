//! The one who knows: what an operator could gain at most, under the same rules.
//!
//! It knows each leaf's true chance at each instant, incidents and capacity included, and needs no detection, ramp or control arm. It
//! obeys what binds an operator too: eligible gateways only, never more than a share of all traffic moved (over a trailing
//! minute), never a gateway beyond its capacity.
//!
//! It answers incidents and nothing else: an attempt moves while an incident lowers the chance at its natural gateway *more
//! than at another one*, and then to the best that is hit less, if that is better. So where a bank, a rail or the payers themselves fail, it moves
//! nothing, as no route helps, and what a merchant could gain by better routing on a quiet day isn't counted as recovery.
//!
//! It is greedy: each attempt alone, in order of time. With capacity or cap binding, a planner that saves room for those who
//! need it most could gain a little more.

use super::load::MEMORY_MS;
use super::sight::{Decide, Sight};
use super::{Answer, Ask};

/// Memory of the share moved.
const WINDOW_MS: f64 = 60_000.0;
/// A target is filled up to this share of its capacity: beyond, chance alone would have it refuse.
const FILLED_MAX: f64 = 0.95;

/// An operator that knows the world and its incidents.
#[derive(Clone, Debug)]
pub struct Clairvoyant {
    shift_share_max: f64,
    /// Attempts and moved ones, fading over the window.
    all: f64,
    moved: f64,
    at_ms: i64,
    gain: Gain,
}

/// What moving gained, by true chances, over the attempts that were moved.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Gain {
    /// Attempts moved.
    pub moved: u64,
    /// Sum of the differences of their chances.
    pub approvals: f64,
    /// Largest share of the traffic moved within the trailing minute.
    pub share_max: f64,
}

impl Default for Clairvoyant {
    /// At most half of all traffic moved.
    fn default() -> Self {
        Self::new(0.5)
    }
}

impl Clairvoyant {
    /// At most this share of all traffic moved at any time.
    pub fn new(shift_share_max: f64) -> Self {
        assert!((0.0..=1.0).contains(&shift_share_max), "a share, got {shift_share_max}");
        Self { shift_share_max, all: 0.0, moved: 0.0, at_ms: 0, gain: Gain::default() }
    }

    /// What it has gained so far.
    pub fn gain(&self) -> Gain {
        self.gain
    }

    /// The candidate that an attempt should move to, with the gain.
    fn target(&self, sight: &Sight<'_>) -> Option<(usize, f64)> {
        let natural = sight.leaves[0];
        let kept = sight.kept(natural);
        if kept >= 1.0 - 1e-9 {
            return None;
        }
        let mut best = (0, sight.p_null(natural) * kept);
        for (index, leaf) in sight.leaves.iter().enumerate().skip(1) {
            let kept_there = sight.kept(*leaf);
            let chance = sight.p_null(*leaf) * kept_there;
            if kept_there > kept + 1e-9 && chance > best.1 && has_room(sight, *leaf) {
                best = (index, chance);
            }
        }
        (best.0 > 0).then(|| (best.0, best.1 - sight.p_null(natural) * kept))
    }
}

pub(super) fn has_room(sight: &Sight<'_>, leaf: u32) -> bool {
    let gateway = sight.gateway(leaf);
    let capacity = sight.loads.capacity(gateway, sight.at_ms);
    capacity == f64::INFINITY
        || sight.loads.per_s(gateway, sight.at_ms) + 1_000.0 / MEMORY_MS <= FILLED_MAX * capacity
}

impl Decide for Clairvoyant {
    const OBSERVES: bool = false;

    fn decide(&mut self, _: &Ask<'_>, sight: &Sight<'_>) -> Answer {
        let fade = libm::exp(-((sight.at_ms - self.at_ms) as f64) / WINDOW_MS);
        self.at_ms = sight.at_ms;
        self.all = self.all * fade + 1.0;
        self.moved *= fade;
        let Some((gateway, gained)) = self.target(sight) else { return Answer::default() };
        if self.moved + 1.0 > self.shift_share_max * self.all {
            return Answer::default();
        }
        self.moved += 1.0;
        self.gain.moved += 1;
        self.gain.approvals += gained;
        self.gain.share_max = self.gain.share_max.max(self.moved / self.all);
        Answer { gateway, ..Answer::default() }
    }
}
