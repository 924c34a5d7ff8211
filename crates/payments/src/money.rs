//! Money in minor units with its currency.

use serde::{Deserialize, Serialize};

/// An ISO 4217 alphabetic code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Currency([u8; 3]);

/// An amount in the minor unit of its currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Money {
    /// Minor units (cents, paise; yen has none, dinars have three decimals).
    pub minor: i64,
    /// Its currency.
    pub currency: Currency,
}
