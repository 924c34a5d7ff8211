//! What the data plane obeys: overlays on the ordinary choice, each bounded in place, share and time.
//!
//! An overlay moves a share of the payments that the ordinary policy would send to one gateway, in one context. Who is moved is
//! decided by a hash of the payment's id with the overlay's salt: the same payment (and its retries) always falls the same way, and a
//! growing share only adds to those who are moved. Whoever is not moved is the control arm.

use std::collections::BTreeMap;

use payments::{NONE, Timestamp};
use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::draw;

/// Which side of an experiment a payment is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Arm {
    /// As if nothing were done.
    Control,
    /// As the intervention says.
    Treatment,
}

/// What an overlay does to the payments it moves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Directive {
    /// To these gateways, by weights that are positive and sum to 1; a gateway that isn't eligible for a payment
    /// leaves its weight to the others, and where none is, the payment stays where it was.
    Reroute {
        /// Gateway and weight, by name.
        to: Vec<(String, f64)>,
    },
    /// Away from the gateway, to the next best eligible one.
    Suppress,
    /// How retries are to be made; the gateway stays.
    Retry {
        /// Attempts per payment at most, the first included.
        attempts_max: u32,
        /// Seconds before a retry at least.
        delay_s_min: u32,
    },
}

/// One intervention as the data plane sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Overlay {
    /// Whose it is.
    pub intervention_id: String,
    /// The experiment that tests it, while it is tested.
    pub experiment_id: Option<String>,
    /// Values that a payment's context must have (dimension to value), the gateway apart.
    pub when: BTreeMap<String, String>,
    /// The gateway whose payments it is about; `None` only for [`Directive::Retry`]: any gateway.
    pub from: Option<String>,
    /// What happens to those it moves.
    pub directive: Directive,
    /// Share that is moved, in [0, 1].
    pub share: f64,
    /// Least probability of the ordinary choice of `from`, in [0, 1]: a test needs outcomes on both sides, also where what was learnt would leave the gateway.
    pub holds: f64,
    /// Salt of the hash into arms.
    pub salt: u64,
    /// From this instant on it is void, whatever else says.
    pub expires_at: Timestamp,
}

impl Overlay {
    /// Whether it can touch anything: an overlay that moves payments names the gateway it moves them from, and an empty slice
    /// (neither gateway nor context) never means everything.
    pub fn is_bounded(&self) -> bool {
        match self.directive {
            Directive::Retry { .. } => self.from.is_some() || !self.when.is_empty(),
            Directive::Reroute { .. } | Directive::Suppress => self.from.is_some(),
        }
    }

    /// Whether it still stands at this instant.
    pub fn is_in_force(&self, at: Timestamp) -> bool {
        at < self.expires_at
    }

    /// Whether the payment's context has all its values; what the payment lacks counts as `__none__`.
    pub fn fits(&self, context: &Context<'_>) -> bool {
        self.when
            .iter()
            .all(|(dimension, value)| context.get(dimension).unwrap_or(NONE) == value.as_str())
    }

    /// The arm of a payment: by its id and the salt alone, so that retries fall on the same side, and one that is
    /// treated at a share is treated at every larger one.
    pub fn arm(&self, payment_id: &str) -> Arm {
        if draw::of_arm(self.salt, payment_id) < self.share { Arm::Treatment } else { Arm::Control }
    }

    /// The share as a probability: what isn't one counts as its nearest end, what isn't a number as 0.
    pub(crate) fn probability(&self) -> f64 {
        if self.share.is_nan() { 0.0 } else { self.share.clamp(0.0, 1.0) }
    }

    /// Whether it takes at least half of its payments away: then nothing else is to be sent there.
    pub(crate) fn empties(&self) -> bool {
        self.moves_payments() && self.share >= 0.5
    }

    /// Whether it sends payments elsewhere; else it advises.
    pub(crate) fn moves_payments(&self) -> bool {
        !matches!(self.directive, Directive::Retry { .. })
    }
}

/// All overlays in force, in order: the first that fits a payment decides.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Allocation {
    /// Grows with every change.
    pub version: u64,
    /// The overlays.
    pub overlays: Vec<Overlay>,
}
