//! What a reader has to be told before a figure is believed, and what an interval says in words.

use stats::off_policy::Estimate;

use super::tally::{Judged, SWITCH};
use super::{Counted, Evaluation};
use crate::report::{estimate, number, percent};

/// Decisions of its own that a policy is to be judged by, at least.
const EFFECTIVE_MIN: f64 = 1_000.0;
/// ... and as a share of the log.
const EFFECTIVE_SHARE_MIN: f64 = 0.05;
/// Share of where a policy would go that may lie where the log never went.
const OUTSIDE_MAX: f64 = 0.01;
/// Standard errors that the weights' mean may be off.
const ERRORS_MAX: f64 = 4.0;
/// Share of decisions that may be left out for want of an outcome.
const UNRESOLVED_MAX: f64 = 0.02;

/// What an interval of a difference says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// All of it lies above 0.
    Better,
    /// All of it lies below 0.
    Worse,
    /// 0 lies in it.
    Undecided,
    /// The log doesn't go where the policy would: the interval says nothing.
    Unfounded,
}

impl Verdict {
    /// Of a difference of these policies.
    pub fn of(difference: &Estimate, policies: &[Judged]) -> Self {
        match difference.interval {
            _ if !policies.iter().all(is_founded) => Self::Unfounded,
            (low, _) if low > 0.0 => Self::Better,
            (_, high) if high < 0.0 => Self::Worse,
            _ => Self::Undecided,
        }
    }
}

/// Whether what intervals suppose isn't refuted: the log goes wherever the policy does, by propensities that are right.
fn is_founded(judged: &Judged) -> bool {
    is_inside(judged) && is_weighted(judged)
}

fn is_inside(judged: &Judged) -> bool {
    1.0 - judged.overlap <= OUTSIDE_MAX
}

fn is_weighted(judged: &Judged) -> bool {
    let (mean, error) = judged.mean_weight;
    (mean - 1.0).abs() <= ERRORS_MAX * error + 1e-9
}

/// What has to be said of the log as a whole, whatever the policy.
pub fn of_log(evaluation: &Evaluation) -> Vec<String> {
    let Counted { unresolved, decisions, without_propensity, without_latency, .. } =
        evaluation.counted;
    let mut said = Vec::new();
    let first = (unresolved + decisions + without_propensity).max(1) as f64;
    if unresolved as f64 > UNRESOLVED_MAX * first {
        said.push(format!(
            "{} of first attempts have no known outcome and are left out: if that depends on the gateway, so does every figure here",
            percent(unresolved as f64 / first)
        ));
    }
    if without_propensity > 0 {
        said.push(format!(
            "{} first attempts have no propensity and are left out: if these aren't like the others, the figures are of the others",
            number(without_propensity)
        ));
    }
    if without_latency > 0 {
        said.push(format!(
            "{} decisions have no latency_ms and are taken for decided when their outcome was known: where gateways differ in speed the order is a little wrong",
            number(without_latency)
        ));
    }
    if evaluation.late > 0 {
        said.push(format!(
            "{} decisions took longer than three minutes and were judged out of their order",
            number(evaluation.late)
        ));
    }
    let unroutable = decisions - evaluation.judged;
    if unroutable > 0 {
        said.push(format!(
            "{} decisions are left out because a policy has no gateway for them (or had seen none yet)",
            number(unroutable)
        ));
    }
    said
}

/// What has to be said of one policy on this log.
pub fn of_policy(evaluation: &Evaluation, judged: &Judged) -> Vec<String> {
    let n = (evaluation.judged as f64).max(1.0);
    let mut said = Vec::new();
    let effective = judged.effective_size;
    if effective < EFFECTIVE_MIN || effective < EFFECTIVE_SHARE_MIN * n {
        said.push(format!(
            "overlap is too thin: {} decisions are worth {} of the policy's own; it does what the log rarely did. Log more exploration (routing.floor), or judge a policy nearer to the log's",
            number(evaluation.judged),
            estimate(effective)
        ));
    }
    if !is_inside(judged) {
        said.push(format!(
            "{} of where the policy would go the log never went for that merchant and method: nothing is known of it. IPS counts it as failed, the others guess",
            percent(1.0 - judged.overlap)
        ));
    }
    if !is_weighted(judged) {
        let (mean, error) = judged.mean_weight;
        said.push(format!(
            "the weights' mean is {mean:.3} and should be 1 (standard error {error:.3}): the propensities aren't those that the log was drawn with, or are 0 where the policy goes"
        ));
    }
    if judged.beyond_switch > 0 {
        said.push(format!(
            "{} decisions weigh more than {SWITCH:.0} (at most {:.0}): Switch-DR takes the prediction there instead, so its value is biased by what that errs",
            number(judged.beyond_switch),
            judged.weight_max
        ));
    }
    said
}
