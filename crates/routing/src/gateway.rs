//! A gateway as it is configured, and what a payment costs there.
//!
//! A fee is due on success only (what the gateway takes for an approval), and so is what fraud costs, so a payment's worth at a gateway is
//!
//! > utility = P(success) x (margin - fee / amount - risk x liability),
//!
//! in shares of the amount. The margin is 1 where none is sent, a fee then weighing as much as an equal amount lost; the risk is the one
//! that is sent with the payment, the liability the share of a fraudulent amount that the merchant bears at this gateway. What would be negative counts as nothing: a
//! payment is never sent where it is the least likely to succeed.

use payments::{Currency, Money};
use serde::{Deserialize, Serialize};

use crate::{Context, Refusal, Rule};

/// A gateway that payments may be sent to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gateway {
    /// Its name, as in attempts.
    pub name: String,
    /// Methods it takes; none listed: all.
    #[serde(default)]
    pub methods: Vec<String>,
    /// Attempts per second that it takes. The pilot keeps to it, and the ordinary choice turns away what comes beyond nine tenths of it.
    #[serde(default)]
    pub capacity_per_s: Option<f64>,
    /// What it charges.
    #[serde(default)]
    pub fee: Vec<Fee>,
    /// Payments that it takes; no rule: all.
    #[serde(default)]
    pub accepts: Vec<Rule>,
    /// Payments that it doesn't take, whatever it accepts.
    #[serde(default)]
    pub refuses: Vec<Rule>,
    /// Share of the payments it is eligible for that it was promised; explored with, so only where `routing.learning` is `explore`.
    #[serde(default)]
    pub share_min: f64,
    /// Share of a fraudulent amount that the merchant bears here; none: all of it.
    #[serde(default)]
    pub liability: Option<f64>,
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

    /// Why its rules keep a payment away.
    pub fn refuses(&self, context: &Context<'_>) -> Option<Refusal<'_>> {
        if !self.accepts.is_empty() && !self.accepts.iter().any(|rule| rule.holds(context)) {
            return Some(Refusal::NotAccepted);
        }
        let refused = self.refuses.iter().position(|rule| rule.holds(context))?;
        Some(Refusal::Refused(refused, &self.refuses[refused]))
    }

    /// Whether what a success is worth depends on it.
    pub fn is_priced(&self) -> bool {
        !self.fee.is_empty() || self.liability.is_some()
    }

    /// What fraud is expected to cost, as a share of the amount.
    pub fn risk_share(&self, risk: Option<f64>) -> f64 {
        risk.map_or(0.0, |risk| (risk * self.liability.unwrap_or(1.0)).clamp(0.0, 1.0))
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
            ..Gateway::default()
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
