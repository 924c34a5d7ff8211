//! `GET /v1/routes` and what is summed up: rolling routes, series, a payment's timeline.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use payments::{Attempt, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::ask::{Query, time};
use super::problem::Problem;
use super::who::{Principal, Role};
use crate::serve::App;
use crate::wire::rfc3339;

/// Which routes.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Asked {
    /// The rolling window, as configured (`analysis.window`)
    window: Option<String>,
    /// Dimensions, such as `gateway,issuer`
    by: Option<String>,
    /// At most so many rows, 1 to 500
    #[param(minimum = 1, maximum = 500)]
    limit: Option<usize>,
}

/// Latencies of a slice, milliseconds.
#[derive(Debug, Serialize, ToSchema)]
pub struct Latency {
    mean: Option<f64>,
    p50: Option<f64>,
    p95: Option<f64>,
    p99: Option<f64>,
}

/// How often a code came.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErrorCount {
    source: String,
    value: String,
    count: u64,
    /// In our words; null where the code isn't listed.
    meaning: Option<&'static str>,
    /// Whose fault the code names.
    cause: &'static str,
    /// `soft` (yes), `hard` (never with the same request), `advice` (after what the code asks for), `n/a`; null where the code isn't listed.
    retryable: Option<&'static str>,
}

impl ErrorCount {
    fn new(source: String, value: String, count: u64) -> Self {
        let listed = payments::listed_decline(&source, &value);
        let retryable = listed.map(|row| match row.retryable {
            payments::Retryable::NotApplicable => "n/a",
            payments::Retryable::Soft => "soft",
            payments::Retryable::Hard => "hard",
            payments::Retryable::Advice { .. } => "advice",
        });
        let cause = payments::decline(&source, &value).class.as_str();
        Self { source, value, count, meaning: listed.map(|row| row.meaning), cause, retryable }
    }
}

/// One slice over the rolling window.
#[derive(Debug, Serialize, ToSchema)]
pub struct RouteRow {
    #[schema(value_type = BTreeMap<String, String>)]
    slice: analyst::Slice,
    attempts: u64,
    success_rate: Option<f64>,
    failure_rate: Option<f64>,
    latency_ms: Latency,
    errors: Vec<ErrorCount>,
    baseline_rate: Option<f64>,
    /// The success detector's R, not a strict e-value.
    e_value: f64,
}

/// Rolling statistics.
#[derive(Debug, Serialize, ToSchema)]
pub struct Routes {
    as_of: Option<String>,
    /// The server's clock: the events' where `clock.source` is `event`.
    now: String,
    window: String,
    data: Vec<RouteRow>,
}

/// What the engine knows of routes now.
pub async fn told(app: &App, by: &[&str], limit: usize) -> Result<Routes, Problem> {
    let by: Vec<String> = by.iter().map(|name| (*name).to_owned()).collect();
    let (rows, as_of) = app
        .engine
        .ask(move |core| {
            let by: Vec<&str> = by.iter().map(String::as_str).collect();
            (core.engine.routes(&by), core.engine.judged_until())
        })
        .await
        .ok_or_else(Problem::stopping)?;
    let row = |stats: analyst::SliceStats| RouteRow {
        slice: stats.slice,
        attempts: stats.attempts,
        success_rate: stats.success_rate,
        failure_rate: stats.failure_rate,
        latency_ms: Latency {
            mean: stats.latency_ms_mean,
            p50: stats.latency_ms_p50,
            p95: stats.latency_ms_p95,
            p99: stats.latency_ms_p99,
        },
        errors: stats
            .errors
            .into_iter()
            .map(|(source, value, count)| ErrorCount::new(source, value, count))
            .collect(),
        baseline_rate: stats.baseline_rate,
        e_value: stats.e_value,
    };
    Ok(Routes {
        as_of: as_of.map(rfc3339),
        now: rfc3339(app.clock.now()),
        window: format!("{}s", app.window_ms / 1_000),
        data: rows.into_iter().take(limit).map(row).collect(),
    })
}

