//! Which payments a gateway takes: a small, typed language of rules.
//!
//! A rule holds of a payment if each of its conditions does; a condition on a value holds if the payment has one of those listed, one on the
//! amount if it lies within. Conditions that a rule lacks hold of every payment; a value that the payment lacks is none of any list. A
//! gateway takes what one of its `accepts` holds of (no rule: everything) and none of its `refuses` does:
//!
//! ```toml
//! [[gateways]]
//! name = "payu"
//! accepts = [{ method = ["card"], currency = ["INR"], amount_max = 500000 }]
//! refuses = [{ bin = ["411111", "52"] }, { country = ["IR"], merchant = ["m_7"] }]
//! ```
//!
//! There is no "or" but the list of rules, no "not" but `refuses`, no order and no text to parse, so what is configured can be read at a glance and
//! no payment is judged in more steps than there are values listed.

use std::fmt;

use payments::Currency;
use serde::{Deserialize, Serialize};

use crate::Context;

/// Conditions, all of which have to hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rule {
    /// Methods.
    pub method: Vec<String>,
    /// Schemes or rails.
    pub network: Vec<String>,
    /// Issuers.
    pub issuer: Vec<String>,
    /// Countries of the card, ISO 3166 alpha-2.
    pub country: Vec<String>,
    /// Merchants.
    pub merchant: Vec<String>,
    /// Beginnings of the card number, 1 to 8 digits.
    pub bin: Vec<String>,
    /// Currencies of the amount, ISO 4217.
    pub currency: Vec<Currency>,
    /// The amount is at least this, in minor units.
    pub amount_min: Option<i64>,
    /// The amount is at most this.
    pub amount_max: Option<i64>,
}

/// Why a gateway doesn't take a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal<'a> {
    /// None of its `accepts` holds.
    NotAccepted,
    /// This one of its `refuses`, counted from 0, holds.
    Refused(usize, &'a Rule),
}

impl Rule {
    /// Whether it has no condition, and so would hold of everything.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether it holds of a payment.
    pub fn holds(&self, context: &Context<'_>) -> bool {
        let lists = [
            ("method", &self.method),
            ("network", &self.network),
            ("issuer", &self.issuer),
            ("country", &self.country),
            ("merchant_id", &self.merchant),
        ];
        let listed = |(name, list): &(&str, &Vec<String>)| {
            list.is_empty() || context.get(name).is_some_and(|own| list.iter().any(|v| v == own))
        };
        let starts = |own: &str| self.bin.iter().any(|bin| own.starts_with(bin.as_str()));
        let amount = context.amount;
        lists.iter().all(listed)
            && (self.bin.is_empty() || context.get("bin").is_some_and(starts))
            && (self.currency.is_empty()
                || amount.is_some_and(|own| self.currency.contains(&own.currency)))
            && self.amount_min.is_none_or(|min| amount.is_some_and(|own| own.minor >= min))
            && self.amount_max.is_none_or(|max| amount.is_some_and(|own| own.minor <= max))
    }

    /// What is wrong with it as it stands, with the key it is about.
    pub fn wrong(&self) -> Option<(&'static str, String)> {
        if self.is_empty() {
            return Some(("", "has no condition and would hold of every payment".into()));
        }
        let is_bin = |bin: &&String| {
            (1..=8).contains(&bin.len()) && bin.bytes().all(|digit| digit.is_ascii_digit())
        };
        if let Some(bin) = self.bin.iter().find(|bin| !is_bin(bin)) {
            return Some((
                "bin",
                format!("`{bin}` is no beginning of a card number; want 1 to 8 digits"),
            ));
        }
        let is_country = |c: &&String| c.len() == 2 && c.bytes().all(|b| b.is_ascii_uppercase());
        if let Some(country) = self.country.iter().find(|country| !is_country(country)) {
            return Some((
                "country",
                format!("`{country}` is no ISO 3166 alpha-2 code, such as IN"),
            ));
        }
        match (self.amount_min, self.amount_max) {
            (Some(min), Some(max)) if min > max => {
                Some(("amount_max", format!("{max} is below amount_min, {min}: it never holds")))
            }
            (Some(min), _) if min < 0 => Some(("amount_min", format!("{min} is negative"))),
            (_, Some(max)) if max < 0 => Some(("amount_max", format!("{max} is negative"))),
            _ => None,
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        let lists = [
            ("method", &self.method),
            ("network", &self.network),
            ("issuer", &self.issuer),
            ("country", &self.country),
            ("merchant", &self.merchant),
            ("bin", &self.bin),
        ];
        for (name, list) in lists.iter().filter(|(_, list)| !list.is_empty()) {
            parts.push(format!("{name} {}", list.join(" or ")));
        }
        if !self.currency.is_empty() {
            let codes: Vec<&str> = self.currency.iter().map(|code| code.as_str()).collect();
            parts.push(format!("currency {}", codes.join(" or ")));
        }
        parts.extend(self.amount_min.map(|min| format!("amount from {min}")));
        parts.extend(self.amount_max.map(|max| format!("amount to {max}")));
        f.write_str(&parts.join(", "))
    }
}

impl fmt::Display for Refusal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAccepted => f.write_str("no rule of its `accepts` holds"),
            Self::Refused(at, rule) => write!(f, "refuses[{at}]: {rule}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use payments::{Money, Timestamp};

    use super::*;

    fn holds(rule: &Rule, values: &[(&str, &str)], amount: Option<(i64, &str)>) -> bool {
        let amount = amount
            .map(|(minor, code)| Money { minor, currency: Currency::parse(code).expect("a code") });
        rule.holds(&Context { values, amount, ..Context::at(Timestamp::from_millis(0), "p") })
    }

    #[test]
    fn every_condition_has_to_hold_and_what_is_missing_is_on_no_list() {
        let list = |values: &[&str]| values.iter().map(|v| (*v).to_owned()).collect::<Vec<_>>();
        let rule = Rule {
            method: list(&["card", "upi"]),
            bin: list(&["4111", "52"]),
            currency: Currency::parse("INR").into_iter().collect(),
            amount_max: Some(500),
            ..Rule::default()
        };
        let card = [("method", "card"), ("bin", "41111111")];
        assert!(holds(&rule, &card, Some((500, "INR"))));
        assert!(!holds(&rule, &card, Some((501, "INR"))));
        assert!(!holds(&rule, &card, Some((500, "EUR"))));
        assert!(!holds(&rule, &card, None));
        assert!(!holds(&rule, &[("method", "card")], Some((500, "INR"))));
        assert!(!holds(&rule, &[("method", "card"), ("bin", "400000")], Some((500, "INR"))));
        assert!(holds(&Rule::default(), &[], None));
    }

    #[test]
    fn what_can_never_be_meant_is_said() {
        let wrong = |rule: Rule| rule.wrong().map(|(key, why)| format!("{key}: {why}"));
        let said = [
            wrong(Rule::default()),
            wrong(Rule { bin: vec!["41x".into()], ..Rule::default() }),
            wrong(Rule { country: vec!["India".into()], ..Rule::default() }),
            wrong(Rule { amount_min: Some(5), amount_max: Some(4), ..Rule::default() }),
            wrong(Rule { amount_min: Some(5), ..Rule::default() }),
        ];
        let said: Vec<String> = said.into_iter().flatten().collect();
        insta::assert_snapshot!(said.join("\n"), @r"
        : has no condition and would hold of every payment
        bin: `41x` is no beginning of a card number; want 1 to 8 digits
        country: `India` is no ISO 3166 alpha-2 code, such as IN
        amount_max: 4 is below amount_min, 5: it never holds
        ");
    }
}
