//! What can go wrong, where, and when.

use std::collections::BTreeMap;

use payments::Timestamp;
use serde::{Deserialize, Serialize};

use crate::failure::FailureKind;

/// A conjunction of `dimension = value`; empty means all traffic.
pub type Pairs = BTreeMap<String, String>;

/// Something that happens to a slice of the traffic for a while.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Incident {
    /// Where.
    pub slice: Pairs,
    /// From when on: attempts *started* from here on are hit.
    pub starts_at: Timestamp,
    /// Until when, exclusive.
    pub ends_at: Timestamp,
    /// What.
    pub kind: Kind,
    /// How its strength runs over that time.
    pub shape: Shape,
}

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A share of what would have been approved fails instead.
    Outage {
        /// That share, 0 to 1.
        severity: f64,
        /// Who is to blame: decides the codes.
        blame: FailureKind,
    },
    /// Everything takes this many times as long; what passes the gateway's timeout fails.
    Latency {
        /// Multiple of the ordinary latency, at least 1.
        factor: f64,
    },
    /// Failures of one kind get the codes of another; no payment is lost.
    CodesRenamed {
        /// What really fails.
        from: FailureKind,
        /// What the codes now say.
        to: FailureKind,
    },
    /// Payments per time change; their success does not.
    Volume {
        /// Multiple of the ordinary volume: 0 is silence, 3 a surge.
        factor: f64,
    },
    /// A share of all other traffic becomes traffic of this slice; each slice succeeds as ever.
    MixShift {
        /// That share, 0 to 1.
        share: f64,
    },
    /// Stolen cards are tried out: extra payments that mostly fail as fraud.
    CardTesting {
        /// Extra payments as a multiple of the slice's ordinary ones.
        factor: f64,
    },
    /// A client that repeats each attempt at once, most copies being refused as duplicates.
    RetryStorm {
        /// Mean number of copies per attempt.
        copies: f64,
    },
    /// A merchant's own rules send payments where they fail: the slice names the wrong gateway and whose traffic is drawn
    /// there from the others; what arrives fails with the codes of a wrong set-up.
    Misrouting {
        /// Share of that traffic which is drawn there, 0 to 1.
        share: f64,
        /// Share of what would be approved there that fails instead.
        severity: f64,
    },
}

/// How an incident's strength runs between its start and its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// All at once.
    #[default]
    Step,
    /// A brown-out: grows linearly to full strength within this time.
    Ramp {
        /// Time to full strength.
        over_ms: i64,
    },
    /// Comes and goes, on first.
    Flapping {
        /// Length of each bad phase.
        on_ms: i64,
        /// Length of each good phase.
        off_ms: i64,
    },
}

impl Kind {
    /// Whether it changes nothing.
    pub(crate) fn is_nothing(self) -> bool {
        match self {
            Self::Outage { severity: x, .. }
            | Self::MixShift { share: x }
            | Self::CardTesting { factor: x }
            | Self::RetryStorm { copies: x } => x == 0.0,
            Self::Latency { factor } | Self::Volume { factor } => factor == 1.0,
            Self::CodesRenamed { from, to } => from == to,
            Self::Misrouting { share, severity } => share == 0.0 && severity == 0.0,
        }
    }
}

impl Shape {
    /// Strength, 0 to 1, this long after the start.
    pub(crate) fn strength(self, since_start_ms: i64) -> f64 {
        match self {
            Self::Step => 1.0,
            Self::Ramp { over_ms } if since_start_ms < over_ms => {
                (since_start_ms as f64 + 0.5) / over_ms as f64
            }
            Self::Ramp { .. } => 1.0,
            Self::Flapping { on_ms, off_ms } => {
                f64::from(u8::from(since_start_ms.rem_euclid(on_ms + off_ms) < on_ms))
            }
        }
    }
}

impl Incident {
    /// From `(dimension, value)` pairs, at full strength all the time.
    pub fn on<D: Into<String>, V: Into<String>>(
        slice: impl IntoIterator<Item = (D, V)>,
        starts_at: Timestamp,
        ends_at: Timestamp,
        kind: Kind,
    ) -> Self {
        let slice = slice.into_iter().map(|(d, v)| (d.into(), v.into())).collect();
        Self { slice, starts_at, ends_at, kind, shape: Shape::Step }
    }

