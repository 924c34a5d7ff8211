//! Roll-outs of a routing policy: begin, look, take back.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use engine::{Input, RolloutOrder, Routing};
use pilot::rollout::{Guard, Plan};
use routing::{Learning, Policy};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::{IntoResponses, ToSchema};

use super::ask::Body;
use super::command::{Why, tell};
use super::problem::Problem;
use super::who::{Principal, Role};
use crate::config;
use crate::serve::App;
use crate::serve::driver::Order;
use crate::serve::writer::Audit;
use crate::wire;

/// What is wrong with a policy is said so often at most.
const WRONG_MAX: usize = 10;

/// How a policy is rolled out; what isn't named is as usual.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PlanAsked {
    /// Payments of the A/A stage, whose halves the incumbent routes; 10,000.
    same_payments: Option<u64>,
    /// The candidate's share, step by step; 0.01, 0.05, 0.2, 0.5. After the last one it has all but the hold-out.
    steps: Option<Vec<f64>>,
    /// Share that stays with the incumbent for good; 0.02.
    hold_out: Option<f64>,
    /// Outcomes of the candidate that a step needs at least; 200.
    step_payments_min: Option<u64>,
    /// A step that has shown nothing after so many outcomes is taken back; 5,000,000.
    step_payments_max: Option<u64>,
    /// Probability that a candidate that isn't worse is ever stopped, or one that isn't better promoted; 0.05.
    alpha: Option<f64>,
    /// A payment is judged so long after its choice; what is pending then has failed; 60,000.
    maturity_ms: Option<i64>,
    /// What mustn't become more frequent: `"fraud_declined"` (the only one if none is given), `{"slower_than_ms": 2000}`, `{"dearer_than_bps": 250}`.
    #[schema(value_type = Option<Vec<serde_json::Value>>)]
    guards: Option<Vec<Guard>>,
}

impl PlanAsked {
    fn plan(self, salt: u64) -> Plan {
        let usual = Plan::default();
        Plan {
            salt,
            same_payments: self.same_payments.unwrap_or(usual.same_payments),
            steps: self.steps.unwrap_or(usual.steps),
            hold_out: self.hold_out.unwrap_or(usual.hold_out),
            step_payments_min: self.step_payments_min.unwrap_or(usual.step_payments_min),
            step_payments_max: self.step_payments_max.unwrap_or(usual.step_payments_max),
            alpha: self.alpha.unwrap_or(usual.alpha),
            maturity_ms: self.maturity_ms.unwrap_or(usual.maturity_ms),
            guards: self.guards.unwrap_or(usual.guards),
        }
    }
}

/// A policy to roll out: the keys of a policy file.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Candidate {
    /// `[routing]`; `seed` doesn't count, draws are keyed by the server's.
    #[schema(value_type = serde_json::Value)]
    routing: Map<String, Value>,
    /// `[[gateways]]`; none: those that are configured.
    #[schema(value_type = Vec<serde_json::Value>)]
    gateways: Vec<Value>,
    /// How.
    plan: PlanAsked,
}

async fn now(app: &App) -> Result<Option<wire::Rollout>, Problem> {
    let rollout = app.engine.ask(|core| core.engine.rollout().map(wire::Rollout::new)).await;
    rollout.ok_or_else(Problem::stopping)
}

async fn known(app: &App) -> Result<wire::Rollout, Problem> {
    now(app).await?.ok_or_else(|| {
        let detail = "no policy was rolled out here yet";
        Problem::new(StatusCode::NOT_FOUND, "not_found", detail)
    })
}

/// Roll a policy out
///
/// First both halves are routed by the configured policy (A/A); then the candidate's share grows, step by step, only on evidence that it is better, and it is taken back by
/// itself where it does harm. One at a time.
#[utoipa::path(
    post, path = "/v1/policy/rollout", tag = "policy", request_body = Candidate,
    responses(
        (status = 201, body = wire::Rollout),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "one is under way, or the kill switch is engaged"),
        (status = 422, body = Problem, content_type = "application/problem+json", description = "a policy or a plan that can't be, or `unknown_gateway`"),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn promote(
    State(app): State<Arc<App>>,
    who: Principal,
    Body(asked): Body<Candidate>,
) -> Result<Response, Problem> {
    who.needs(Role::Admin)?;
    let detail = serde_json::to_string(&asked).unwrap_or_default();
    if payments::holds_pan(&detail) {
        return Err(Problem::impossible("card_number", "the policy holds a card number"));
    }
    let Candidate { routing, gateways, plan } = asked;
    let mut keys = Map::from_iter([("routing".to_owned(), Value::Object(routing))]);
    if !gateways.is_empty() {
        keys.insert("gateways".into(), Value::Array(gateways));
    }
    let candidate = config::policy(&Value::Object(keys)).map_err(|wrong| {
        let said = wrong.iter().take(WRONG_MAX).map(|w| w.to_string().chars().take(300).collect());
        Problem::impossible("invalid", said.collect::<Vec<String>>().join("; "))
    })?;
    {
        let in_force = app.plane.policy.load();
        is_at_home(&candidate, &in_force.incumbent)?;
    }
    let plan = plan.plan(crate::serve::random());
    plan.check().map_err(|wrong| Problem::impossible("invalid", format!("plan.{wrong}")))?;
    if app.is_killed() {
        return Err(Problem::conflict(
            "the kill switch is engaged: nothing new is tried until it is cleared",
        ));
    }
    if let Some(rollout) = now(&app).await?.filter(|rollout| rollout.stopped.is_none()) {
        let id = rollout.id;
        return Err(Problem::conflict(format!("{id} is under way; roll it back first")));
    }
    let order = RolloutOrder::Begin { routing: Box::new(candidate), plan, by: who.name.clone() };
    let audit =
        Audit { actor: who.name.clone(), action: "promote", object: "policy".into(), detail };
    say(&app, order, audit).await?;
    Ok((StatusCode::CREATED, Json(known(&app).await?)).into_response())
}

