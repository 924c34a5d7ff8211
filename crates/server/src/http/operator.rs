//! What the operator obeys, remembers and may: policy, memory, settings.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use engine::Input;
use pilot::{Command, Limits, Mode, Modes};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ask::Body;
use super::command::tell;
use super::pending;
use super::problem::Problem;
use super::who::{Principal, Role};
use crate::serve::App;
use crate::serve::writer::Audit;
use crate::wire;

fn tagged<T: Serialize>(value: &T, tag: &str) -> Response {
    let mut response = Json(value).into_response();
    if let Ok(tag) = HeaderValue::from_str(tag) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

/// The allocation in force
#[utoipa::path(
    get, path = "/v1/policy", tag = "policy",
    params(("If-None-Match" = Option<String>, Header)),
    responses((status = 200, body = wire::Policy), (status = 304, description = "it is still that one"))
)]
pub async fn policy(
    State(app): State<Arc<App>>,
    who: Principal,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    who.needs(Role::Viewer)?;
    let policy = wire::Policy::new(&app.plane.policy.load().incumbent);
    let tag = policy.tag();
    let known = headers.get(header::IF_NONE_MATCH).and_then(|v| v.to_str().ok());
    if known.is_some_and(|known| known.split(',').any(|known| known.trim() == tag)) {
        return Ok(StatusCode::NOT_MODIFIED.into_response());
    }
    Ok(tagged(&policy, &tag))
}

/// What was learnt: beliefs and lessons
#[utoipa::path(get, path = "/v1/memory", tag = "memory", responses((status = 200, body = wire::Memory)))]
pub async fn memory(
    State(app): State<Arc<App>>,
    who: Principal,
) -> Result<Json<wire::Memory>, Problem> {
    who.needs(Role::Viewer)?;
    remembered(&app).await.map(Json)
}

/// What was learnt so far.
pub async fn remembered(app: &App) -> Result<wire::Memory, Problem> {
    let memory = app.engine.ask(|core| core.engine.pilot().memory()).await;
    Ok(wire::Memory::new(&memory.ok_or_else(Problem::stopping)?))
}

/// Modes and guardrails in force.
#[derive(Debug, Serialize, ToSchema)]
pub struct Settings {
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    modes: Modes,
    /// Times in milliseconds; docs/reference/operator.md explains each.
    #[schema(value_type = serde_json::Value)]
    guardrails: Limits,
}

impl Settings {
    /// Names this state of them.
    pub fn tag(&self) -> String {
        let text = serde_json::to_string(self).unwrap_or_default();
        format!("\"{}\"", &super::who::hash(&text)[..16])
    }
}

/// As they are.
pub async fn now(app: &App) -> Result<Settings, Problem> {
    let settings = app.engine.ask(|core| core.engine.pilot().settings().clone()).await;
    let settings = settings.ok_or_else(Problem::stopping)?;
    Ok(Settings { modes: settings.modes, guardrails: settings.limits })
}

/// Modes and guardrails
#[utoipa::path(get, path = "/v1/settings", tag = "settings", responses((status = 200, body = Settings)))]
pub async fn settings(State(app): State<Arc<App>>, who: Principal) -> Result<Response, Problem> {
    who.needs(Role::Viewer)?;
    let settings = now(&app).await?;
    Ok(tagged(&settings, &settings.tag()))
}

/// What is to change; what isn't named stays.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Change {
    #[serde(default)]
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    modes: serde_json::Map<String, serde_json::Value>,
    #[serde(default)]
    #[schema(value_type = serde_json::Value)]
    guardrails: serde_json::Map<String, serde_json::Value>,
}

