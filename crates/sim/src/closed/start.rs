//! Attempts that wait for their time, in its order.

use std::cmp::Ordering;

use crate::arrivals::Arrival;
use crate::attempt::Draws;

/// An attempt that will start.
#[derive(Clone, Debug)]
pub(super) struct Start {
    pub(super) at_ms: i64,
    pub(super) payment: u64,
    pub(super) number: u8,
    /// Attempts of the payment so far, this one included, copies not.
    pub(super) tries: u8,
    pub(super) natural: u32,
    /// Where it would go without incidents.
    pub(super) origin: u32,
    pub(super) amount: u32,
    pub(super) draws: Draws,
    pub(super) odds_factor: f64,
    /// First attempts: where the bursts of its candidates lie.
    pub(super) bursts_at: u32,
    pub(super) testing: bool,
    /// Whether the payment has copies, so that it can be paid twice.
    pub(super) has_copies: bool,
    pub(super) was_delayed: bool,
    /// A copy, with what it repeats.
    pub(super) copy: Option<Box<Copy>>,
}

#[derive(Clone, Debug)]
pub(super) struct Copy {
    pub(super) leaf: u32,
    pub(super) refused: bool,
    pub(super) decision_id: Option<String>,
    pub(super) propensity: Option<f64>,
}

impl Start {
    pub(super) fn first(arrival: &Arrival, bursts_at: u32) -> Self {
        Self {
            at_ms: arrival.at_ms,
            payment: arrival.payment,
            number: 1,
            tries: 1,
            natural: arrival.leaf,
            origin: arrival.origin,
            amount: arrival.amount,
            draws: arrival.draws,
            odds_factor: 1.0,
            bursts_at,
            testing: arrival.testing,
            has_copies: false,
            was_delayed: false,
            copy: None,
        }
    }

    fn key(&self) -> (i64, u64, u8) {
        (self.at_ms, self.payment, self.number)
    }
}

impl PartialEq for Start {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Start {}

impl PartialOrd for Start {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Start {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}
