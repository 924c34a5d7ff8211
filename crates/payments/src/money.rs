//! Money in minor units with its currency.
//!
//! An integer of minor units is exact and adds without rounding; the currency goes with it, so that
//! rupees and yen can't be summed by accident. Arithmetic is checked: both faults are errors that a
//! caller must look at.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::Currency;

/// An amount in the minor unit of its currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Money {
    /// Minor units (cents, paise; yen has none, dinars have three decimals).
    pub minor: i64,
    /// Its currency.
    pub currency: Currency,
}

/// Why money could not be made or combined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum MoneyError {
    /// Two currencies in one sum.
    #[error("{0} and {1} can't be combined")]
    CurrencyMismatch(Currency, Currency),
    /// The result doesn't fit 64 bits.
    #[error("the amount in {0} overflows")]
    Overflow(Currency),
    /// Not an amount that an attempt can have.
    #[error("an amount is 0 to {max} minor units", max = Money::ATTEMPT_MAX)]
    OutOfRange,
}

impl Money {
    /// The largest amount of one attempt: what a JSON number holds exactly, 2^53 - 1.
    pub const ATTEMPT_MAX: i64 = (1 << 53) - 1;

    /// The amount of an attempt: 0 to [`Money::ATTEMPT_MAX`] minor units.
    pub fn of_attempt(minor: i64, currency: Currency) -> Result<Self, MoneyError> {
        if (0..=Self::ATTEMPT_MAX).contains(&minor) {
            Ok(Self { minor, currency })
        } else {
            Err(MoneyError::OutOfRange)
        }
    }

    /// The sum, if the currencies agree and it fits.
    pub fn checked_add(self, other: Self) -> Result<Self, MoneyError> {
        self.combine(other, i64::checked_add)
    }

    /// The difference, if the currencies agree and it fits.
    pub fn checked_sub(self, other: Self) -> Result<Self, MoneyError> {
        self.combine(other, i64::checked_sub)
    }

    /// `count` times this amount, if it fits.
    pub fn checked_mul(self, count: u64) -> Result<Self, MoneyError> {
        let overflow = MoneyError::Overflow(self.currency);
        let count = i64::try_from(count).map_err(|_| overflow)?;
        let minor = self.minor.checked_mul(count).ok_or(overflow)?;
        Ok(Self { minor, ..self })
    }

    fn combine(
        self,
        other: Self,
        with: impl Fn(i64, i64) -> Option<i64>,
    ) -> Result<Self, MoneyError> {
        if self.currency != other.currency {
            return Err(MoneyError::CurrencyMismatch(self.currency, other.currency));
        }
        match with(self.minor, other.minor) {
            Some(minor) => Ok(Self { minor, ..self }),
            None => Err(MoneyError::Overflow(self.currency)),
        }
    }
}

/// `INR 1,234.50`, `JPY 1,234`, `KWD -0.005`: the code, then major units in groups of three.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let exponent = self.currency.exponent();
        let scale = 10u64.pow(exponent);
        let sign = if self.minor < 0 { "-" } else { "" };
        let (major, minor) = (self.minor.unsigned_abs() / scale, self.minor.unsigned_abs() % scale);
        let digits = major.to_string();
        let mut text = format!("{} {sign}", self.currency);
        for (at, digit) in digits.char_indices() {
            if at > 0 && (digits.len() - at).is_multiple_of(3) {
                text.push(',');
            }
            text.push(digit);
        }
        if exponent > 0 {
            text.push_str(&format!(".{minor:0width$}", width = exponent as usize));
        }
        f.pad(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn money(minor: i64, code: &str) -> Money {
        Money { minor, currency: Currency::parse(code).unwrap() }
    }

    #[test]
    fn it_reads_as_people_write_it() {
        assert_eq!(money(123_450, "INR").to_string(), "INR 1,234.50");
        assert_eq!(money(1_234, "JPY").to_string(), "JPY 1,234");
        assert_eq!(money(-5, "KWD").to_string(), "KWD -0.005");
        assert_eq!(money(10_000, "CLF").to_string(), "CLF 1.0000");
        assert_eq!(money(i64::MIN, "USD").to_string(), "USD -92,233,720,368,547,758.08");
    }

    #[test]
    fn json_is_the_contract() {
        let text = r#"{"minor":1,"currency":"INR"}"#;
        assert_eq!(serde_json::to_string(&money(1, "INR")).unwrap(), text);
        assert_eq!(serde_json::from_str::<Money>(text).unwrap(), money(1, "INR"));
    }

    #[test]
    fn currencies_never_mix_and_nothing_wraps() {
        let (rupees, yen) = (money(i64::MAX, "INR"), money(1, "JPY"));
        assert_eq!(
            rupees.checked_add(yen),
            Err(MoneyError::CurrencyMismatch(rupees.currency, yen.currency))
        );
        let overflow = Err(MoneyError::Overflow(rupees.currency));
        assert_eq!(rupees.checked_add(money(1, "INR")), overflow);
        assert_eq!(rupees.checked_mul(2), overflow);
        assert_eq!(money(0, "INR").checked_mul(u64::MAX), overflow);
        assert!(Money::of_attempt(-1, rupees.currency).is_err());
        assert!(Money::of_attempt(1 << 53, rupees.currency).is_err());
        assert!(Money::of_attempt((1 << 53) - 1, rupees.currency).is_ok());
    }

    proptest! {
        #[test]
        fn subtraction_undoes_addition(a in -1i64 << 60..1 << 60, b in -1i64 << 60..1 << 60) {
            let (a, b) = (money(a, "EUR"), money(b, "EUR"));
            prop_assert_eq!(a.checked_add(b).unwrap().checked_sub(b).unwrap(), a);
        }

        #[test]
        fn display_loses_no_minor_unit(minor: i64, at in 0usize..178) {
            let currency = Currency::all().nth(at).unwrap();
            let text = Money { minor, currency }.to_string();
            let digits: String = text[4..].chars().filter(|c| !",.".contains(*c)).collect();
            prop_assert_eq!(digits.parse::<i64>().unwrap(), minor);
        }
    }
}
