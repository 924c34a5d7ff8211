//! What is known of a payment when it has to be routed.

use payments::{Money, Timestamp};

/// What a dimension that a payment lacks counts as.
pub(crate) const NONE: &str = "__none__";

/// A payment that asks for a gateway. Borrowed: routing allocates nothing for it.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The payment; its hash decides arms.
    pub payment_id: &'a str,
    /// 1 for the first try.
    pub attempt_number: u32,
    /// Now.
    pub at: Timestamp,
    /// Dimension and value as in the event (`method`, `network`, `issuer`, `country`, `merchant_id`, attributes bare), the gateway
    /// apart; absent ones are left out.
    pub values: &'a [(&'a str, &'a str)],
    /// What is to be paid.
    pub amount: Option<Money>,
    /// Gateways to choose from, in the caller's order of preference; empty: those configured for the method.
    pub candidates: &'a [&'a str],
}

impl<'a> Context<'a> {
    /// The value of a dimension.
    pub fn get(&self, dimension: &str) -> Option<&'a str> {
        self.values.iter().find(|(name, _)| *name == dimension).map(|(_, value)| *value)
    }
}
