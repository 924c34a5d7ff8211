//! A roll-out of a routing policy on the wire.

use engine::{RolledOut, Routing};
use pilot::rollout::{Group, GroupReport, Guard, GuardReport, Plan, Report, Stage, Stop, Turn};
use serde::Serialize;
use utoipa::ToSchema;

use super::rfc3339;

/// Evidence is a number in JSON, so it ends somewhere.
const LN_MAX: f64 = 690.0;

/// The policy on trial, as a policy file has it; what it leaves to the configuration is as configured.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct TriedPolicy {
    /// `off`, `exploit` or `explore`
    #[schema(value_type = String)]
    learning: routing::Learning,
    #[schema(value_type = serde_json::Value)]
    exploration: routing::Exploration,
    /// None of its own: the configured ones.
    #[schema(value_type = Vec<serde_json::Value>)]
    gateways: Vec<routing::Gateway>,
}

/// How it is rolled out.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct RolloutPlan {
    same_payments: u64,
    steps: Vec<f64>,
    hold_out: f64,
    step_payments_min: u64,
    step_payments_max: u64,
    alpha: f64,
    maturity_ms: i64,
    /// `fraud_declined`, `{"slower_than_ms": 2000}` or `{"dearer_than_bps": 250}`
    #[schema(value_type = Vec<serde_json::Value>)]
    guards: Vec<Guard>,
}

/// A group of payments in the present stage.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct RolloutGroup {
    /// `candidate`, `incumbent` or `hold_out`
    #[schema(value_type = String)]
    group: Group,
    /// Of all payments.
    share: f64,
    /// Judged so far.
    payments: u64,
    approved: u64,
    /// Nothing was heard of them in time; they count as failed.
    unheard: u64,
    success_rate: Option<f64>,
    /// 95 %, whenever one looks.
    low: f64,
    high: f64,
}

/// The candidate's success rate less the others'.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Uplift {
    /// `hold_out` once the candidate has all but it, before `incumbent_and_hold_out`.
    against: &'static str,
    value: f64,
    /// 95 %, whenever one looks.
    low: f64,
    high: f64,
}

/// E-values: how many times more likely what was seen is under the claim than without it.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct RolloutEvidence {
    /// That the candidate has more successes; it gets the next share at `promotes_at`.
    better: f64,
    /// That it has fewer; it is taken back at `stops_at`.
    worse: f64,
    /// That groups don't have the sizes of the split; likewise.
    sample_ratio: f64,
    /// That outcomes go missing more often in one group than in the others; likewise.
    unheard: f64,
    promotes_at: f64,
    stops_at: f64,
}

/// What a guard has seen over all steps.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct RolloutGuard {
    #[schema(value_type = serde_json::Value)]
    guard: Guard,
    /// Payments with it, and those of which it is known.
    candidate: u64,
    candidate_of: u64,
    others: u64,
    others_of: u64,
    /// That the candidate has more of it; it is taken back at `evidence.stops_at`.
    worse: f64,
}

/// A change of stage.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct RolloutTurn {
    at: String,
    from: String,
    to: String,
    /// Why it ended; null where it goes on.
    reason: Option<String>,
}

/// `GET /v1/policy/rollout`.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Rollout {
    /// Its name.
    pub id: String,
    /// `same` (A/A: the incumbent routes both halves), `step`, `whole` (all but the hold-out) or `stopped`
    pub stage: &'static str,
    /// Which step, from 1.
    pub step: Option<usize>,
    /// Share of payments that the candidate routes now.
    pub share: f64,
    /// Why it ended: `sample_ratio`, `not_the_same`, `harm`, `guard`, `inconclusive`, `unheard`, `person`, `kill_switch`, `gateway`, `adopted`
    pub stopped: Option<&'static str>,
    /// The same in words.
    pub reason: Option<String>,
    started_by: String,
    started_at: String,
    ended_at: Option<String>,
    /// Until then the data plane follows it without hearing more from the engine.
    leased_until: Option<String>,
    policy: TriedPolicy,
    plan: RolloutPlan,
    groups: Vec<RolloutGroup>,
    uplift: Option<Uplift>,
    evidence: RolloutEvidence,
    guards: Vec<RolloutGuard>,
    turns: Vec<RolloutTurn>,
}

