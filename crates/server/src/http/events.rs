//! `POST /v1/events`: attempts in, each judged by itself, durable when it is answered.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use payments::{Attempt, EventError, parse_event};
use serde::Serialize;
use tokio::sync::oneshot;
use utoipa::ToSchema;

use super::intake;
use super::problem::Problem;
use super::split::{Form, form, split, unpacked};
use super::who::Asker;
use crate::serve::writer::{Ask, Fate};
use crate::serve::{App, ROOM};

/// Rejected events that are listed; all are counted.
const LISTED_MAX: usize = 1_000;
/// Bodies beyond this are parsed beside the threads that answer.
const ASIDE_BYTES: usize = 64 << 10;

/// One event that was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Rejected {
    /// From 0; of NDJSON the line.
    index: usize,
    attempt_id: Option<String>,
    field: String,
    got: String,
    allowed: String,
    detail: String,
}

/// What became of a body.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Taken)]
pub struct Answer {
    accepted: usize,
    updated: usize,
    duplicates: usize,
    rejected_count: usize,
    /// The first 1,000.
    rejected: Vec<Rejected>,
}

/// Attempts of a body with their indexes, and what was refused.
struct Read {
    indexes: Vec<usize>,
    attempts: Vec<Attempt>,
    answer: Answer,
    unknown_fields: u64,
}

/// Take attempts
///
/// One event, an array, NDJSON or CloudEvents, gzip or not. 202 means durable; 202 also if all are rejected. On 429 and 503 nothing was stored.
#[utoipa::path(
    post,
    path = "/v1/events",
    tag = "events",
    request_body(
        content(
            (serde_json::Value = "application/json"),
            (String = "application/x-ndjson"),
            (serde_json::Value = "application/cloudevents+json"),
            (Vec<serde_json::Value> = "application/cloudevents-batch+json"),
        ),
        description = "attempt events (docs/reference/attempt-event.md)"
    ),
    responses(
        (status = 202, body = Answer),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
        (status = 503, body = Problem, content_type = "application/problem+json", description = "the store doesn't take them; nothing was stored"),
    )
)]
pub async fn take(
    State(app): State<Arc<App>>,
    Asker(who): Asker,
    headers: HeaderMap,
    body: axum::body::Body,
) -> Result<(StatusCode, Json<Answer>), Problem> {
    who.needs_scope("events")?;
    let form = form(&headers)?;
    let (body, _held) = intake::receive(&app, &headers, body).await?;
    let read = if body.len() > ASIDE_BYTES {
        tokio::task::spawn_blocking(move || read(form, &headers, &body))
            .await
            .map_err(|_| Problem::malformed("the body could not be read"))??
    } else {
        read(form, &headers, &body)?
    };
    let Read { indexes, attempts, mut answer, unknown_fields } = read;
    app.metrics.unknown_fields.inc_by(unknown_fields);
    app.metrics.fate("rejected", answer.rejected_count as u64);
    if attempts.is_empty() {
        return Ok((StatusCode::ACCEPTED, Json(answer)));
    }
    let ids: Vec<(String, payments::Timestamp)> =
        attempts.iter().map(|attempt| (attempt.attempt_id.clone(), attempt.occurred_at)).collect();
    let fates = store(&app, attempts).await?;
    for ((index, fate), (id, at)) in indexes.into_iter().zip(fates).zip(ids) {
        match fate {
            Fate::Accepted => answer.accepted += 1,
            Fate::Updated => answer.updated += 1,
            Fate::Duplicate => answer.duplicates += 1,
            Fate::Future => answer.reject(Rejected {
                index,
                attempt_id: Some(id),
                field: "occurred_at".into(),
                got: at.to_string(),
                allowed: app.clock.future_allowed(),
                detail: "lies too far in the future".into(),
            }),
        }
    }
    answer.rejected.sort_by_key(|rejected| rejected.index);
    Ok((StatusCode::ACCEPTED, Json(answer)))
}

async fn store(app: &App, attempts: Vec<Attempt>) -> Result<Vec<Fate>, Problem> {
    let wanted = u32::try_from(attempts.len()).unwrap_or(u32::MAX);
    let room = app.room.clone().try_acquire_many_owned(wanted).map_err(|_| {
        Problem::busy(format!("{ROOM} attempts are waiting already; nothing of this was stored"))
    })?;
    app.metrics.waiting.set((ROOM - app.room.available_permits()) as i64);
    let (reply, answer) = oneshot::channel();
    app.asks
        .try_send(Ask::Attempts { attempts, mark: None, reply, room })
        .map_err(|_| Problem::busy("too many requests are waiting; nothing of this was stored"))?;
    Ok(answer.await.map_err(|_| Problem::stopping())??)
}

impl Answer {
    fn reject(&mut self, rejected: Rejected) {
        self.rejected_count += 1;
        if self.rejected.len() < LISTED_MAX {
            self.rejected.push(rejected);
        }
    }
}

impl Rejected {
    fn of(index: usize, error: EventError) -> Self {
        Self {
            index,
            detail: error.to_string(),
            attempt_id: error.attempt_id,
            field: error.field.into_owned(),
            got: error.got,
            allowed: error.allowed.into_owned(),
        }
    }
}

fn read(form: Form, headers: &HeaderMap, body: &Bytes) -> Result<Read, Problem> {
    let body = unpacked(headers, body)?;
    let mut read = Read {
        indexes: Vec::new(),
        attempts: Vec::new(),
        answer: Answer::default(),
        unknown_fields: 0,
    };
    for (index, event) in split(form, &body)? {
        match parse_event(event) {
            Ok(parsed) => {
                read.indexes.push(index);
                read.attempts.push(parsed.attempt);
                read.unknown_fields += u64::from(parsed.unknown_fields);
            }
            Err(error) => read.answer.reject(Rejected::of(index, error)),
        }
    }
    Ok(read)
}
