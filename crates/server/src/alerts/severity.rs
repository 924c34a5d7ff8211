//! How bad it is.

use std::fmt;
use std::str::FromStr;

use analyst::{Incident, Signal};
use serde::{Deserialize, Serialize};

/// From a note to what somebody has to get up for. The words are PagerDuty's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Nobody has to do anything.
    Info,
    /// To be looked at in working hours.
    Warning,
    /// To be looked at now.
    Error,
    /// Much is being lost, or the operator can't do its work.
    Critical,
}

/// Share of all payments that an incident takes away, from which on it is critical.
const CRITICAL: f64 = 0.05;
/// ... an error.
const ERROR: f64 = 0.01;

impl Severity {
    const ALL: [Self; 4] = [Self::Info, Self::Warning, Self::Error, Self::Critical];
    /// Their words.
    pub const WORDS: &str = "info, warning, error, critical";

    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Critical => "critical",
        }
    }

    /// Of an incident: by the share of all payments that it takes away. What costs no approval is at most a warning.
    pub fn of(incident: &Incident) -> Self {
        match incident.signal {
            Signal::SuccessRate => {
                let lost = incident.baseline_rate - incident.observed_rate;
                Self::by_loss(incident.impact.share * lost)
            }
            Signal::Latency | Signal::Volume => Self::Warning,
            Signal::ErrorMix => Self::Info,
        }
    }

    fn by_loss(share: f64) -> Self {
        if share >= CRITICAL {
            Self::Critical
        } else if share >= ERROR {
            Self::Error
        } else {
            Self::Warning
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Severity {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|severity| severity.as_str() == text).ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_of_all_payments_decides() {
        let of = Severity::by_loss;
        assert_eq!(
            [of(0.2), of(0.05), of(0.049), of(0.01), of(0.009), of(-1.0), of(f64::NAN)],
            [
                Severity::Critical,
                Severity::Critical,
                Severity::Error,
                Severity::Error,
                Severity::Warning,
                Severity::Warning,
                Severity::Warning
            ]
        );
        assert!(Severity::Critical > Severity::Error && Severity::Warning > Severity::Info);
        for severity in Severity::ALL {
            assert_eq!(severity.as_str().parse(), Ok(severity));
            assert!(Severity::WORDS.contains(severity.as_str()));
        }
    }
}
