//! Parts of requests, read strictly: an unknown member is an error that names it.

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use payments::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};

use super::problem::Problem;

/// Bodies of commands, bytes.
const BODY_MAX: usize = 1 << 20;

/// A JSON body.
pub struct Body<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let bytes = axum::body::to_bytes(request.into_body(), BODY_MAX).await.map_err(|_| {
            Problem::too_large(format!("a body of at most {BODY_MAX} bytes is read"))
        })?;
        let text = if bytes.is_empty() { b"{}" } else { &bytes[..] };
        serde_json::from_slice(text).map(Self).map_err(|e| {
            Problem::malformed(format!("the body: {}", payments::excerpt(&e.to_string())))
        })
    }
}

/// The query.
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        axum::extract::Query::try_from_uri(&parts.uri)
            .map(|axum::extract::Query(value)| Self(value))
            .map_err(|e| {
                Problem::malformed(format!("the query: {}", payments::excerpt(&e.body_text())))
            })
    }
}

/// Which part of a list.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Paging {
    /// At most so many, 1 to 500; 50 if not given
    #[param(minimum = 1, maximum = 500)]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before
    pub cursor: Option<String>,
    /// Those that began then or later, RFC 3339
    pub since: Option<String>,
    /// Those that began before, RFC 3339
    pub until: Option<String>,
    /// Those with this status, state or verdict
    pub status: Option<String>,
}

impl Paging {
    /// What the store is asked: one more than wanted, to know whether there are more.
    pub fn wanted(&self) -> Result<(store::Wanted, u32), Problem> {
        let limit = self.limit.unwrap_or(50);
        if !(1..=500).contains(&limit) {
            return Err(Problem::malformed(format!("limit is {limit}; allowed are 1 to 500")));
        }
        let before = match &self.cursor {
            None => None,
            Some(text) => Some(text.parse().map_err(|_| {
                Problem::malformed("cursor is none of ours; want next_cursor of the page before")
            })?),
        };
        let wanted = store::Wanted {
            before,
            since: time("since", self.since.as_deref())?,
            until: time("until", self.until.as_deref())?,
            status: self.status.clone(),
            limit: limit + 1,
        };
        Ok((wanted, limit))
    }
}

/// A time of a query.
pub fn time(name: &str, text: Option<&str>) -> Result<Option<Timestamp>, Problem> {
    // A `+` in a query reads as a blank unless it was escaped.
    text.map(|text| {
        Timestamp::parse(text)
            .or_else(|e| Timestamp::parse(&text.replace(' ', "+")).map_err(|_| e))
            .map_err(|e| Problem::malformed(format!("{name} {}: {e}", payments::excerpt(text))))
    })
    .transpose()
}

/// A page as it is described: what is stored as JSON is of this kind.
#[derive(Serialize, ToSchema)]
pub struct PageOf<T> {
    data: Vec<T>,
    next_cursor: Option<String>,
}

/// A page of objects, newest first.
#[derive(Serialize)]
pub struct Page {
    data: Vec<Box<RawValue>>,
    next_cursor: Option<String>,
}

impl Page {
    /// Of what the store gave, one more than wanted.
    pub fn of(
        objects: Vec<store::Object>,
        limit: u32,
        body: impl Fn(&store::Object) -> String,
    ) -> Result<Self, Problem> {
        let placed = objects.iter().map(|object| (object.place, body(object)));
        Self::of_placed(placed.collect(), limit)
    }

    /// Of places and bodies, one more than wanted.
    pub fn of_placed(mut rows: Vec<(i64, String)>, limit: u32) -> Result<Self, Problem> {
        let is_more = rows.len() > limit as usize;
        rows.truncate(limit as usize);
        let next_cursor = rows.last().filter(|_| is_more).map(|(place, _)| place.to_string());
        let data = rows.into_iter().map(|(_, body)| raw(body)).collect::<Result<_, _>>()?;
        Ok(Self { data, next_cursor })
    }
}

/// JSON that was stored.
pub fn raw(text: String) -> Result<Box<RawValue>, Problem> {
    RawValue::from_string(text).map_err(|e| {
        tracing::error!(error = %e, "stored JSON can't be read");
        Problem::unavailable("store_failed", "what is stored there can't be read")
    })
}
