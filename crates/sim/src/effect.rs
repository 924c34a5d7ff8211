//! How incidents act on an attempt: they scale what it has, and leave its random numbers alone.

use payments::Timestamp;
use stats::stream::Stream;

use crate::failure::FailureKind;
use crate::incident::Kind;
use crate::world::{Placed, World};

/// What the incidents do to one attempt.
pub(crate) struct Effect {
    /// Share of its chance that is left.
    pub(crate) kept: f64,
    /// Whom its failure is blamed on, if an incident made it fail.
    pub(crate) blame: Option<FailureKind>,
    /// Multiple of its latency.
    pub(crate) slower: f64,
    /// Failures of one kind that get the codes of another.
    pub(crate) renamed: Option<(FailureKind, FailureKind)>,
}

impl Effect {
    pub(crate) const NONE: Self = Self { kept: 1.0, blame: None, slower: 1.0, renamed: None };

    /// An outage: `uniform` below `chance` would have been approved.
    pub(crate) fn fail(&mut self, severity: f64, blame: FailureKind, uniform: f64, chance: f64) {
        let before = self.kept;
        self.kept *= 1.0 - severity;
        if uniform < chance * before && uniform >= chance * self.kept {
            self.blame = Some(blame);
        }
    }

    /// Whatever a placed incident does at this moment to this leaf.
    #[inline]
    pub(crate) fn take(
        &mut self,
        placed: &Placed,
        leaf: u32,
        at: Timestamp,
        uniform: f64,
        chance: f64,
    ) {
        if !placed.hits[leaf as usize] {
            return;
        }
        let strength = placed.incident.strength_at(at);
        if strength == 0.0 {
            return;
        }
        match placed.incident.kind {
            Kind::Outage { severity, blame } => {
                self.fail(severity * strength, blame, uniform, chance);
            }
            Kind::Misrouting { severity, .. } => {
                self.fail(severity * strength, FailureKind::Misconfiguration, uniform, chance);
            }
            Kind::Latency { factor } => self.slower *= 1.0 + (factor - 1.0) * strength,
            Kind::CodesRenamed { from, to } => self.renamed = Some((from, to)),
            _ => {}
        }
    }
}

/// Whether an incident takes a payment away before it begins.
pub(crate) fn removed(placed: &Placed, leaf: u32, at_ms: i64, draws: &mut Stream) -> bool {
    // Drawn for every payment, so that one removed does not move the next.
    let uniform = draws.uniform();
    let strength = placed.incident.strength_at(Timestamp::from_millis(at_ms));
    let hit = placed.hits[leaf as usize];
    match placed.incident.kind {
        Kind::Volume { factor } => hit && uniform < (1.0 - factor) * strength,
        Kind::MixShift { share } => !hit && uniform < share * strength,
        _ => false,
    }
}

/// Where a payment goes whose merchant's rules may have gone wrong: to the leaf beside its own that lies in the incident's slice.
pub(crate) fn misrouted(
    world: &World,
    placed: &Placed,
    leaf: u32,
    at_ms: i64,
    draws: &mut Stream,
) -> u32 {
    // Drawn for every payment, so that one misrouted does not move the next.
    let uniform = draws.uniform();
    let Kind::Misrouting { share, .. } = placed.incident.kind else { return leaf };
    let strength = placed.incident.strength_at(Timestamp::from_millis(at_ms));
    if uniform >= share * strength {
        return leaf;
    }
    world.siblings(leaf).find(|sibling| placed.hits[*sibling as usize]).unwrap_or(leaf)
}