/// Change modes and guardrails
///
/// `If-Match` is needed. What gives the operator more freedom takes two people where `safety.four_eyes` is on: the answer is 202, and another person
/// agrees by `POST /v1/settings/pending/{id}/confirm`, or by asking for the same. Where people can't be told apart it is refused.
#[utoipa::path(
    patch, path = "/v1/settings", tag = "settings", request_body = Change,
    params(("If-Match" = String, Header)),
    responses(
        (status = 200, body = Settings),
        (status = 202, body = pending::Pending, description = "another person has to agree"),
        (status = 412, body = Problem, content_type = "application/problem+json"),
        (status = 428, body = Problem, content_type = "application/problem+json"),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn change(
    State(app): State<Arc<App>>,
    who: Principal,
    headers: HeaderMap,
    Body(change): Body<Change>,
) -> Result<Response, Problem> {
    who.needs(Role::Admin)?;
    let _one = app.people.changing.lock().await;
    let before = now(&app).await?;
    match headers.get(header::IF_MATCH).and_then(|v| v.to_str().ok()) {
        None => {
            let detail = "If-Match is needed; GET /v1/settings gives the ETag";
            return Err(Problem::new(StatusCode::PRECONDITION_REQUIRED, "if_match_needed", detail));
        }
        Some(tag) if tag != "*" && tag != before.tag() => {
            let detail = "the settings have changed since; read them again";
            return Err(Problem::new(StatusCode::PRECONDITION_FAILED, "changed", detail));
        }
        Some(_) => {}
    }
    let after = before.with(&change)?;
    let wider = wider(&before, &after.modes, &after.guardrails);
    if app.settings.load().four_eyes() && !wider.is_empty() {
        return pending::ask(&app, &who, &before, change, wider).await;
    }
    apply(&app, &who, &before, after, None).await
}

impl Settings {
    /// As they would be with this change.
    pub fn with(&self, change: &Change) -> Result<Self, Problem> {
        let modes: Modes = merged("modes", &self.modes, &change.modes)?;
        let guardrails: Limits = merged("guardrails", &self.guardrails, &change.guardrails)?;
        guardrails.check().map_err(|e| Problem::impossible("invalid", e.to_string()))?;
        Ok(Self { modes, guardrails })
    }
}

/// Tells the engine what differs; `asked_by` is the first of two.
pub async fn apply(
    app: &App,
    who: &Principal,
    before: &Settings,
    after: Settings,
    asked_by: Option<&str>,
) -> Result<Response, Problem> {
    let mut commands = Vec::new();
    if after.modes != before.modes {
        commands.push(Command::SetModes(after.modes));
    }
    if after.guardrails != before.guardrails {
        commands.push(Command::SetLimits(after.guardrails));
    }
    for command in commands {
        let mut detail = serde_json::to_value(&command).unwrap_or_default();
        if let Some(first) = asked_by {
            detail = serde_json::json!({ "command": detail, "asked_by": first });
        }
        let (actor, detail) = (who.name.clone(), detail.to_string());
        let audit = Audit { actor, action: "change", object: "settings".into(), detail };
        let input = Input::Command { at: app.clock.now(), command: Box::new(command) };
        tell(app, input, audit, None).await?;
    }
    let after = now(app).await?;
    Ok(tagged(&after, &after.tag()))
}

/// A value with some of its members replaced; names that it doesn't have are errors.
fn merged<T: Serialize + for<'de> Deserialize<'de>>(
    what: &str,
    before: &T,
    change: &serde_json::Map<String, serde_json::Value>,
) -> Result<T, Problem> {
    let mut value = serde_json::to_value(before).unwrap_or_default();
    for (name, wanted) in change {
        match value.get_mut(name) {
            Some(place) => *place = wanted.clone(),
            None => {
                let name = payments::excerpt(name);
                return Err(Problem::malformed(format!("{what}: there is no {name}")));
            }
        }
    }
    serde_json::from_value(value).map_err(|e| {
        Problem::impossible("invalid", format!("{what}: {}", payments::excerpt(&e.to_string())))
    })
}

/// What of a change gives the operator more freedom.
fn wider(before: &Settings, modes: &Modes, limits: &Limits) -> Vec<&'static str> {
    let freedom = |mode: Mode| match mode {
        Mode::Shadow => 0,
        Mode::Advise => 1,
        Mode::Approve => 2,
        Mode::Auto => 3,
    };
    let (was, b) = (&before.modes, &before.guardrails);
    // Telling a person is no freedom.
    let checks = [
        ("modes.reroute", freedom(modes.reroute) > freedom(was.reroute)),
        ("modes.adjust_retry", freedom(modes.adjust_retry) > freedom(was.adjust_retry)),
        ("modes.suppress_path", freedom(modes.suppress_path) > freedom(was.suppress_path)),
        ("guardrails", *limits != *b && !is_narrower(b, limits)),
    ];
    checks.into_iter().filter(|(_, is)| *is).map(|(name, _)| name).collect()
}

/// Whether nothing that counts is wider; changes of other members count as wider, to be safe.
fn is_narrower(before: &Limits, after: &Limits) -> bool {
    let only_these = Limits {
        confidence_min: after.confidence_min,
        shift_share_max: after.shift_share_max,
        cooldown_ms: after.cooldown_ms,
        ttl_ms: after.ttl_ms,
        ttl_max_ms: after.ttl_max_ms,
        actions_per_hour_max: after.actions_per_hour_max,
        actions_per_day_max: after.actions_per_day_max,
        flips_per_hour_max: after.flips_per_hour_max,
        failed_fixes_max: after.failed_fixes_max,
        suspect_share_max: after.suspect_share_max,
        ..before.clone()
    };
    only_these == *after
        && after.confidence_min >= before.confidence_min
        && after.shift_share_max <= before.shift_share_max
        && after.cooldown_ms >= before.cooldown_ms
        && after.ttl_ms <= before.ttl_ms
        && after.ttl_max_ms <= before.ttl_max_ms
        && after.actions_per_hour_max <= before.actions_per_hour_max
        && after.actions_per_day_max <= before.actions_per_day_max
        && after.flips_per_hour_max <= before.flips_per_hour_max
        && after.failed_fixes_max <= before.failed_fixes_max
        && after.suspect_share_max <= before.suspect_share_max
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_freedom_is_told_from_less() {
        let before = Settings { modes: Modes::ADVISE, guardrails: Limits::default() };
        let same = || Limits::default();
        assert!(wider(&before, &Modes::ADVISE, &same()).is_empty());
        let auto = Modes { reroute: Mode::Auto, ..Modes::ADVISE };
        assert_eq!(wider(&before, &auto, &same()), ["modes.reroute"]);
        let shadow = Modes { reroute: Mode::Shadow, ..Modes::ADVISE };
        assert!(wider(&before, &shadow, &same()).is_empty());
        let tighter = Limits { shift_share_max: 0.1, confidence_min: 0.9, ..same() };
        assert!(wider(&before, &Modes::ADVISE, &tighter).is_empty());
        for looser in [
            Limits { shift_share_max: 0.6, ..same() },
            Limits { confidence_min: 0.7, ..same() },
            Limits { harm_e: 100.0, ..same() },
        ] {
            assert_eq!(wider(&before, &Modes::ADVISE, &looser), ["guardrails"]);
        }
    }

    #[test]
    fn a_name_that_is_not_there_is_an_error() {
        let change = serde_json::json!({"confidence": 0.9});
        let change = change.as_object().unwrap();
        assert!(merged("guardrails", &Limits::default(), change).is_err());
    }
}
