//! What another policy would have earned on a log of past payments: `pointsman evaluate`.
//!
//! **Problem.** A log holds what came of the gateway that was chosen. Whether another policy would have done better is asked before it is let at a payment.
//!
//! **Method.** Each decision was logged with its propensity, so that the decisions a policy agrees with can be weighted up to what it would have met
//! ([`stats::off_policy`]). The policy goes along the log and learns as it would have learnt (`follower`); decisions come in the order in which they were made
//! (`order`); a first walk over the file counts and finds the least propensity, a second one judges.
//!
//! **What counts.** First attempts with a propensity and an outcome that counts in rates. A retry goes where it goes because of what happened before, so it isn't another independent
//! decision; policies learn from retries all the same. Outcomes that aren't known (`unknown`, `abandoned`) are left out and counted. A reward is 1 for an approval and else 0.
//!
//! **Guarantee.** That of [`stats::off_policy`]: an interval misses the mean of the policy's value over the log with a probability of 5 % at most, whenever one looks, if the propensities are
//! right and positive wherever the policy goes. What the policy's own choices would have changed (load, retries, customers who leave) isn't in a log, nor in this.
//!
//! **Cost.** About 10 us a decision and policy; memory for three minutes of attempts.

mod candidate;
mod follower;
mod keys;
mod order;
mod play;
mod tally;
#[cfg(test)]
mod tests;
mod warn;

use std::collections::VecDeque;
use std::io;
use std::rc::Rc;

use engine::Input;
use payments::{Attempt, Status, Timestamp};
use stats::off_policy::Estimate;

pub use candidate::{Candidate, read};
pub use play::{Simulated, simulate};
pub use tally::{Judged, SWITCH};
pub use warn::{Verdict, of_log, of_policy};

use crate::read::Loaded;
use follower::{Follower, Law, REFRESH_MS};
use order::{Order, decided_at};
use tally::Tally;

/// What a log holds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Counted {
    /// All of it.
    pub attempts: u64,
    /// Second and later attempts of a payment.
    pub retries: u64,
    /// First attempts whose outcome isn't known.
    pub unresolved: u64,
    /// First attempts without a propensity.
    pub without_propensity: u64,
    /// Decisions: what is left.
    pub decisions: u64,
    /// Those of them whose latency isn't known.
    pub without_latency: u64,
    /// Those of them that were approved.
    pub approved: u64,
    /// The least propensity among them.
    pub propensity_min: f64,
}

/// What it says of policies.
pub struct Evaluation {
    /// What it holds.
    pub counted: Counted,
    /// Decisions that each policy could route, and that were judged.
    pub judged: u64,
    /// Decisions that went on too late for their order.
    pub late: u64,
    /// What the log itself came to.
    pub log: Estimate,
    /// Policy by policy.
    pub policies: Vec<Judged>,
    /// The first less the second, where there are two.
    pub between: Option<Estimate>,
}

/// Counts a log.
pub fn count(file: &mut Loaded) -> io::Result<Counted> {
    let mut counted = Counted { propensity_min: 1.0, ..Counted::default() };
    each(file, |attempt| {
        counted.attempts += 1;
        if attempt.attempt_number > 1 {
            counted.retries += 1;
        } else if !counts(&attempt) {
            counted.unresolved += 1;
        } else if let Some(propensity) = attempt.propensity {
            counted.decisions += 1;
            counted.without_latency += u64::from(attempt.latency_ms.is_none());
            counted.approved += u64::from(is_approved(&attempt));
            counted.propensity_min = counted.propensity_min.min(propensity);
        } else {
            counted.without_propensity += 1;
        }
    })?;
    Ok(counted)
}

/// Judges policies, one or two, on a log that has been counted; `tell` hears how many attempts went by.
pub fn judge(
    file: &mut Loaded,
    counted: Counted,
    candidates: &[Candidate],
    tell: &mut dyn FnMut(u64),
) -> io::Result<Evaluation> {
    let mut walk = Walk::new(candidates, counted.propensity_min);
    let mut order = Order::default();
    let mut passed = 0;
    each(file, |attempt| {
        passed += 1;
        if passed % 4_096 == 0 {
            tell(passed);
        }
        if !counts(&attempt) {
            return;
        }
        let attempt = Rc::new(attempt);
        walk.outcomes.push_back(attempt.clone());
        if attempt.attempt_number == 1 && attempt.propensity.is_some() {
            order.push(attempt, &mut |attempt| walk.decide(&attempt));
        }
    })?;
    order.finish(&mut |attempt| walk.decide(&attempt));
    Ok(Evaluation {
        counted,
        judged: walk.judged,
        late: order.late,
        log: walk.tally.log(),
        policies: walk.tally.judged(),
        between: walk.tally.between(),
    })
}

/// Policies on their way along a log.
struct Walk {
    followers: Vec<Follower>,
    tally: Tally,
    /// Outcomes that no policy knows yet, in their order.
    outcomes: VecDeque<Rc<Attempt>>,
    /// Policies know what became known before.
    known: Option<Timestamp>,
    judged: u64,
}

impl Walk {
    fn new(candidates: &[Candidate], propensity_min: f64) -> Self {
        Self {
            followers: candidates.iter().map(Follower::new).collect(),
            tally: Tally::new(candidates.len(), propensity_min),
            outcomes: VecDeque::new(),
            known: None,
            judged: 0,
        }
    }

    fn decide(&mut self, attempt: &Attempt) {
        let at = decided_at(attempt);
        self.learn(at);
        let laws = self.followers.iter().map(|follower| follower.law(attempt, at));
        let Some(laws) = laws.collect::<Option<Vec<Law>>>() else { return };
        let Some(propensity) = attempt.propensity else { return };
        self.tally.push(attempt, propensity, &laws);
        self.judged += 1;
    }

    /// Whatever was known at the last refresh before `at`.
    fn learn(&mut self, at: Timestamp) {
        let grid = at.as_millis().div_euclid(REFRESH_MS) * REFRESH_MS;
        let edge = Timestamp::from_millis(grid);
        if self.known.is_some_and(|known| known >= edge) {
            return;
        }
        self.known = Some(edge);
        let count = self.outcomes.partition_point(|attempt| attempt.occurred_at < edge);
        let outcomes: Vec<_> = self.outcomes.drain(..count).collect();
        self.followers.iter_mut().for_each(|follower| follower.learn(edge, &outcomes));
    }
}

/// Every attempt of a file, in order of its outcome.
fn each(file: &mut Loaded, mut give: impl FnMut(Attempt)) -> io::Result<()> {
    file.for_each(|input| {
        if let Input::Attempts(attempts) = input {
            attempts.into_iter().for_each(&mut give);
        }
    })
}

fn is_approved(attempt: &Attempt) -> bool {
    attempt.status == Status::Approved
}

/// Whether it counts in rates.
fn counts(attempt: &Attempt) -> bool {
    !matches!(attempt.status, Status::Unknown | Status::Abandoned)
}
