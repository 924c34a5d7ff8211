//! Alerts and where they go: what was told, and the channels, with nothing secret in them.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::ask::{Page, PageOf, Paging, Query, raw};
use super::problem::Problem;
use super::who::{Principal, Role};
use crate::alerts::Notice;
use crate::serve::App;
use crate::serve::clock::wall;
use crate::wire::rfc3339;

/// What was told, and what became of it in each channel.
#[derive(Serialize, ToSchema)]
pub struct Alert {
    id: String,
    at: String,
    /// An incident's id, or another matter.
    about: String,
    /// `incident.opened`, `incident.raised`, `incident.acknowledged`, `incident.resolved`, `plan.waiting`, `intervention.rolled_back`, `rollout.whole`,
    /// `rollout.adopted`, `rollout.rolled_back`, `page`, `kill_switch.engaged`, `kill_switch.cleared`, `operator.blind`, `operator.sees`, `test`
    kind: String,
    /// `notice`, `firing`, `acknowledged`, `resolved`
    stage: &'static str,
    /// As it was told: `severity`, `title`, `text`, `slice`, `incident_id`, `intervention_id`
    #[schema(value_type = serde_json::Value)]
    notice: Box<RawValue>,
    deliveries: Vec<Delivery>,
}

/// An alert in one channel.
#[derive(Serialize, ToSchema)]
pub struct Delivery {
    channel: String,
    /// `waiting`, `repeating`, `delivered`, `silenced`, `given_up`, `needless`
    state: &'static str,
    /// Goes out only if nobody acknowledges before.
    escalates: bool,
    tries: i64,
    next_at: Option<String>,
    done_at: Option<String>,
    silence_id: Option<String>,
    detail: Option<String>,
}

impl From<store::Delivery> for Delivery {
    fn from(from: store::Delivery) -> Self {
        Self {
            channel: from.channel,
            state: from.state.as_str(),
            escalates: from.escalates,
            tries: from.tries,
            next_at: from.next_at.map(rfc3339),
            done_at: from.done_at.map(rfc3339),
            silence_id: from.silence_id,
            detail: from.detail,
        }
    }
}

/// What was told, newest first, and what became of it
///
/// `status` is the stage.
#[utoipa::path(
    get, path = "/v1/alerts", tag = "alerts", params(Paging),
    responses(
        (status = 200, body = PageOf<Alert>),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn alerts(
    State(app): State<Arc<App>>,
    who: Principal,
    Query(paging): Query<Paging>,
) -> Result<Json<Page>, Problem> {
    who.needs(Role::Viewer)?;
    let (wanted, limit) = paging.wanted()?;
    let rows = app.store.alerts(&wanted).await?;
    let alerts = rows.into_iter().map(|(alert, deliveries)| {
        let place = alert.place;
        let told = Alert {
            id: alert.id,
            at: rfc3339(alert.at),
            about: alert.about,
            kind: alert.kind,
            stage: alert.stage.as_str(),
            notice: raw(alert.body)?,
            deliveries: deliveries.into_iter().map(Delivery::from).collect(),
        };
        Ok((place, serde_json::to_string(&told).unwrap_or_default()))
    });
    let alerts = alerts.collect::<Result<Vec<(i64, String)>, Problem>>()?;
    Ok(Json(Page::of_placed(alerts, limit)?))
}

/// A channel. Its URL is shown up to its host, of its secrets only that they are there.
#[derive(Serialize, ToSchema)]
pub struct Channel {
    name: String,
    /// `slack`, `pagerduty`, `alertmanager`, `webhook`
    r#type: &'static str,
    url: String,
    /// Null where the channel needs none.
    secret: Option<&'static str>,
    severity_min: &'static str,
    /// Told only what nobody has acknowledged for so long.
    escalate_after_s: Option<i64>,
    /// Deliveries still to be made.
    waiting: i64,
}

/// All channels.
#[derive(Serialize, ToSchema)]
pub struct Channels {
    data: Vec<Channel>,
    next_cursor: Option<String>,
}

/// The configured channels (`channels.*`), secrets masked
#[utoipa::path(
    get, path = "/v1/channels", tag = "alerts",
    responses((status = 200, body = Channels), (status = "4XX", body = Problem, content_type = "application/problem+json"))
)]
pub async fn channels(
    State(app): State<Arc<App>>,
    who: Principal,
) -> Result<Json<Channels>, Problem> {
    who.needs(Role::Viewer)?;
    let open = app.store.open_deliveries().await?;
    let waiting =
        |name: &str| open.iter().find(|(channel, _)| channel == name).map_or(0, |(_, n)| *n);
    let shown = |channel: &crate::config::Channel| {
        let has_secret = matches!(channel.kind(), "pagerduty" | "webhook");
        Channel {
            name: channel.name.clone(),
            r#type: channel.kind(),
            url: channel.shown_url(),
            secret: has_secret.then_some("********"),
            severity_min: channel.severity_min.as_str(),
            escalate_after_s: channel.escalate_after_ms.map(|ms| ms / 1_000),
            waiting: waiting(&channel.name),
        }
    };
    let data = app.outbox.channels().iter().map(shown).collect();
    Ok(Json(Channels { data, next_cursor: None }))
}

/// A test that is on its way.
#[derive(Serialize, ToSchema)]
pub struct Tested {
    /// Of the alert; `GET /v1/alerts` says what becomes of it.
    alert_id: String,
}

/// Send a test to a channel
#[utoipa::path(
    post, path = "/v1/channels/{name}/test", tag = "alerts", params(("name" = String, Path)),
    responses(
        (status = 202, body = Tested),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn test(
    State(app): State<Arc<App>>,
    who: Principal,
    Path(name): Path<String>,
) -> Result<(StatusCode, Json<Tested>), Problem> {
    who.needs(Role::Admin)?;
    let channel = app.outbox.channels().iter().find(|channel| channel.name == name);
    let channel = channel.ok_or_else(|| Problem::not_found("channel", &name))?;
    let notice = Notice::test(&name, &who.name, wall());
    let mut work = app.store.begin().await?;
    app.outbox.put_for(channel, work.as_mut(), &notice).await?;
    work.append_audit(wall(), &who.name, "test", &format!("channel {name}"), "{}").await?;
    work.commit().await?;
    app.metrics.alerts.told(notice.kind);
    Ok((StatusCode::ACCEPTED, Json(Tested { alert_id: notice.id })))
}
