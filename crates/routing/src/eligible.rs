//! The gateways that a payment may go to, in order of preference and without allocating.

use thiserror::Error;

use crate::known::Known;
use crate::{Context, Gateway, Refusal};

/// Gateways considered for one payment at most; those beyond, in order, are left out. It bounds the work of a choice
/// whatever a caller sends.
pub const GATEWAYS_MAX: usize = 64;

/// No gateway is eligible for a payment.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "no gateway is eligible for {}: {}",
    .method.as_ref().map_or_else(|| "a payment without method".to_owned(), |m| format!("method `{m}`")),
    .refused.as_ref().map_or_else(
        || "none was sent as `candidates`, no [[gateways]] table lists it in `methods`, and none was seen for it in the last 24 h; \
            send candidates or configure a gateway".to_owned(),
        |refused| format!("each is refused by a rule of its [[gateways]] table, {refused} among them")
    )
)]
pub struct NoEligibleGateway {
    /// The payment's method.
    pub method: Option<String>,
    /// Where rules refused them all: the first of them, and why.
    pub refused: Option<String>,
}

/// Columns that names are told apart by with a bit each.
const BITS: usize = 1_024;

/// Distinct gateways, the preferred one first.
pub(crate) struct Eligible<'a> {
    names: [&'a str; GATEWAYS_MAX],
    columns: [u16; GATEWAYS_MAX],
    len: usize,
}

impl<'a> Eligible<'a> {
    /// The caller's candidates, else the configured gateways that take the method, else those seen for it; less those that their own
    /// rules refuse, each of which is told to `refused`.
    pub fn of(
        context: &Context<'a>,
        known: &'a Known,
        gateways: &'a [Gateway],
        mut refused: impl FnMut(&'a str, Refusal<'a>),
    ) -> Result<Self, NoEligibleGateway> {
        let method = context.get("method");
        let mut eligible = Self { names: [""; GATEWAYS_MAX], columns: [0; GATEWAYS_MAX], len: 0 };
        if context.candidates.is_empty() {
            let takers = known.takers(method);
            let columns = if takers.is_empty() { known.seen(method) } else { takers };
            let places = eligible.names.iter_mut().zip(&mut eligible.columns).zip(columns);
            for ((name, place), column) in places {
                (*name, *place) = (known.name(*column), *column);
            }
            eligible.len = columns.len().min(GATEWAYS_MAX);
        } else {
            eligible.take(context.candidates, known);
        }
        let mut first = None;
        let mut kept = 0;
        for at in 0..eligible.len {
            let (name, column) = (eligible.names[at], eligible.columns[at]);
            let configured = known.configured(column).map(|at| &gateways[at]);
            match configured.and_then(|gateway| gateway.refuses(context)) {
                Some(refusal) => {
                    first.get_or_insert((name, refusal));
                    refused(name, refusal);
                }
                None => {
                    (eligible.names[kept], eligible.columns[kept]) = (name, column);
                    kept += 1;
                }
            }
        }
        eligible.len = kept;
        if kept == 0 {
            let refused = first.map(|(name, refusal)| format!("`{name}` ({refusal})"));
            return Err(NoEligibleGateway { method: method.map(Into::into), refused });
        }
        Ok(eligible)
    }

    fn take(&mut self, candidates: &[&'a str], known: &Known) {
        let other = known.width() as u16 - 1;
        let mut met = [0_u64; BITS / 64];
        for name in candidates {
            let column = known.number(name).unwrap_or(other);
            let (word, bit) = (usize::from(column) / 64, 1 << (column % 64));
            let is_met = match met.get_mut(word) {
                Some(word) if column != other => {
                    let is_met = *word & bit != 0;
                    *word |= bit;
                    is_met
                }
                _ => self.position(name).is_some(),
            };
            if self.len < GATEWAYS_MAX && !is_met {
                (self.names[self.len], self.columns[self.len]) = (name, column);
                self.len += 1;
            }
        }
    }

    pub fn names(&self) -> &[&'a str] {
        &self.names[..self.len]
    }

    /// Their columns, in the same order.
    pub fn columns(&self) -> &[u16] {
        &self.columns[..self.len]
    }

    pub fn position(&self, name: &str) -> Option<usize> {
        self.names().iter().position(|own| *own == name)
    }
}
