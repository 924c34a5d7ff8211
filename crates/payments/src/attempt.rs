//! The attempt: one try of a payment at one gateway.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Money, Timestamp};

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// The issuer said yes.
    Approved,
    /// An answer: no.
    Declined,
    /// Someone on the way failed.
    Error,
    /// No answer in time: a failure for rates, unknown for money.
    Timeout,
    /// The outcome is not known; counts in volume only.
    Unknown,
    /// The customer left; counts in volume only.
    Abandoned,
}

impl Status {
    /// Whether it will not change; the others may be replaced once, by a final one.
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Unknown | Self::Timeout)
    }
}

/// A response code as received, with the vocabulary it belongs to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Code {
    /// Vocabulary, e.g. `iso8583`.
    pub source: String,
    /// Value, e.g. `91`.
    pub value: String,
}

/// Who started the payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Initiator {
    /// Customer-initiated transaction.
    Cit,
    /// Merchant-initiated transaction.
    Mit,
}

/// One attempt, as every part of the system sees it (CONTRACT 1).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    /// Unique; the key for duplicates.
    pub attempt_id: String,
    /// What the customer wants paid; one or more attempts.
    pub payment_id: String,
    /// 1 for the first try.
    pub attempt_number: u32,
    /// When the outcome was known.
    pub occurred_at: Timestamp,
    /// The merchant.
    pub merchant_id: String,
    /// What was to be paid; absent only in mapped files that carry no amounts.
    pub amount: Option<Money>,
    /// Gateway, processor or acquirer.
    pub gateway: String,
    /// card, upi, wallet, ...
    pub method: String,
    /// Card scheme or rail.
    pub network: Option<String>,
    /// The payer's bank.
    pub issuer: Option<String>,
    /// ISO 3166 alpha-2.
    pub country: Option<String>,
    /// First 6 to 8 digits of the card number.
    pub bin: Option<String>,
    /// How it ended.
    pub status: Status,
    /// The response code as received.
    pub code: Option<Code>,
    /// Time from request to outcome.
    pub latency_ms: Option<u32>,
    /// The routing decision that sent it, if ours.
    pub decision_id: Option<String>,
    /// The probability with which that decision chose this gateway, in (0, 1].
    pub propensity: Option<f64>,
    /// Customer- or merchant-initiated.
    pub initiator: Option<Initiator>,
    /// Merchant category code, 4 digits.
    pub mcc: Option<String>,
    /// Pseudonym of the customer.
    pub customer_ref: Option<String>,
    /// Pseudonym of the device.
    pub device_ref: Option<String>,
    /// Pseudonym of the terminal.
    pub terminal_ref: Option<String>,
    /// Country of the caller's address.
    pub ip_country: Option<String>,
    /// Further dimensions, at most 16.
    pub attributes: BTreeMap<String, String>,
}