/// Rolling statistics per slice, most attempts first
#[utoipa::path(
    get, path = "/v1/routes", tag = "routes", params(Asked),
    responses(
        (status = 200, body = Routes),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn rolling(
    State(app): State<Arc<App>>,
    who: Principal,
    Query(asked): Query<Asked>,
) -> Result<Json<Routes>, Problem> {
    who.needs(Role::Viewer)?;
    let window = format!("{}s", app.window_ms / 1_000);
    if asked.window.as_ref().is_some_and(|asked| *asked != window) {
        let detail =
            format!("window: only the one that is configured is kept (analysis.window), {window}");
        return Err(Problem::impossible("invalid", detail));
    }
    let limit = asked.limit.unwrap_or(50);
    if !(1..=500).contains(&limit) {
        return Err(Problem::malformed(format!("limit is {limit}; allowed are 1 to 500")));
    }
    let known = app.settings.load().engine().analysis.dimensions;
    let by: Vec<&str> =
        asked.by.as_deref().unwrap_or("gateway").split(',').map(str::trim).collect();
    if let Some(unknown) = by.iter().find(|name| !known.iter().any(|known| known == *name)) {
        let allowed = known.join(", ");
        let unknown = payments::excerpt(unknown);
        return Err(Problem::impossible("invalid", format!("by: {unknown} is none of {allowed}")));
    }
    Ok(Json(told(&app, &by, limit).await?))
}

/// Which series.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SeriesAsked {
    /// `attempts`, `success_rate` or `latency_ms`; all of them if not given
    metric: Option<String>,
    /// Such as `gateway:payu,issuer:HDFC`; all traffic if not given
    slice: Option<String>,
    /// RFC 3339; an hour before `to` if not given
    from: Option<String>,
    /// RFC 3339; now if not given
    to: Option<String>,
    /// Whole minutes such as `60s`, `5m`, `1h`
    step: Option<String>,
}

/// One step of a series.
#[derive(Debug, Serialize, ToSchema)]
pub struct Point {
    at: String,
    attempts: i64,
    /// Approved of those with an outcome.
    success_rate: Option<f64>,
    /// Mean.
    latency_ms: Option<f64>,
    approved: i64,
    declined: i64,
    error: i64,
    timeout: i64,
    unknown: i64,
    abandoned: i64,
}

/// Roll-ups for charts.
#[derive(Debug, Serialize, ToSchema)]
pub struct Series {
    metric: Option<String>,
    slice: BTreeMap<String, String>,
    from: String,
    to: String,
    step: String,
    data: Vec<Point>,
}

/// Points of one series at most.
const POINTS_MAX: i64 = 10_000;

