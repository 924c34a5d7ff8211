//! Lane of a response code's cause class.

use payments::{DeclineClass, decline};

use crate::lanes::UNCODED;

/// The class of failures that a code belongs to; codes that no source lists, and approvals on a
/// failure, belong to those without one.
pub fn class(source: &str, value: &str) -> usize {
    match decline(source, value).class {
        DeclineClass::User => 0,
        DeclineClass::Issuer => 1,
        DeclineClass::Network => 2,
        DeclineClass::RoutingConfig => 3,
        DeclineClass::FraudDnr => 4,
        DeclineClass::None | DeclineClass::Unknown => UNCODED,
    }
}
