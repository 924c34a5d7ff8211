//! What people tell the operator: approvals, rejections, rollbacks, the kill switch, settings, the event clock.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use engine::Input;
use payments::Timestamp;
use pilot::Command;
use serde::{Deserialize, Serialize};
use store::{KillSwitch, Kind};
use tokio::sync::oneshot;
use utoipa::ToSchema;

use super::ask::Body;
use super::problem::Problem;
use super::route::json;
use super::who::{self, Principal, Role};
use crate::config::ClockSource;
use crate::serve::App;
use crate::serve::clock::wall;
use crate::serve::driver::Order;
use crate::serve::kill::{self, Clearing};
use crate::serve::writer::{Ask, Audit, Fault};
use crate::wire;

/// Binds an approval to what was read.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// `plan_hash` of the intervention as it was shown.
    plan_hash: String,
}

/// Why.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Why {
    /// 1 to 500 characters.
    #[serde(default)]
    reason: String,
}

impl Why {
    /// In words.
    pub fn text(self, otherwise: &str) -> Result<String, Problem> {
        if self.reason.chars().count() > 500 || payments::holds_pan(&self.reason) {
            let detail = "reason: at most 500 characters, and no card number";
            return Err(Problem::impossible("invalid", detail));
        }
        Ok(if self.reason.is_empty() { otherwise.to_owned() } else { self.reason })
    }
}

/// Tells the engine, and waits until it has done it and that is stored.
pub async fn tell(
    app: &App,
    input: Input,
    audit: Audit,
    switch: Option<KillSwitch>,
) -> Result<(), Problem> {
    let (reply, answer) = oneshot::channel();
    let ask = Ask::Tell { input: Box::new(input), audit: Some(audit), switch, reply };
    app.asks.send(ask).await.map_err(|_| Problem::stopping())?;
    answer.await.unwrap_or(Err(Fault::Stopping)).map_err(Into::into)
}

async fn on_intervention(
    app: &App,
    who: &Principal,
    id: &str,
    action: &'static str,
    command: Command,
    wanted: &str,
) -> Result<Response, Problem> {
    let object = app.store.object(Kind::Intervention, id).await?;
    let object = object.ok_or_else(|| Problem::not_found("intervention", id))?;
    if object.status == "expired" && action == "approve" {
        let detail = format!("{id} has expired; a new proposal follows if it is still needed");
        return Err(Problem::new(StatusCode::GONE, "expired", detail));
    }
    if object.status != wanted {
        let detail = format!("{id} is {}; only one that is {wanted} can be told so", object.status);
        return Err(Problem::conflict(detail));
    }
    let detail = serde_json::to_string(&command).unwrap_or_default();
    let audit = Audit { actor: who.name.clone(), action, object: id.to_owned(), detail };
    let input = Input::Command { at: app.clock.now(), command: Box::new(command) };
    tell(app, input, audit, None).await?;
    let object = app.store.object(Kind::Intervention, id).await?;
    Ok(json(object.ok_or_else(|| Problem::not_found("intervention", id))?.body))
}

/// Approve a plan
///
/// The approval is bound to the plan's hash; it begins with the next cycle, on the situation of that moment.
#[utoipa::path(
    post, path = "/v1/interventions/{id}/approve", tag = "interventions", params(("id" = String, Path)),
    request_body = Approval,
    responses(
        (status = 200, body = wire::Intervention),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "another plan, or another state"),
        (status = 410, body = Problem, content_type = "application/problem+json"),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn approve(
    State(app): State<Arc<App>>,
    who: Principal,
    Path(id): Path<String>,
    Body(Approval { plan_hash }): Body<Approval>,
) -> Result<Response, Problem> {
    who.needs(Role::Approver)?;
    let (intervention_id, by) = (id.clone(), who.name.clone());
    let command = Command::Approve { intervention_id, plan_hash, by };
    on_intervention(&app, &who, &id, "approve", command, "pending").await
}

