//! What can be done about an incident.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Mode, Modes};

/// One per incident and cycle (DESIGN 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Move a share of the slice to other gateways.
    Reroute,
    /// Change how retries are made; no payment changes its gateway.
    AdjustRetry,
    /// Take a path out; the router's next best serves.
    SuppressPath,
    /// Tell a person.
    Alert,
    /// Leave things as they are.
    NoAction,
}

impl Action {
    /// Whether it sends payments elsewhere.
    pub fn moves_payments(self) -> bool {
        matches!(self, Self::Reroute | Self::SuppressPath)
    }

    /// How far it may go by itself.
    pub fn mode(self, modes: &Modes) -> Mode {
        match self {
            Self::Reroute => modes.reroute,
            Self::AdjustRetry => modes.adjust_retry,
            Self::SuppressPath => modes.suppress_path,
            Self::Alert => modes.alert,
            Self::NoAction => Mode::Auto,
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Reroute => "reroute",
            Self::AdjustRetry => "adjust_retry",
            Self::SuppressPath => "suppress_path",
            Self::Alert => "alert",
            Self::NoAction => "no_action",
        })
    }
}
