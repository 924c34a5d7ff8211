//! A gateway as it is configured, and what a payment costs there.
//!
//! A fee is due on success only (what the gateway takes for an approval), so a payment's worth at a gateway is
//!
//! > utility = P(success) x (1 - fee / amount),
//!
//! the share of the amount that is expected to arrive. Refunds, disputes and the merchant's margin stay out: a fee weighs
//! as much as an equal amount lost, no more.

use payments::{Currency, Money};
use serde::{Deserialize, Serialize};

/// A gateway that payments may be sent to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gateway {
    /// Its name, as in attempts.
    pub name: String,
    /// Methods it takes; none listed: all.
    #[serde(default)]
    pub methods: Vec<String>,
    /// Attempts per second that it takes. The pilot keeps to it; a single choice doesn't look at it.
    #[serde(default)]
    pub capacity_per_s: Option<f64>,
    /// What it charges.
    #[serde(default)]
    pub fee: Vec<Fee>,
}

/// A row of a gateway's price list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fee {
    /// For this method; none: for all.
    #[serde(default)]
    pub method: Option<String>,
    /// From this amount on.
    #[serde(default)]
    pub from_minor: i64,
    /// Per approved payment.
    #[serde(default)]
    pub fixed_minor: i64,
    /// For amounts in this currency; none: in any, the fixed part being in minor units of the amount's own.
    #[serde(default)]
    pub currency: Option<Currency>,
    /// Of the amount, in hundredths of a percent.
    #[serde(default)]
    pub bps: u32,
}

impl Gateway {
    /// Whether it takes payments of this method.
    pub fn takes(&self, method: Option<&str>) -> bool {
        self.methods.is_empty() || method.is_some_and(|m| self.methods.iter().any(|own| own == m))
    }

    /// The share of the amount that it keeps, in [0, 1]. The row with the highest `from_minor` that the amount reaches counts, of
    /// equal ones the one that names the method, then the first. Without such a row, or without an amount, nothing is known
    /// to be due.
    pub fn fee_share(&self, method: Option<&str>, amount: Option<Money>) -> f64 {
        let Some(amount) = amount.filter(|amount| amount.minor > 0) else { return 0.0 };
        let applies = |fee: &&Fee| {
            fee.from_minor <= amount.minor
                && fee.currency.is_none_or(|currency| currency == amount.currency)
                && fee.method.as_deref().is_none_or(|own| Some(own) == method)
        };
        let weight = |fee: &Fee| (fee.from_minor, fee.method.is_some());
        let row = self
            .fee
            .iter()
            .filter(applies)
            .reduce(|best, fee| if weight(fee) > weight(best) { fee } else { best });
        row.map_or(0.0, |fee| {
            let share =
                fee.fixed_minor as f64 / amount.minor as f64 + f64::from(fee.bps) / 10_000.0;
            share.clamp(0.0, 1.0)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_specific_row_counts() {
        let currency = Currency::parse("INR");
        let row = |method: Option<&str>, from_minor, fixed_minor, bps| Fee {
            method: method.map(Into::into),
            from_minor,
            fixed_minor,
            currency,
            bps,
        };
        let gateway = Gateway {
            name: "payu".into(),
            methods: vec!["card".into()],
            capacity_per_s: None,
            fee: vec![
                row(None, 0, 0, 100),
                row(Some("card"), 0, 300, 190),
                row(Some("card"), 200_000, 0, 150),
                row(None, 200_000, 0, 500),
            ],
        };
        let share = |method, minor, code| {
            let currency = Currency::parse(code).unwrap();
            gateway.fee_share(Some(method), Some(Money { minor, currency }))
        };
        assert_eq!(share("card", 10_000, "INR"), 0.049);
        assert_eq!(share("card", 200_000, "INR"), 0.015);
        assert_eq!(share("upi", 10_000, "INR"), 0.01);
        assert_eq!(share("card", 100, "INR"), 1.0);
        assert_eq!(share("card", 0, "INR"), 0.0);
        assert_eq!(share("card", 10_000, "EUR"), 0.0);
        assert_eq!(gateway.fee_share(Some("card"), None), 0.0);
        assert!(gateway.takes(Some("card")) && !gateway.takes(Some("upi")) && !gateway.takes(None));
    }
}
