//! What is known of a payment when it has to be routed.

use payments::{Money, Timestamp};

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
    /// Probability of fraud, 0 to 1, where it is known.
    pub risk: Option<f64>,
    /// What the merchant earns on a payment, in hundredths of a percent of the amount; none: the whole amount counts.
    pub margin_bps: Option<i64>,
    /// The gateway that holds the customer, for instance by a stored token: kept while it is healthy.
    pub sticky: Option<&'a str>,
}

impl<'a> Context<'a> {
    /// A payment of which nothing else is known.
    pub fn at(at: Timestamp, payment_id: &'a str) -> Self {
        Self {
            payment_id,
            attempt_number: 1,
            at,
            values: &[],
            amount: None,
            candidates: &[],
            risk: None,
            margin_bps: None,
            sticky: None,
        }
    }

    /// The value of a dimension.
    pub fn get(&self, dimension: &str) -> Option<&'a str> {
        self.values.iter().find(|(name, _)| *name == dimension).map(|(_, value)| *value)
    }
}
