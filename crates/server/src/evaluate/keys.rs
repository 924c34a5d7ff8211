//! What attempts of a log are counted by.

use payments::{Attempt, NONE};

/// Parts a name made of several; a clash of two would cost width, never validity.
const SEPARATOR: &str = "\u{1f}";

/// Where predictions are told apart: method, network and issuer.
pub fn cell(attempt: &Attempt) -> String {
    let optional = [&attempt.network, &attempt.issuer];
    let [network, issuer] = optional.map(|value| value.as_deref().unwrap_or(NONE));
    [attempt.method.as_str(), network, issuer].join(SEPARATOR)
}

/// What says which gateways a payment may go to, as far as a log does: merchant and method.
pub fn contract(attempt: &Attempt) -> String {
    [attempt.merchant_id.as_str(), attempt.method.as_str()].join(SEPARATOR)
}