    /// The same with another course of strength.
    #[must_use]
    pub fn shaped(self, shape: Shape) -> Self {
        Self { shape, ..self }
    }

    /// Strength at an instant; 0 outside of its time.
    pub fn strength_at(&self, at: Timestamp) -> f64 {
        if at < self.starts_at || at >= self.ends_at {
            return 0.0;
        }
        self.shape.strength(at.as_millis() - self.starts_at.as_millis())
    }

    /// The cause that an operator should name, in the words of the event contract.
    pub fn cause(&self) -> &'static str {
        match self.kind {
            Kind::Outage { blame, .. } => blame.cause(),
            Kind::Latency { .. } => "network_or_system_failure",
            Kind::CardTesting { .. } => "suspected_fraud",
            Kind::RetryStorm { .. } | Kind::CodesRenamed { .. } | Kind::Misrouting { .. } => {
                "misconfiguration"
            }
            Kind::Volume { .. } | Kind::MixShift { .. } => "unknown",
        }
    }

    /// What is wrong with it, if anything.
    pub(crate) fn fault(&self) -> Option<String> {
        let share = |name: &str, value: f64| {
            (!(0.0..=1.0).contains(&value)).then(|| format!("{name} is {value}, allowed: 0 to 1"))
        };
        let at_least = |name: &str, value: f64, low: f64| {
            (!(low..=1e4).contains(&value))
                .then(|| format!("{name} is {value}, allowed: {low} to 10000"))
        };
        if self.ends_at < self.starts_at {
            return Some("it ends before it starts".into());
        }
        let shape = match self.shape {
            Shape::Step => None,
            Shape::Ramp { over_ms } => at_least("over_ms", over_ms.min(1_000) as f64, 1.0),
            Shape::Flapping { on_ms, off_ms } => {
                at_least("on_ms and off_ms", on_ms.min(off_ms).min(1_000) as f64, 1.0)
            }
        };
        shape.or_else(|| match self.kind {
            Kind::Outage { severity, .. } => share("severity", severity),
            Kind::MixShift { share: value } => share("share", value),
            Kind::Latency { factor } => at_least("factor", factor, 1.0),
            Kind::Volume { factor } | Kind::CardTesting { factor } => {
                at_least("factor", factor, 0.0)
            }
            Kind::RetryStorm { copies } => (!(0.0..=20.0).contains(&copies))
                .then(|| format!("copies is {copies}, allowed: 0 to 20")),
            Kind::Misrouting { share: value, severity } => {
                let lost = (!self.slice.contains_key("gateway"))
                    .then(|| "misrouting needs the gateway that payments are sent to".into());
                lost.or_else(|| share("share", value)).or_else(|| share("severity", severity))
            }
            Kind::CodesRenamed { .. } => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strength_follows_the_shape() {
        assert_eq!(Shape::Step.strength(5), 1.0);
        let ramp = Shape::Ramp { over_ms: 100 };
        assert!(ramp.strength(0) < 0.01 && (ramp.strength(50) - 0.5).abs() < 0.01);
        assert_eq!(ramp.strength(100), 1.0);
        let flapping = Shape::Flapping { on_ms: 10, off_ms: 5 };
        let course: Vec<f64> = [0, 9, 10, 14, 15].map(|ms| flapping.strength(ms)).to_vec();
        assert_eq!(course, [1.0, 1.0, 0.0, 0.0, 1.0]);
    }

    #[test]
    fn nonsense_is_named() {
        let at = Timestamp::from_millis(0);
        let kind = Kind::Outage { severity: 1.5, blame: FailureKind::Issuer };
        let incident = Incident::on([("issuer", "HDFC")], at, at, kind);
        assert_eq!(incident.fault().as_deref(), Some("severity is 1.5, allowed: 0 to 1"));
        let flapping = incident.shaped(Shape::Flapping { on_ms: 0, off_ms: 9 });
        assert!(flapping.fault().is_some());
    }
}
