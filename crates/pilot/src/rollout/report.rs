//! What a roll-out has shown, for people and programs.

use serde::{Deserialize, Serialize};
use stats::{confidence_sequence, posterior::Beta};

use super::{GROUPS, Group, Guard, Rollout, Stage, Tally};

/// Level of the intervals of groups, each by itself.
const LEVEL: f64 = 0.05;

/// A group in the present stage: shares differ between stages, and so does the time of day.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupReport {
    /// Which.
    pub group: Group,
    /// Its share of all payments.
    pub share: f64,
    /// Payments judged.
    pub payments: u64,
    /// Approved ones.
    pub approved: u64,
    /// Those of which nothing was heard in time; they count as failed.
    pub unheard: u64,
    /// Approved of those judged; nothing before the first.
    pub rate: Option<f64>,
    /// Where the rate lies with 95 %, whenever one looks, if it holds still over the stage. The tests need no such thing.
    pub interval: (f64, f64),
}

/// What a guard has seen, over all steps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GuardReport {
    /// Which.
    pub guard: Guard,
    /// Payments with what it watches, and all of which that is known: of the rest, and of the candidate.
    pub bad: [(u64, u64); 2],
    /// ln of the evidence that the candidate has more of it.
    pub ln_worse: f64,
}

/// What a roll-out has shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Where it is.
    pub stage: Stage,
    /// The candidate's share.
    pub share: f64,
    /// Judged payments and approved ones, of the rest and of the candidate, over all steps.
    pub control: (u64, u64),
    /// Likewise.
    pub candidate: (u64, u64),
    /// The groups in the present stage.
    pub groups: [GroupReport; GROUPS],
    /// The candidate's success rate less that of all others in the present stage, where both have payments. Once it has everything else, these are the hold-out.
    pub uplift: Option<f64>,
    /// ... and where it lies with 95 %, whenever one looks, on the same condition as the groups' intervals.
    pub uplift_interval: (f64, f64),
    /// ln of the evidence that the candidate is worse.
    pub ln_worse: f64,
    /// ... and that it is better.
    pub ln_better: f64,
    /// ln of the evidence that groups don't have their sizes.
    pub ln_ratio: f64,
    /// ln of the evidence that outcomes go missing more often in one group than in the others.
    pub ln_unheard: f64,
    /// What stops it at once when ln of its evidence gets there.
    pub ln_stops: f64,
    /// What the evidence that it is better has to reach.
    pub ln_promotes: f64,
    /// Guards in the plan's order.
    pub guards: Vec<GuardReport>,
}

impl Rollout {
    /// What it has shown.
    pub fn report(&self) -> Report {
        let [control, candidate] = self.success.counts().map(|[bad, good]| (bad + good, good));
        let shares = self.split().shares();
        let group = |group: Group| {
            let Tally { payments, approved, unheard } = self.of_stage[group as usize];
            let (n, k) = (payments as f64, approved as f64);
            GroupReport {
                group,
                share: shares[group as usize],
                payments,
                approved,
                unheard,
                rate: (payments > 0).then(|| k / n),
                interval: confidence_sequence::bernoulli(Beta::JEFFREYS, n, k, LEVEL),
            }
        };
        let [tried, incumbent, held] = self.of_stage;
        let rest = incumbent.and(held);
        // Each at half the level, so that both hold at once.
        let [against, for_it] = [rest, tried].map(|Tally { payments, approved, .. }| {
            confidence_sequence::bernoulli(
                Beta::JEFFREYS,
                payments as f64,
                approved as f64,
                LEVEL / 2.0,
            )
        });
        let rate = |tally: Tally| tally.approved as f64 / tally.payments as f64;
        let guards = self.plan.guards.iter().zip(&self.guards);
        Report {
            stage: self.stage.clone(),
            share: shares[Group::Candidate as usize],
            control,
            candidate,
            groups: Group::ALL.map(group),
            uplift: (tried.payments > 0 && rest.payments > 0).then(|| rate(tried) - rate(rest)),
            uplift_interval: (for_it.0 - against.1, for_it.1 - against.0),
            ln_worse: self.success.ln_worse(),
            ln_better: self.success.ln_better(),
            ln_ratio: self.ratio.ln_e(),
            ln_unheard: self.heard.ln_worse().max(self.heard.ln_better()),
            ln_stops: self.ln_stops(),
            ln_promotes: self.ln_promotes(),
            guards: guards
                .map(|(guard, comparison)| GuardReport {
                    guard: guard.clone(),
                    bad: comparison.counts().map(|[bad, good]| (bad, bad + good)),
                    ln_worse: comparison.ln_worse(),
                })
                .collect(),
        }
    }
}
