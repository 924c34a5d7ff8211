//! What people tell the pilot, and why it may refuse. Who may say what is checked before it gets here.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::intervention::State;
use crate::{Freeze, Limits, Modes};

/// A command.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// This very plan may act. It begins with the next cycle, on the situation of that moment.
    Approve {
        /// Which.
        intervention_id: String,
        /// The hash that was shown.
        plan_hash: String,
        /// Who says so.
        by: String,
    },
    /// It may not.
    Reject {
        /// Which.
        intervention_id: String,
        /// Why.
        reason: String,
        /// Who says so.
        by: String,
    },
    /// Take it back at once.
    RollBack {
        /// Which.
        intervention_id: String,
        /// Why.
        reason: String,
        /// Who says so.
        by: String,
    },
    /// Engage the kill switch, or clear it.
    KillSwitch {
        /// Which of both.
        engaged: bool,
        /// Why.
        reason: String,
        /// Who says so.
        by: String,
    },
    /// Other modes.
    SetModes(Modes),
    /// Other limits.
    SetLimits(Limits),
    /// Other freeze windows, all of them.
    SetFreezes(Vec<Freeze>),
}

/// Why a command was refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// No such intervention.
    #[error("there is no intervention {0}; `GET /v1/interventions` lists them")]
    Unknown(String),
    /// It isn't in a state for that.
    #[error("intervention {id} is {state:?}; {wanted}")]
    WrongState {
        /// Which.
        id: String,
        /// Where it stands.
        state: State,
        /// Where it would have to stand.
        wanted: &'static str,
    },
    /// The plan isn't the one that was shown.
    #[error(
        "intervention {id}: the plan's hash is {is}, the approval names {named}; read the plan again and approve that"
    )]
    OtherPlan {
        /// Which.
        id: String,
        /// The plan's hash.
        is: String,
        /// The approval's.
        named: String,
    },
    /// It waited too long.
    #[error(
        "intervention {0} waited too long for approval and has expired; a new proposal follows if it is still needed"
    )]
    Expired(String),
    /// The kill switch is engaged.
    #[error("the kill switch is engaged ({0}); clear it first")]
    Killed(String),
    /// Limits that contradict themselves.
    #[error("limits.{field} is {got}; {wanted}")]
    Limits {
        /// The key.
        field: &'static str,
        /// Its value.
        got: String,
        /// What is allowed.
        wanted: &'static str,
    },
}

impl Limits {
    /// Whether they can be kept.
    pub fn check(&self) -> Result<(), Refusal> {
        let refuse = |field, got: String, wanted| Err(Refusal::Limits { field, got, wanted });
        let shares = [
            ("confidence_min", self.confidence_min),
            ("shift_share_max", self.shift_share_max),
            ("suspect_share_max", self.suspect_share_max),
            ("approval_page_share", self.approval_page_share),
            ("headroom_use", self.headroom_use),
        ];
        for (field, got) in shares {
            if !(0.0..=1.0).contains(&got) {
                return refuse(field, got.to_string(), "a share lies between 0 and 1");
            }
        }
        let grow = self.steps.windows(2).all(|pair| pair[0] < pair[1]);
        let in_range = self.steps.iter().all(|step| *step > 0.0 && *step <= 1.0);
        if self.steps.is_empty() || !grow || !in_range {
            let got = format!("{:?}", self.steps);
            return refuse("steps", got, "at least one share in (0, 1], each larger than the last");
        }
        if !(self.probe_share > 0.0 && self.probe_share < 0.5) {
            return refuse("probe_share", self.probe_share.to_string(), "above 0 and below 0.5");
        }
        let evidence = [
            ("harm_e", self.harm_e),
            ("home_e", self.home_e),
            ("renew_e", self.renew_e),
            ("mismatch_e", self.mismatch_e),
        ];
        let promote = self.promote_e.iter().map(|e| ("promote_e", *e));
        for (field, got) in evidence.into_iter().chain(promote) {
            if got.is_nan() || got <= 1.0 {
                return refuse(field, got.to_string(), "evidence is asked for by a number above 1");
            }
        }
        let times = [
            ("ttl_ms", self.ttl_ms),
            ("ttl_max_ms", self.ttl_max_ms),
            ("approval_ttl_ms", self.approval_ttl_ms),
            ("silence_ms", self.silence_ms),
            ("maturity_ms", self.maturity_ms),
        ];
        for (field, got) in times {
            if got <= 0 {
                return refuse(field, got.to_string(), "a positive number of milliseconds");
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_that_contradict_themselves_are_refused_with_the_key() {
        assert_eq!(Limits::default().check(), Ok(()));
        type Spoil = fn(&mut Limits);
        let spoilt: [(Spoil, &str); 5] = [
            (|l| l.steps = vec![0.5, 0.2], "steps"),
            (|l| l.steps = vec![], "steps"),
            (|l| l.confidence_min = f64::NAN, "confidence_min"),
            (|l| l.harm_e = 1.0, "harm_e"),
            (|l| l.ttl_ms = 0, "ttl_ms"),
        ];
        for (spoil, key) in spoilt {
            let mut limits = Limits::default();
            spoil(&mut limits);
            let refusal = limits.check().unwrap_err().to_string();
            assert!(refusal.contains(key), "{refusal}");
        }
    }
}
