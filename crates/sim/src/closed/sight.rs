//! What only the simulator can see when it asks: true chances and true room, per candidate.

use payments::{Attempt, Timestamp};

use super::load::Loads;
use super::{Answer, Ask};
use crate::world::World;

/// Who routes, told the truth.
pub(super) trait Decide {
    /// Whether anyone looks at the attempts; building them is most of the cost.
    const OBSERVES: bool;

    fn decide(&mut self, ask: &Ask<'_>, sight: &Sight<'_>) -> Answer;

    fn observe(&mut self, _: &mut Vec<Attempt>, _: Timestamp) {}

    fn is_done(&self) -> bool {
        false
    }
}

/// The moment of an attempt.
#[derive(Debug)]
pub(super) struct Sight<'a> {
    pub(super) world: &'a World,
    pub(super) loads: &'a Loads,
    /// Incidents that may be in force.
    pub(super) active: &'a [usize],
    /// Factor of each gateway's odds.
    pub(super) season: &'a [f64],
    pub(super) odds_factor: f64,
    pub(super) at_ms: i64,
    pub(super) testing: bool,
    /// Leaves in the order of the candidates.
    pub(super) leaves: &'a [u32],
}

impl Sight<'_> {
    pub(super) fn gateway(&self, leaf: u32) -> u8 {
        self.world.leaves[leaf as usize].gateway
    }

    /// A leaf's chance without incidents.
    #[inline]
    pub(super) fn p_null(&self, leaf: u32) -> f64 {
        let season = self.season[usize::from(self.gateway(leaf))];
        self.world.null_chance(leaf, season, self.odds_factor)
    }

    /// The share of it that incidents and a full gateway leave.
    #[inline]
    pub(super) fn kept(&self, leaf: u32) -> f64 {
        let refused = self.loads.refused(self.gateway(leaf), self.at_ms);
        if self.active.is_empty() && !self.testing {
            return 1.0 - refused;
        }
        let effect = self.world.effect(self.active, leaf, self.at_ms, (1.0, 0.0), self.testing);
        self.world.kept(leaf, &effect) * (1.0 - refused)
    }
}
