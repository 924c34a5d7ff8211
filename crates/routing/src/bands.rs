//! What a payment has without a name of its own: its amount and its hour, in bands.
//!
//! Gateways refuse amounts beyond a limit, and are worse at some hours: the learner tells such bands apart as it does values of dimensions.
//! Amounts fall into bands that end at 1, 2 and 5 times powers of ten, the end included, for limits are round; each currency has its own. Hours
//! are those of UTC, by threes.

use payments::{Money, Timestamp};

/// The dimension of amounts. No attribute has such a name.
pub const AMOUNT: &str = "@amount";
/// The dimension of hours.
pub const HOUR: &str = "@hour";

const HOUR_MS: i64 = 3_600_000;
/// By three hours of a day in UTC.
const HOURS: [&str; 8] = ["00-03", "03-06", "06-09", "09-12", "12-15", "15-18", "18-21", "21-24"];

/// The end of an amount's band: the smallest 1, 2 or 5 times a power of ten that isn't below it. Nothing and less have a band of their own.
pub fn amount_end(minor: i64) -> i64 {
    let Some(digits) = minor.max(0).checked_ilog10() else { return 0 };
    let power = 10_i64.pow(digits);
    [1, 2, 5, 10]
        .map(|times| power.saturating_mul(times))
        .into_iter()
        .find(|end| minor <= *end)
        .unwrap_or(i64::MAX)
}

/// The band of an instant.
pub(crate) fn hour(at: Timestamp) -> &'static str {
    HOURS[(at.as_millis().div_euclid(3 * HOUR_MS)).rem_euclid(8) as usize]
}

/// The name of an amount's band: currency, digit and power, as in `INR5e4` for what is above 200.00 and at most 500.00.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AmountBand {
    text: [u8; 7],
    len: usize,
}

impl AmountBand {
    pub fn of(money: Money) -> Self {
        let end = amount_end(money.minor);
        let power = end.checked_ilog10().unwrap_or(0);
        let digit = (end / 10_i64.pow(power)) as u8;
        let mut band = Self { text: [b' '; 7], len: 0 };
        band.push(money.currency.as_str().as_bytes());
        band.push(&[b'0' + digit, b'e']);
        if power >= 10 {
            band.push(b"1");
        }
        band.push(&[b'0' + (power % 10) as u8]);
        band
    }

    fn push(&mut self, bytes: &[u8]) {
        for byte in bytes {
            if let Some(place) = self.text.get_mut(self.len) {
                *place = *byte;
                self.len += 1;
            }
        }
    }

    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.text[..self.len]).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use payments::Currency;
    use proptest::prelude::*;

    use super::*;

    fn band(minor: i64) -> String {
        let currency = Currency::parse("INR").expect("a currency");
        AmountBand::of(Money { minor, currency }).as_str().to_owned()
    }

    #[test]
    fn bands_end_at_round_amounts() {
        let told = [0, 1, 2, 3, 5, 6, 10, 11, 19_999, 20_000, 20_001, 100_000_000, i64::MAX];
        let bands = told.map(|minor| format!("{minor} {}", band(minor)));
        insta::assert_snapshot!(bands.join("\n"), @r"
        0 INR0e0
        1 INR1e0
        2 INR2e0
        3 INR5e0
        5 INR5e0
        6 INR1e1
        10 INR1e1
        11 INR2e1
        19999 INR2e4
        20000 INR2e4
        20001 INR5e4
        100000000 INR1e8
        9223372036854775807 INR9e18
        ");
        assert_eq!(band(-5), band(0));
    }

    #[test]
    fn hours_go_by_threes_before_the_epoch_too() {
        let told = [-1, 0, 3 * HOUR_MS - 1, 3 * HOUR_MS, 23 * HOUR_MS, 24 * HOUR_MS];
        let bands = told.map(|ms| hour(Timestamp::from_millis(ms)));
        assert_eq!(bands, ["21-24", "00-03", "00-03", "03-06", "21-24", "00-03"]);
    }

    proptest! {
        #[test]
        fn a_band_is_its_ends_and_greater_amounts_are_in_no_lesser_one(minor in 0..i64::MAX, more in 0..1_000_000_i64) {
            let end = amount_end(minor);
            prop_assert!(end >= minor);
            prop_assert_eq!(amount_end(end), end);
            prop_assert_eq!(band(minor), band(end));
            prop_assert!(amount_end(minor.saturating_add(more)) >= end);
        }
    }
}
