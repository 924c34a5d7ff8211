//! What the data plane obeys: the policy in force, and beside it a candidate while a roll-out runs.
//!
//! **Which of the two** is a function of the payment's id alone ([`pilot::rollout::Split`]), so that its retries go as it went, whoever computes it. The propensity of a choice is that of the policy
//! that made it; the group is drawn before, independently, so that a log of both judges any third policy as a log of one does.
//!
//! **Cost.** Without a roll-out one comparison; with one a hash, some 20 ns. No lock, nothing allocated.

use std::sync::Arc;

use engine::{Trial, Tried};
use payments::Timestamp;
use pilot::rollout::Group;
use routing::Policy;
use serde::Serialize;
use utoipa::ToSchema;

/// Which policy made a choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Chooser {
    /// The configured one.
    Incumbent,
    /// The one on trial.
    Candidate,
}

/// Whose a payment is while a roll-out runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    rollout: u64,
    stage: u32,
    /// The group.
    pub group: Group,
}

impl Place {
    /// What the engine is told of a payment that was routed.
    pub fn tried(&self, payment_id: &str, at: Timestamp) -> Tried {
        let Self { rollout, stage, group } = *self;
        Tried { rollout, stage, payment_id: payment_id.to_owned(), group, at }
    }
}

/// What the data plane obeys.
pub struct InForce {
    /// The configured policy.
    pub incumbent: Arc<Policy>,
    /// The candidate, and who is in which group.
    pub trial: Option<(Trial, Arc<Policy>)>,
}

impl InForce {
    /// The policy that a payment is routed by at this instant, which of the two that is, and its place in the roll-out.
    pub fn of(&self, payment_id: &str, at: Timestamp) -> (&Arc<Policy>, Chooser, Option<Place>) {
        let in_time = self.trial.as_ref().filter(|(trial, _)| at < trial.until);
        let Some((trial, candidate)) = in_time else {
            return (&self.incumbent, Chooser::Incumbent, None);
        };
        let group = trial.split.group(payment_id);
        let place = Place { rollout: trial.rollout, stage: trial.stage, group };
        if trial.is_live && group == Group::Candidate {
            (candidate, Chooser::Candidate, Some(place))
        } else {
            (&self.incumbent, Chooser::Incumbent, Some(place))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pilot::rollout::Split;
    use routing::{Gateway, Terms};

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millis(ms)
    }

    fn policy(gateway: &str) -> Arc<Policy> {
        let gateways = vec![Gateway { name: gateway.into(), ..Gateway::default() }];
        Arc::new(Policy::new(Terms { gateways, ..Terms::default() }))
    }

    fn in_force(is_live: bool) -> InForce {
        let split = Split { salt: 7, candidate: 0.5, hold_out: 0.02 };
        let trial = Trial { rollout: 1, stage: 1, split, is_live, until: at(100) };
        InForce { incumbent: policy("old"), trial: Some((trial, policy("new"))) }
    }

    #[test]
    fn a_payment_has_one_policy_and_the_lease_ends() {
        let live = in_force(true);
        let mut candidates = 0;
        for payment in 0..1_000 {
            let id = format!("p_{payment}");
            let (policy, chooser, place) = live.of(&id, at(99));
            let group = place.expect("it runs").group;
            assert_eq!(chooser == Chooser::Candidate, group == Group::Candidate);
            let gateway = &policy.terms().gateways[0].name;
            assert_eq!(gateway, if chooser == Chooser::Candidate { "new" } else { "old" });
            candidates += u32::from(chooser == Chooser::Candidate);
            let (policy, chooser, place) = live.of(&id, at(100));
            assert_eq!((chooser, place), (Chooser::Incumbent, None));
            assert_eq!(policy.terms().gateways[0].name, "old");
        }
        assert!((450..550).contains(&candidates), "{candidates}");
    }

    #[test]
    fn both_halves_of_the_first_stage_are_the_incumbents() {
        let same = in_force(false);
        for payment in 0..100 {
            let id = format!("p_{payment}");
            let (policy, chooser, place) = same.of(&id, at(1));
            assert!(place.is_some() && chooser == Chooser::Incumbent);
            assert_eq!(policy.terms().gateways[0].name, "old");
        }
    }
}