/// Roll-ups for charts; steps without attempts are left out
#[utoipa::path(
    get, path = "/v1/series", tag = "routes", params(SeriesAsked),
    responses(
        (status = 200, body = Series),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn series(
    State(app): State<Arc<App>>,
    who: Principal,
    Query(asked): Query<SeriesAsked>,
) -> Result<Json<Series>, Problem> {
    who.needs(Role::Viewer)?;
    let metrics = ["attempts", "success_rate", "latency_ms"];
    if let Some(metric) = asked.metric.as_deref().filter(|metric| !metrics.contains(metric)) {
        let detail =
            format!("metric: {} is none of {}", payments::excerpt(metric), metrics.join(", "));
        return Err(Problem::impossible("invalid", detail));
    }
    let to = time("to", asked.to.as_deref())?.unwrap_or_else(|| app.clock.now());
    let from = time("from", asked.from.as_deref())?.unwrap_or_else(|| to.plus_millis(-3_600_000));
    let step_text = asked.step.unwrap_or_else(|| "60s".into());
    let step = crate::config::span(&step_text).filter(|ms| *ms > 0 && ms % 60_000 == 0);
    let Some(step_ms) = step else {
        let detail = "step: whole minutes such as 60s, 5m, 1h are allowed";
        return Err(Problem::impossible("invalid", detail));
    };
    if from >= to || to.millis_since(from) / step_ms > POINTS_MAX {
        let detail = format!("from has to lie before to, by at most {POINTS_MAX} steps");
        return Err(Problem::impossible("invalid", detail));
    }
    let slice = slice(asked.slice.as_deref().unwrap_or_default())?;
    let start = Timestamp::from_millis(from.as_millis().div_euclid(step_ms) * step_ms);
    let sums = app.store.series(&slice, start, to, step_ms).await?;
    Ok(Json(Series {
        metric: asked.metric,
        slice: slice.into_iter().collect(),
        from: rfc3339(start),
        to: rfc3339(to),
        step: step_text,
        data: sums.iter().map(point).collect(),
    }))
}

/// `gateway:payu,issuer:HDFC`, by dimensions that the store sums by.
pub fn slice(text: &str) -> Result<Vec<(String, String)>, Problem> {
    const DIMENSIONS: [&str; 7] =
        ["gateway", "method", "network", "issuer", "country", "merchant_id", "currency"];
    let pairs = text.split(',').filter(|pair| !pair.trim().is_empty());
    pairs
        .map(|pair| match pair.split_once(':') {
            Some((name, value)) if DIMENSIONS.contains(&name.trim()) => {
                if payments::holds_pan(value) {
                    let detail = format!("slice: {} holds a card number", payments::excerpt(pair));
                    return Err(Problem::impossible("card_number", detail));
                }
                Ok((name.trim().to_owned(), value.trim().to_owned()))
            }
            _ => Err(Problem::impossible(
                "invalid",
                format!(
                    "slice: {}; want dimension:value pairs such as gateway:payu,issuer:HDFC, dimensions being {}",
                    payments::excerpt(pair),
                    DIMENSIONS.join(", ")
                ),
            )),
        })
        .collect()
}

fn point(sums: &store::Sums) -> Point {
    let [approved, declined, error, timeout, unknown, abandoned] = sums.attempts;
    let outcomes = approved + declined + error + timeout;
    let rate = |part: i64, whole: i64| (whole > 0).then(|| part as f64 / whole as f64);
    Point {
        at: rfc3339(Timestamp::from_millis(sums.at_ms)),
        attempts: sums.attempts.iter().sum(),
        success_rate: rate(approved, outcomes),
        latency_ms: rate(sums.latency_ms, sums.latencies),
        approved,
        declined,
        error,
        timeout,
        unknown,
        abandoned,
    }
}

/// An attempt as it is stored.
#[derive(Debug, Serialize, ToSchema)]
pub struct AttemptRow {
    occurred_at: String,
    #[serde(flatten)]
    #[schema(value_type = serde_json::Value)]
    attempt: serde_json::Map<String, serde_json::Value>,
}

/// A payment and its attempts in order.
#[derive(Debug, Serialize, ToSchema)]
pub struct Payment {
    payment_id: String,
    attempts: Vec<AttemptRow>,
}

/// A payment's timeline
#[utoipa::path(
    get, path = "/v1/payments/{payment_id}", tag = "payments", params(("payment_id" = String, Path)),
    responses(
        (status = 200, body = Payment),
        (status = 404, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn payment(
    State(app): State<Arc<App>>,
    who: Principal,
    Path(payment_id): Path<String>,
) -> Result<Json<Payment>, Problem> {
    who.needs(Role::Viewer)?;
    let attempts = app.store.payment(&payment_id).await?;
    if attempts.is_empty() {
        return Err(Problem::not_found("payment", &payment_id));
    }
    let row = |attempt: &Attempt| {
        let mut members = match serde_json::to_value(attempt) {
            Ok(serde_json::Value::Object(members)) => members,
            _ => serde_json::Map::new(),
        };
        members.remove("occurred_at");
        AttemptRow { occurred_at: rfc3339(attempt.occurred_at), attempt: members }
    };
    Ok(Json(Payment { payment_id, attempts: attempts.iter().map(row).collect() }))
}
