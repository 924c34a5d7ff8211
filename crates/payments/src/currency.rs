//! ISO 4217 currencies and how many decimals their minor unit has.
//!
//! The exponent is data, not two: yen has none, dinars have three, the Chilean unidad de fomento
//! four. `data/currencies.csv` is parsed by the compiler, so that a malformed row doesn't build
//! and a look-up is a binary search in read-only memory. Codes without a minor unit (metals, XTS,
//! XXX) can't carry an amount and are left out; recently withdrawn ones stay, since old payments
//! are read too.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// An ISO 4217 alphabetic code that has a minor unit.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

impl Currency {
    /// Reads an alphabetic code in capitals; `None` if ISO 4217 doesn't list it with a minor unit.
    pub fn parse(code: &str) -> Option<Self> {
        let code: [u8; 3] = code.as_bytes().try_into().ok()?;
        position(code).map(|_| Self(code))
    }

    /// The alphabetic code.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("a currency code is ASCII")
    }

    /// Decimals of the minor unit: 0, 2, 3 or 4.
    pub fn exponent(self) -> u32 {
        let at = position(self.0).expect("a currency is made by parse only");
        u32::from(TABLE[at].1)
    }

    /// Every currency, in alphabetical order.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().map(|&(code, _)| Self(code))
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Currency;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an ISO 4217 code with a minor unit, such as INR")
            }
            fn visit_str<E: de::Error>(self, code: &str) -> Result<Currency, E> {
                Currency::parse(code)
                    .ok_or_else(|| E::invalid_value(de::Unexpected::Str(code), &self))
            }
        }
        deserializer.deserialize_str(Visitor)
    }
}

const FILE: &[u8] = include_bytes!("../data/currencies.csv");
const TABLE: [([u8; 3], u8); count_rows(FILE)] = parse_rows(FILE);

fn position(code: [u8; 3]) -> Option<usize> {
    TABLE.binary_search_by(|row| row.0.cmp(&code)).ok()
}

const fn count_rows(file: &[u8]) -> usize {
    let (mut at, mut lines) = (0, 0);
    while at < file.len() {
        if file[at] == b'\n' {
            lines += 1;
        }
        at += 1;
    }
    lines - 1
}

/// Rows are `code,number,exponent,...` with code and number of three characters each.
const fn parse_rows<const N: usize>(file: &[u8]) -> [([u8; 3], u8); N] {
    let mut table = [([0; 3], 0); N];
    let (mut at, mut row) = (0, 0);
    while row < N {
        while file[at] != b'\n' {
            at += 1;
        }
        at += 1;
        assert!(file[at + 3] == b',' && file[at + 7] == b',' && file[at + 9] == b',');
        assert!(file[at + 8] >= b'0' && file[at + 8] <= b'4');
        table[row] = ([file[at], file[at + 1], file[at + 2]], file[at + 8] - b'0');
        row += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_each_code_is_found() {
        assert!(TABLE.is_sorted_by(|a, b| a.0 < b.0));
        for currency in Currency::all() {
            assert!(currency.as_str().bytes().all(|b| b.is_ascii_uppercase()));
            assert_eq!(Currency::parse(currency.as_str()), Some(currency));
        }
    }

    #[test]
    fn exponents_are_those_of_iso_4217() {
        let exponent = |code| Currency::parse(code).map(Currency::exponent);
        assert_eq!(exponent("INR"), Some(2));
        assert_eq!(exponent("JPY"), Some(0));
        assert_eq!(exponent("KWD"), Some(3));
        assert_eq!(exponent("CLF"), Some(4));
        let mut counts = [0; 5];
        Currency::all().for_each(|c| counts[c.exponent() as usize] += 1);
        assert_eq!(counts, [18, 0, 151, 7, 2]);
    }

    #[test]
    fn what_has_no_minor_unit_or_is_not_exact_is_refused() {
        for code in ["", "XAU", "XXX", "inr", "INRR", "IN", "RUPEE", "1NR", "ÄÄ"] {
            assert_eq!(Currency::parse(code), None, "{code}");
        }
        assert!(serde_json::from_str::<Currency>("\"XAU\"").is_err());
        assert_eq!(serde_json::to_string(&Currency::parse("INR")).unwrap(), "\"INR\"");
    }
}
