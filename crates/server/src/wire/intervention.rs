//! An intervention on the wire.

use pilot::{Action, Direction, Guardrail, State};
use serde::Serialize;
use utoipa::ToSchema;

use super::rfc3339;

/// A gateway and its part of what is moved.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Share {
    gateway: String,
    share: f64,
}

impl Share {
    /// From the pilot's.
    pub fn of(targets: &[pilot::Target]) -> Vec<Self> {
        let share = |to: &pilot::Target| Self { gateway: to.gateway.clone(), share: to.share };
        targets.iter().map(share).collect()
    }
}

/// A guardrail that holds, and why.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Held {
    #[schema(value_type = String)]
    guardrail: Guardrail,
    detail: String,
}

impl Held {
    /// From the pilot's.
    pub fn of(held: &[pilot::Held]) -> Vec<Self> {
        let one =
            |held: &pilot::Held| Self { guardrail: held.guardrail, detail: held.detail.clone() };
        held.iter().map(one).collect()
    }
}

/// How retries are to be made.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct Retry {
    attempts_max: u32,
    delay_s_min: u32,
}

/// One side of an intervention.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Arm {
    #[schema(value_type = String)]
    name: routing::Arm,
    gateway: Option<String>,
    attempts: u64,
    successes: u64,
    pending: u64,
    rate_low: f64,
    rate_high: f64,
    e_harm: f64,
    e_benefit: f64,
}

impl Arm {
    /// From the pilot's reports.
    pub fn of(arms: &[pilot::ArmReport]) -> Vec<Self> {
        let arm = |arm: &pilot::ArmReport| Self {
            name: arm.name,
            gateway: arm.gateway.clone(),
            attempts: arm.attempts,
            successes: arm.successes,
            pending: arm.pending,
            rate_low: arm.rate_interval.0,
            rate_high: arm.rate_interval.1,
            e_harm: arm.e_harm,
            e_benefit: arm.e_benefit,
        };
        arms.iter().map(arm).collect()
    }
}

/// `GET /v1/interventions`, one row.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Intervention {
    id: String,
    incident_id: String,
    #[schema(value_type = String)]
    action: Action,
    #[schema(value_type = BTreeMap<String, String>)]
    slice: analyst::Slice,
    from: Option<String>,
    to: Vec<Share>,
    retry: Option<Retry>,
    /// Share of the slice that is moved now.
    stage: f64,
    #[schema(value_type = String)]
    direction: Direction,
    #[schema(value_type = String)]
    state: State,
    plan_hash: String,
    /// `pilot`, or the person who approved.
    authority: String,
    created_at: String,
    started_at: Option<String>,
    expires_at: String,
    ended_at: Option<String>,
    arms: Vec<Arm>,
    held: Vec<Held>,
    experiment_id: Option<String>,
    reason: String,
}

impl Intervention {
    /// As it stands.
    pub fn new(from: &pilot::Intervention) -> Self {
        Self {
            id: from.id.clone(),
            incident_id: from.incident_id.clone(),
            action: from.action,
            slice: from.slice.clone(),
            from: from.from.clone(),
            to: Share::of(&from.to),
            retry: from.retry.map(|retry| Retry {
                attempts_max: retry.attempts_max,
                delay_s_min: retry.delay_s_min,
            }),
            stage: from.stage,
            direction: from.direction,
            state: from.state,
            plan_hash: from.plan_hash.clone(),
            authority: match &from.authority {
                pilot::Authority::Pilot => "pilot".into(),
                pilot::Authority::Person(name) => name.clone(),
            },
            created_at: rfc3339(from.created_at),
            started_at: from.started_at.map(rfc3339),
            expires_at: rfc3339(from.expires_at),
            ended_at: from.ended_at.map(rfc3339),
            arms: Arm::of(&from.arms),
            held: Held::of(&from.held),
            experiment_id: from.experiment_id.clone(),
            reason: from.reason.clone(),
        }
    }
}