impl Rollout {
    /// As it stands.
    pub fn new(from: &RolledOut) -> Self {
        let report: Report = from.rollout.report();
        let is_live = from.rollout.is_candidate_live();
        let ended = from.turns.last().filter(|_| !from.rollout.is_under_way());
        let why = why(&report.stage);
        let against =
            if report.stage == Stage::Whole { "hold_out" } else { "incumbent_and_hold_out" };
        let Routing { learning, exploration, gateways, .. } = from.routing.clone();
        Self {
            id: from.id(),
            stage: word(&report.stage),
            step: match report.stage {
                Stage::Step(at) => Some(at + 1),
                Stage::Same | Stage::Whole | Stage::Stopped(_) => None,
            },
            share: if is_live { report.share } else { 0.0 },
            stopped: why.as_ref().map(|(word, _)| *word),
            reason: why.map(|(_, text)| text),
            started_by: from.by.clone(),
            started_at: rfc3339(from.began_at),
            ended_at: ended.map(|turn| rfc3339(turn.at)),
            leased_until: from.rollout.is_under_way().then(|| rfc3339(from.leased_until)),
            policy: TriedPolicy { learning, exploration, gateways },
            plan: plan(from.rollout.plan()),
            groups: report.groups.iter().map(group).collect(),
            uplift: report.uplift.map(|value| {
                let (low, high) = report.uplift_interval;
                Uplift { against, value, low, high }
            }),
            evidence: RolloutEvidence {
                better: number(report.ln_better),
                worse: number(report.ln_worse),
                sample_ratio: number(report.ln_ratio),
                unheard: number(report.ln_unheard),
                promotes_at: number(report.ln_promotes),
                stops_at: number(report.ln_stops),
            },
            guards: report.guards.into_iter().map(guard).collect(),
            turns: from.turns.iter().map(turned).collect(),
        }
    }
}

/// What the audit log says of a change of stage.
pub fn turned(turn: &Turn) -> RolloutTurn {
    RolloutTurn {
        at: rfc3339(turn.at),
        from: name(&turn.from),
        to: name(&turn.to),
        reason: why(&turn.to).map(|(_, text)| text),
    }
}

fn word(stage: &Stage) -> &'static str {
    match stage {
        Stage::Same => "same",
        Stage::Step(_) => "step",
        Stage::Whole => "whole",
        Stage::Stopped(_) => "stopped",
    }
}

fn name(stage: &Stage) -> String {
    match stage {
        Stage::Step(at) => format!("step {}", at + 1),
        other => word(other).into(),
    }
}

fn why(stage: &Stage) -> Option<(&'static str, String)> {
    match stage {
        Stage::Stopped(stop) => Some(ended(stop)),
        Stage::Same | Stage::Step(_) | Stage::Whole => None,
    }
}

/// Why it ended: the word on the wire, and in words.
pub fn ended(stop: &Stop) -> (&'static str, String) {
    match stop {
        Stop::SampleRatio => {
            ("sample_ratio", "groups don't have the sizes that the split gives them".into())
        }
        Stop::NotTheSame => (
            "not_the_same",
            "the halves of the A/A stage differ, and both were routed alike".into(),
        ),
        Stop::Harm => ("harm", "the candidate has fewer successes".into()),
        Stop::Guard(guard) => ("guard", format!("the candidate has more payments {}", of(guard))),
        Stop::Inconclusive => {
            ("inconclusive", "a step had its payments and showed no difference".into())
        }
        Stop::Unheard => ("unheard", "outcomes are not heard, or not of all groups alike".into()),
        Stop::Person(who) => ("person", format!("rolled back by {who}")),
        Stop::KillSwitch => ("kill_switch", "the kill switch was engaged".into()),
        Stop::Gateway(name) => (
            "gateway",
            format!("the candidate sends payments to {name}, which is configured no more"),
        ),
        Stop::Adopted => ("adopted", "the configuration is equal to the candidate".into()),
    }
}

/// What a guard watches, in words.
pub fn of(guard: &Guard) -> String {
    match guard {
        Guard::SlowerThanMs(ms) => format!("slower than {ms} ms"),
        Guard::DearerThanBps(bps) => format!("dearer than {bps} hundredths of a percent"),
        Guard::FraudDeclined => "declined on suspicion of fraud".into(),
    }
}

fn number(ln: f64) -> f64 {
    ln.min(LN_MAX).exp()
}

fn plan(plan: &Plan) -> RolloutPlan {
    let Plan { same_payments, steps, hold_out, step_payments_min, step_payments_max, .. } = plan;
    RolloutPlan {
        same_payments: *same_payments,
        steps: steps.clone(),
        hold_out: *hold_out,
        step_payments_min: *step_payments_min,
        step_payments_max: *step_payments_max,
        alpha: plan.alpha,
        maturity_ms: plan.maturity_ms,
        guards: plan.guards.clone(),
    }
}

fn group(from: &GroupReport) -> RolloutGroup {
    RolloutGroup {
        group: from.group,
        share: from.share,
        payments: from.payments,
        approved: from.approved,
        unheard: from.unheard,
        success_rate: from.rate,
        low: from.interval.0,
        high: from.interval.1,
    }
}

fn guard(from: GuardReport) -> RolloutGuard {
    let [(others, others_of), (candidate, candidate_of)] = from.bad;
    RolloutGuard {
        guard: from.guard,
        candidate,
        candidate_of,
        others,
        others_of,
        worse: number(from.ln_worse),
    }
}
