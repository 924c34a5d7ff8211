//! The causes an incident can have.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why payments fail (DESIGN 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The payers: no funds, wrong PIN.
    UserRelated,
    /// One bank fails, whichever gateway is used.
    IssuerDegradation,
    /// A gateway, a network, or the way between.
    NetworkOrSystemFailure,
    /// Our own retry or routing settings.
    Misconfiguration,
    /// Card testing and its like.
    SuspectedFraud,
    /// The evidence decides for none.
    Unknown,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UserRelated => "user_related",
            Self::IssuerDegradation => "issuer_degradation",
            Self::NetworkOrSystemFailure => "network_or_system_failure",
            Self::Misconfiguration => "misconfiguration",
            Self::SuspectedFraud => "suspected_fraud",
            Self::Unknown => "unknown",
        })
    }
}
