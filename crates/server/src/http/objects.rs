//! What was found, decided and done, as lists and one by one.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use payments::Timestamp;
use serde::de::DeserializeOwned;
use store::{Kind, Object};

use super::ask::{Page, PageOf, Paging, Query, raw};
use super::problem::Problem;
use super::route::json;
use super::who::{Principal, Role};
use crate::alerts::Notice;
use crate::serve::clock::wall;
use crate::serve::{App, with_acknowledgement};
use crate::wire;

async fn page(
    app: &App,
    who: &Principal,
    kind: Kind,
    paging: &Paging,
) -> Result<Json<Page>, Problem> {
    who.needs(Role::Viewer)?;
    let (wanted, limit) = paging.wanted()?;
    let objects = app.store.objects(kind, &wanted).await?;
    Ok(Json(Page::of(objects, limit, |object| body(kind, object))?))
}

/// The newest part of the cycle log.
pub async fn newest_decisions(app: &App, limit: u32) -> Result<Page, Problem> {
    let wanted = store::Wanted { limit: limit + 1, ..store::Wanted::default() };
    let objects = app.store.objects(Kind::Decision, &wanted).await?;
    Page::of(objects, limit, |object| body(Kind::Decision, object))
}

/// Objects that are looked through at once, the newest.
const READ_MAX: u32 = 5_000;

/// The newest of a kind, those that began before `since` left out, each as far as the caller wants it; one that can't be read is logged.
pub async fn read_newest<T: DeserializeOwned>(
    app: &App,
    kind: Kind,
    since: Option<Timestamp>,
) -> Result<impl Iterator<Item = T> + use<T>, Problem> {
    let wanted = store::Wanted { since, limit: READ_MAX, ..store::Wanted::default() };
    let objects = app.store.objects(kind, &wanted).await?;
    Ok(objects.into_iter().filter_map(move |object| {
        let read = serde_json::from_str(&object.body);
        read.inspect_err(
            |error| tracing::error!(%error, kind = kind.as_str(), "what is stored can't be read"),
        )
        .ok()
    }))
}

async fn one(app: &App, who: &Principal, kind: Kind, id: &str) -> Result<Object, Problem> {
    who.needs(Role::Viewer)?;
    app.store.object(kind, id).await?.ok_or_else(|| Problem::not_found(kind.as_str(), id))
}

fn body(kind: Kind, object: &Object) -> String {
    with_acknowledgement(&object.body, kind, object.acknowledged.as_ref())
}

macro_rules! readable {
    ($list:ident, $one:ident, $kind:expr, $wire:ty, $path:literal, $tag:literal, $what:literal) => {
        #[doc = concat!("List ", $what, ", newest first")]
        #[utoipa::path(
                    get, path = $path, tag = $tag, params(Paging),
                    responses(
                        (status = 200, body = PageOf<$wire>),
                        (status = "4XX", body = Problem, content_type = "application/problem+json"),
                    )
                )]
        pub async fn $list(
            State(app): State<Arc<App>>,
            who: Principal,
            Query(paging): Query<Paging>,
        ) -> Result<Json<Page>, Problem> {
            page(&app, &who, $kind, &paging).await
        }

        #[doc = concat!("One of the ", $what)]
        #[utoipa::path(
                    get, path = concat!($path, "/{id}"), tag = $tag, params(("id" = String, Path)),
                    responses(
                        (status = 200, body = $wire),
                        (status = 404, body = Problem, content_type = "application/problem+json"),
                    )
                )]
        pub async fn $one(
            State(app): State<Arc<App>>,
            who: Principal,
            Path(id): Path<String>,
        ) -> Result<Response, Problem> {
            let object = one(&app, &who, $kind, &id).await?;
            Ok(json(body($kind, &object)))
        }
    };
}

readable!(
    incidents,
    incident,
    Kind::Incident,
    wire::Incident,
    "/v1/incidents",
    "incidents",
    "incidents"
);
readable!(
    interventions,
    intervention,
    Kind::Intervention,
    wire::Intervention,
    "/v1/interventions",
    "interventions",
    "interventions"
);
readable!(
    experiments,
    experiment,
    Kind::Experiment,
    wire::Experiment,
    "/v1/experiments",
    "experiments",
    "experiments"
);

/// The cycle log, newest first
///
/// As JSON, or with `Accept: text/plain` in the form that people read.
#[utoipa::path(
    get, path = "/v1/decisions", tag = "decisions", params(Paging),
    responses(
        (status = 200, description = "a page", content((PageOf<wire::Decision> = "application/json"), (String = "text/plain"))),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn decisions(
    State(app): State<Arc<App>>,
    who: Principal,
    headers: HeaderMap,
    Query(paging): Query<Paging>,
) -> Result<Response, Problem> {
    let accept = headers.get(header::ACCEPT).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let wants_text = accept.split(',').any(|part| part.trim().starts_with("text/plain"));
    if !wants_text {
        return Ok(page(&app, &who, Kind::Decision, &paging).await?.into_response());
    }
    who.needs(Role::Viewer)?;
    let (wanted, limit) = paging.wanted()?;
    let objects = app.store.objects(Kind::Decision, &wanted).await?;
    let mut text = String::new();
    for object in objects.iter().take(limit as usize) {
        let decision: serde_json::Value = serde_json::from_str(raw(object.body.clone())?.get())
            .map_err(|_| Problem::unavailable("store_failed", "a decision can't be read"))?;
        if let Some(said) = decision["text"].as_str() {
            text.push_str(&format!("{}\n{said}\n\n", object.at));
        }
    }
    Ok(text.into_response())
}

/// Acknowledge an incident
///
/// The first to do so is kept.
#[utoipa::path(
    post, path = "/v1/incidents/{id}/ack", tag = "incidents", params(("id" = String, Path)),
    responses(
        (status = 200, body = wire::Incident),
        (status = 404, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn acknowledge(
    State(app): State<Arc<App>>,
    who: Principal,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    who.needs(Role::Operator)?;
    one(&app, &who, Kind::Incident, &id).await?;
    let mut work = app.store.begin().await?;
    work.acknowledge(Kind::Incident, &id, &who.name, wall()).await?;
    work.append_audit(wall(), &who.name, "acknowledge", &id, "{}").await?;
    let notice = Notice::acknowledged(&id, &who.name);
    let is_news = app.outbox.put(work.as_mut(), &notice).await?;
    work.commit().await?;
    if is_news {
        app.metrics.alerts.told(notice.kind);
    }
    let object = one(&app, &who, Kind::Incident, &id).await?;
    Ok(json(body(Kind::Incident, &object)))
}