async fn say(app: &App, order: RolloutOrder, audit: Audit) -> Result<(), Problem> {
    tell(app, Input::Rollout { at: app.clock.now(), order: Box::new(order) }, audit, None).await
}

/// Whether a policy can be followed here.
fn is_at_home(candidate: &Routing, incumbent: &Policy) -> Result<(), Problem> {
    let terms = incumbent.terms();
    let (configured, seen) = (&terms.gateways, &terms.seen);
    let is_known = |name: &String| {
        configured.iter().any(|gateway| gateway.name == *name)
            || configured.is_empty() && seen.values().any(|names| names.contains(name))
    };
    let mut names = candidate.gateways.iter().map(|gateway| &gateway.name);
    if let Some(unknown) = names.find(|name| !is_known(name)) {
        let known: Vec<&str> = if configured.is_empty() {
            seen.values().flatten().map(String::as_str).collect()
        } else {
            configured.iter().map(|gateway| gateway.name.as_str()).collect()
        };
        let known = if known.is_empty() { "none".into() } else { known.join(", ") };
        let detail = format!(
            "gateways: {} is not known here; known are {known} ([[gateways]] of the configuration; without it, those seen in 24 h)",
            payments::excerpt(unknown)
        );
        return Err(Problem::impossible("unknown_gateway", detail));
    }
    let has_none = candidate.gateways.is_empty() && configured.is_empty();
    if candidate.learning == Learning::Off && has_none {
        return Err(Problem::impossible(
            "invalid",
            "routing.learning is `off`, which sends payments to the first of the gateways, and none is listed: list them in order of preference, or let it learn",
        ));
    }
    Ok(())
}

/// The roll-out under way, or the last one
#[utoipa::path(
    get, path = "/v1/policy/rollout", tag = "policy",
    responses(
        (status = 200, body = wire::Rollout),
        (status = 404, body = Problem, content_type = "application/problem+json", description = "no policy was rolled out yet"),
    )
)]
pub async fn rollout(
    State(app): State<Arc<App>>,
    who: Principal,
) -> Result<Json<wire::Rollout>, Problem> {
    who.needs(Role::Viewer)?;
    known(&app).await.map(Json)
}

/// How taking a policy back is answered.
#[derive(IntoResponses)]
#[expect(dead_code, clippy::large_enum_variant, reason = "it describes answers, and is never made")]
enum TakenBack {
    #[response(status = 200)]
    Done(wire::Rollout),
    #[response(
        status = 404,
        content_type = "application/problem+json",
        description = "no policy was rolled out yet"
    )]
    None(Problem),
    #[response(
        status = 409,
        content_type = "application/problem+json",
        description = "none is under way"
    )]
    Ended(Problem),
    #[response(status = "4XX", content_type = "application/problem+json")]
    Refused(Problem),
}

/// Take a policy back at once
///
/// The configured policy routes everything again, whether the store is up or not; the answer is 200 once that is written down.
#[utoipa::path(
    post, path = "/v1/policy/rollout/rollback", tag = "policy", request_body = Why,
    operation_id = "roll_back_policy", responses(TakenBack)
)]
pub async fn roll_back(
    State(app): State<Arc<App>>,
    who: Principal,
    Body(why): Body<Why>,
) -> Result<Json<wire::Rollout>, Problem> {
    take_back(&app, &who, why).await
}

/// Take a policy back at once, without a reason
#[utoipa::path(
    delete,
    path = "/v1/policy/rollout",
    tag = "policy",
    operation_id = "end_rollout",
    responses(TakenBack)
)]
pub async fn end(
    State(app): State<Arc<App>>,
    who: Principal,
) -> Result<Json<wire::Rollout>, Problem> {
    take_back(&app, &who, Why::default()).await
}

async fn take_back(app: &App, who: &Principal, why: Why) -> Result<Json<wire::Rollout>, Problem> {
    who.needs(Role::Operator)?;
    let reason = why.text("no reason given")?;
    let current = app
        .engine
        .ask(|core| core.engine.rollout().map(|last| (last.number, last.rollout.is_under_way())));
    match current.await.ok_or_else(Problem::stopping)? {
        None => return known(app).await.map(Json),
        Some((_, false)) => {
            return Err(Problem::conflict("no roll-out is under way: the last one has ended"));
        }
        Some((number, true)) => {
            // First what acts, then what is written down.
            app.plane.withdrawn.fetch_max(number, Ordering::AcqRel);
            app.engine.tell(Order::Publish).await;
        }
    }
    let detail = json!({ "reason": reason }).to_string();
    let (actor, object) = (who.name.clone(), "policy".into());
    let audit = Audit { actor, action: "rollback", object, detail };
    let order = RolloutOrder::RollBack { reason, by: who.name.clone() };
    say(app, order, audit).await?;
    known(app).await.map(Json)
}
