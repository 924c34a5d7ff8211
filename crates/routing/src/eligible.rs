//! The gateways that a payment may go to, in order of preference and without allocating.

use thiserror::Error;

use crate::{Context, Gateway};

/// Gateways considered for one payment at most; those beyond, in order, are left out. It bounds the work of a choice
/// whatever a caller sends.
pub const GATEWAYS_MAX: usize = 64;

/// No gateway is eligible for a payment.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "no gateway is eligible for {}: none was sent as `candidates`, no [[gateways]] table lists it in `methods`, and none was \
     seen for it in the last 24 h; send candidates or configure a gateway",
    .method.as_ref().map_or_else(|| "a payment without method".to_owned(), |m| format!("method `{m}`"))
)]
pub struct NoEligibleGateway {
    /// The payment's method.
    pub method: Option<String>,
}

/// Names of distinct gateways, the preferred one first.
pub(crate) struct Eligible<'a> {
    names: [&'a str; GATEWAYS_MAX],
    len: usize,
}

impl<'a> Eligible<'a> {
    /// The caller's candidates, else the configured gateways that take the method, else those seen for it.
    pub fn of(
        context: &Context<'a>,
        gateways: &'a [Gateway],
        seen: impl FnOnce(&str) -> &'a [String],
    ) -> Result<Self, NoEligibleGateway> {
        let method = context.get("method");
        let mut eligible = Self { names: [""; GATEWAYS_MAX], len: 0 };
        eligible.extend(context.candidates.iter().copied());
        if eligible.len == 0 {
            let takes = gateways.iter().filter(|gateway| gateway.takes(method));
            eligible.extend(takes.map(|gateway| gateway.name.as_str()));
        }
        if eligible.len == 0 {
            let seen = method.map_or(&[][..], seen);
            eligible.extend(seen.iter().map(String::as_str));
        }
        if eligible.len == 0 {
            return Err(NoEligibleGateway { method: method.map(Into::into) });
        }
        Ok(eligible)
    }

    fn extend(&mut self, names: impl Iterator<Item = &'a str>) {
        for name in names {
            if self.len < GATEWAYS_MAX && self.position(name).is_none() {
                self.names[self.len] = name;
                self.len += 1;
            }
        }
    }

    pub fn names(&self) -> &[&'a str] {
        &self.names[..self.len]
    }

    pub fn position(&self, name: &str) -> Option<usize> {
        self.names().iter().position(|own| *own == name)
    }
}