/// Reject a plan
#[utoipa::path(
    post, path = "/v1/interventions/{id}/reject", tag = "interventions", params(("id" = String, Path)),
    request_body = Why,
    responses(
        (status = 200, body = wire::Intervention),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn reject(
    State(app): State<Arc<App>>,
    who: Principal,
    Path(id): Path<String>,
    Body(why): Body<Why>,
) -> Result<Response, Problem> {
    who.needs(Role::Approver)?;
    let reason = why.text("no reason given")?;
    let (intervention_id, by) = (id.clone(), who.name.clone());
    let command = Command::Reject { intervention_id, reason, by };
    on_intervention(&app, &who, &id, "reject", command, "pending").await
}

/// Take an intervention back at once
#[utoipa::path(
    post, path = "/v1/interventions/{id}/rollback", tag = "interventions", params(("id" = String, Path)),
    request_body = Why,
    responses(
        (status = 200, body = wire::Intervention),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn roll_back(
    State(app): State<Arc<App>>,
    who: Principal,
    Path(id): Path<String>,
    Body(why): Body<Why>,
) -> Result<Response, Problem> {
    who.needs(Role::Operator)?;
    let reason = why.text("no reason given")?;
    let (intervention_id, by) = (id.clone(), who.name.clone());
    let command = Command::RollBack { intervention_id, reason, by };
    on_intervention(&app, &who, &id, "rollback", command, "active").await
}

/// Engage or clear.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Switch {
    engaged: bool,
    #[serde(default)]
    reason: String,
}

async fn stored_switch(app: &App) -> KillSwitch {
    let mut switch = match app.store.kill_switch().await {
        Ok(switch) => switch,
        Err(error) => kill::unreadable(&error),
    };
    // The latch is what the data plane obeys.
    switch.engaged |= app.is_killed();
    switch
}

/// The kill switch
#[utoipa::path(get, path = "/v1/kill-switch", tag = "safety", responses((status = 200, body = kill::Told)))]
pub async fn kill_switch(
    State(app): State<Arc<App>>,
    who: Principal,
) -> Result<Json<kill::Told>, Problem> {
    who.needs(Role::Viewer)?;
    Ok(Json(kill::Told::new(&stored_switch(&app).await)))
}

/// Engage or clear the kill switch
///
/// Engaging acts at once, the store up or down. Clearing takes two people: the first answer is 202, another person's 200.
#[utoipa::path(
    post, path = "/v1/kill-switch", tag = "safety", request_body = Switch,
    responses(
        (status = 200, body = kill::Told),
        (status = 202, body = kill::Told, description = "another person has to agree"),
        (status = 403, body = Problem, content_type = "application/problem+json"),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn set_kill_switch(
    State(app): State<Arc<App>>,
    who: Principal,
    Body(Switch { engaged, reason }): Body<Switch>,
) -> Result<Response, Problem> {
    let reason = Why { reason }.text("no reason given")?;
    if engaged {
        who.needs(Role::Operator)?;
        return engage(&app, &who, reason).await;
    }
    who.needs(Role::Approver)?;
    let four_eyes = app.settings.load().four_eyes();
    if matches!(who.kind, who::Kind::Key { .. }) {
        return Err(Problem::forbidden("a key never clears the kill switch; two people do"));
    }
    if four_eyes && !who.is_person() {
        return Err(Problem::forbidden(
            "clearing takes two people, and without authentication nobody is told apart; set safety.four_eyes = false if one is enough",
        ));
    }
    // Whoever engages it meanwhile comes after, and has the last word.
    let _one = app.people.switching.lock().await;
    let now = wall();
    let switch = stored_switch(&app).await;
    match kill::clear(&switch, &who.name, four_eyes, now) {
        Clearing::NotEngaged => Ok(Json(kill::Told::new(&switch)).into_response()),
        Clearing::SamePerson => {
            Err(Problem::forbidden("another person has to agree to clear the kill switch"))
        }
        Clearing::Requested(asked) => {
            let mut work = app.store.begin().await?;
            work.set_kill_switch(&asked).await?;
            work.append_audit(now, &who.name, "request_clear", "kill_switch", "{}").await?;
            work.commit().await?;
            Ok((StatusCode::ACCEPTED, Json(kill::Told::new(&asked))).into_response())
        }
        Clearing::Cleared(cleared) => {
            let command = Command::KillSwitch { engaged: false, reason, by: who.name.clone() };
            say(&app, &who, "clear", command, cleared.clone()).await?;
            app.plane.latch.store(false, Ordering::Release);
            app.engine.tell(Order::Publish).await;
            Ok(Json(kill::Told::new(&cleared)).into_response())
        }
    }
}

async fn engage(app: &App, who: &Principal, reason: String) -> Result<Response, Problem> {
    // First what acts, then what is written down.
    app.plane.latch.store(true, Ordering::Release);
    app.engine.tell(Order::Publish).await;
    // Somebody who was clearing it may have finished since.
    let _one = app.people.switching.lock().await;
    app.plane.latch.store(true, Ordering::Release);
    app.engine.tell(Order::Publish).await;
    let switch = KillSwitch {
        engaged: true,
        reason: reason.clone(),
        by: who.name.clone(),
        at_ms: wall().as_millis(),
        clear_requested: None,
    };
    let command = Command::KillSwitch { engaged: true, reason, by: who.name.clone() };
    say(app, who, "engage", command, switch.clone()).await?;
    Ok(Json(kill::Told::new(&switch)).into_response())
}

async fn say(
    app: &App,
    who: &Principal,
    action: &'static str,
    command: Command,
    switch: KillSwitch,
) -> Result<(), Problem> {
    let detail = serde_json::to_string(&command).unwrap_or_default();
    let audit = Audit { actor: who.name.clone(), action, object: "kill_switch".into(), detail };
    let input = Input::Command { at: app.clock.now(), command: Box::new(command) };
    tell(app, input, audit, Some(switch)).await
}

/// Where to.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Advance {
    /// RFC 3339
    advance_to: String,
}

/// Where the clock stands.
#[derive(Debug, Serialize, ToSchema)]
pub struct ClockTold {
    /// `event`
    source: &'static str,
    /// What drives the timers now.
    now: String,
}

/// Advance the event clock
///
/// Fires timers without events; never back.
#[utoipa::path(
    post, path = "/v1/clock", tag = "clock", request_body = Advance,
    responses(
        (status = 200, body = ClockTold),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "the clock is this machine's"),
        (status = 422, body = Problem, content_type = "application/problem+json", description = "a step beyond clock.step_max"),
    )
)]
pub async fn advance(
    State(app): State<Arc<App>>,
    who: Principal,
    Body(Advance { advance_to }): Body<Advance>,
) -> Result<Json<ClockTold>, Problem> {
    if who.needs_scope("events").is_err() {
        who.needs(Role::Operator)?;
    }
    if app.clock.source() == ClockSource::Wall {
        return Err(Problem::conflict(
            "clock.source is wall: this machine's clock drives the timers",
        ));
    }
    let to = Timestamp::parse(&advance_to).map_err(|e| {
        Problem::impossible(
            "invalid",
            format!("advance_to {}: {e}", payments::excerpt(&advance_to)),
        )
    })?;
    match app.clock.latest() {
        None => {
            let detail = "no event has come yet: there is no time to advance from";
            return Err(Problem::conflict(detail));
        }
        Some(latest) if to > app.clock.future_after(latest) => {
            let allowed = app.clock.future_allowed();
            return Err(Problem::impossible(
                "invalid",
                format!("advance_to {to}: allowed is {allowed}"),
            ));
        }
        Some(_) => {}
    }
    let audit = Audit {
        actor: who.name.clone(),
        action: "advance",
        object: "clock".into(),
        detail: format!("{{\"advance_to\":\"{to}\"}}"),
    };
    tell(&app, Input::Advance(to), audit, None).await?;
    Ok(Json(ClockTold { source: "event", now: wire::rfc3339(app.clock.now()) }))
}
