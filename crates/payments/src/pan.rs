//! Finds card numbers in text, so that none is ever stored.
//!
//! The rule (CONTRACT 1): a maximal run of 13 to 19 digits, single spaces and hyphens between them
//! ignored, that passes the Luhn check (ISO/IEC 7812-1, annex B) and starts with a scheme's IIN at
//! a length that the scheme issues (`data/iin_ranges.csv`). One random number in ten is Luhn-valid,
//! so Luhn alone would refuse honest ids; prefix and length together leave about one in fifty of
//! random 16-digit numbers. A run of 20 digits or more is no card number, whatever it contains.
//!
//! One pass over the bytes, no allocation; prefixes are looked at only where Luhn holds.

use std::sync::LazyLock;

use crate::table;

const DIGITS_MIN: usize = 13;
const DIGITS_MAX: usize = 19;

/// Whether `text` holds a card number.
pub fn holds_pan(text: &str) -> bool {
    if text.len() < DIGITS_MIN {
        return false;
    }
    Runs::new(text.as_bytes()).any(|run| run.is_pan())
}

/// A maximal run of digits with its place in the text.
pub(crate) struct Run {
    digits: [u8; DIGITS_MAX],
    /// How many digits the run has, those past [`DIGITS_MAX`] included.
    pub(crate) count: usize,
    /// Byte offset of the first digit.
    pub(crate) start: usize,
    /// Byte offset after the last digit.
    pub(crate) end: usize,
}

impl Run {
    pub(crate) fn is_pan(&self) -> bool {
        (DIGITS_MIN..=DIGITS_MAX).contains(&self.count)
            && luhn(&self.digits[..self.count])
            && has_iin(&self.digits[..self.count])
    }
}

/// All maximal runs of digits in a text, from left to right.
pub(crate) struct Runs<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Runs<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }
}

impl Iterator for Runs<'_> {
    type Item = Run;

    fn next(&mut self) -> Option<Run> {
        let skipped = self.bytes[self.at..].iter().position(u8::is_ascii_digit)?;
        let start = self.at + skipped;
        let mut run = Run { digits: [0; DIGITS_MAX], count: 0, start, end: start };
        let mut at = start;
        loop {
            match self.bytes.get(at) {
                Some(digit @ b'0'..=b'9') => {
                    if let Some(slot) = run.digits.get_mut(run.count) {
                        *slot = digit - b'0';
                    }
                    run.count += 1;
                    at += 1;
                    run.end = at;
                }
                Some(b' ' | b'-') if self.bytes.get(at + 1).is_some_and(u8::is_ascii_digit) => {
                    at += 1;
                }
                _ => break,
            }
        }
        self.at = run.end;
        Some(run)
    }
}

fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, &digit)| match u32::from(digit) << (place % 2) {
            two_digits @ 10.. => two_digits - 9,
            one_digit => one_digit,
        })
        .sum();
    sum.is_multiple_of(10)
}

/// A scheme's range of prefixes, padded to eight digits, with the lengths it issues as bits.
struct IinRange {
    first: u32,
    last: u32,
    lengths: u32,
}

static IIN_RANGES: LazyLock<Vec<IinRange>> = LazyLock::new(|| {
    table::rows::<5>(include_str!("../data/iin_ranges.csv"))
        .map(|[_scheme, first, last, lengths, _source]| IinRange {
            first: format!("{first:0<8}").parse().expect("a prefix is digits"),
            last: format!("{last:9<8}").parse().expect("a prefix is digits"),
            lengths: lengths.split(' ').fold(0, |bits, length| {
                bits | 1 << length.parse::<u32>().expect("a length is a number")
            }),
        })
        .collect()
});

fn has_iin(digits: &[u8]) -> bool {
    let prefix = digits[..8].iter().fold(0, |sum, &digit| sum * 10 + u32::from(digit));
    IIN_RANGES.iter().any(|range| {
        (range.first..=range.last).contains(&prefix) && range.lengths >> digits.len() & 1 == 1
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Published test numbers of the schemes; none is a real card.
    const TEST_NUMBERS: [&str; 16] = [
        "4111111111111111",
        "4222222222222",
        "5555555555554444",
        "2223003122003222",
        "378282246310005",
        "371449635398431",
        "6011111111111117",
        "30569309025904",
        "38520000023237",
        "3530111333300000",
        "6200000000000005",
        "6759649826438453",
        "6304000000000000",
        "2200000000000004",
        "6521111111111110",
        "9792000000000003",
    ];

    #[test]
    fn card_numbers_are_found_however_they_are_written() {
        for number in TEST_NUMBERS {
            assert!(holds_pan(number), "{number}");
            assert!(holds_pan(&format!("id-x{number}_y")), "{number}");
            for separator in [" ", "-"] {
                let spread: Vec<String> = number.chars().map(String::from).collect();
                assert!(holds_pan(&spread.join(separator)), "{number}");
                assert!(!holds_pan(&spread.join(&separator.repeat(2))), "{number}");
            }
        }
        assert!(holds_pan("4111 1111-1111 1111"));
    }

    #[test]
    fn only_the_maximal_run_counts() {
        assert!(!holds_pan("41111111111111110000"));
        assert!(!holds_pan("2026 4111111111111111"));
        assert!(!holds_pan("4111111111111111-2026"));
        assert!(holds_pan("2026: 4111111111111111"));
        assert!(holds_pan("2026 - 4111111111111111"));
        assert!(holds_pan("4111111111111111 "));
        assert!(holds_pan(" -4111111111111111"));
        assert!(holds_pan("12345678901234567890/4111111111111111"));
    }

    #[test]
    fn honest_ids_pass() {
        for id in [
            "4111111111111112",
            "1581597000007",
            "1581597000000000007",
            "pay_20200213180000001",
            "9199999999999993",
            "411111111111",
            "0000000000000000",
            "550e8400-e29b-41d4-a716-446655440000",
            "４１１１１１１１１１１１１１１１",
        ] {
            assert!(!holds_pan(id), "{id}");
        }
    }

    fn reference(text: &str) -> bool {
        // The same rule read off the contract: cut the text at whatever ends a run, join, judge.
        let mut runs = vec![String::new()];
        let chars: Vec<char> = text.chars().collect();
        for (at, &c) in chars.iter().enumerate() {
            let digit = |at: usize| chars.get(at).is_some_and(char::is_ascii_digit);
            if c.is_ascii_digit() {
                runs.last_mut().unwrap().push(c);
            } else if !((c == ' ' || c == '-') && at > 0 && digit(at - 1) && digit(at + 1)) {
                runs.push(String::new());
            }
        }
        runs.iter().filter(|run| (13..=19).contains(&run.len())).any(|run| {
            let digits: Vec<u8> = run.bytes().map(|b| b - b'0').collect();
            luhn(&digits) && has_iin(&digits)
        })
    }

    proptest! {
        #[test]
        fn it_agrees_with_the_rule_as_written(text in "[0-9 x-]{0,60}") {
            prop_assert_eq!(holds_pan(&text), reference(&text));
        }

        #[test]
        fn one_changed_digit_of_a_card_number_passes(
            which in 0..TEST_NUMBERS.len(), at in 8usize..13, by in 1u8..10,
        ) {
            // Luhn finds every single wrong digit.
            let mut digits = TEST_NUMBERS[which].as_bytes().to_vec();
            digits[at] = b'0' + (digits[at] - b'0' + by) % 10;
            prop_assert!(!holds_pan(std::str::from_utf8(&digits).unwrap()));
        }
    }
}
