//! `/v1/behaviour`: what payers and merchants do after an attempt: try again, change the method or the gateway, or leave.
//!
//! Roll-ups count attempts and know no payment, so this is read from the attempts themselves: the newest of the window, at most [`ATTEMPTS_MAX`], by the index on
//! their time. A payment counts where one of its attempts there has the slice's values; what it did before or after may lie outside the slice.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use payments::{Status, Timestamp};
use serde::{Deserialize, Serialize};
use store::Try;
use utoipa::{IntoParams, ToSchema};

use super::ask::Query;
use super::problem::Problem;
use super::routes::slice;
use super::who::{Principal, Role};
use crate::serve::App;
use crate::wire::rfc3339;

/// Attempts that are read at most.
const ATTEMPTS_MAX: u32 = 50_000;
const WINDOW: &str = "15m";
const WINDOW_MS: std::ops::RangeInclusive<i64> = 60_000..=86_400_000;

/// Of which payments.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Asked {
    /// Such as `gateway:payu,issuer:HDFC`; all traffic if not given
    slice: Option<String>,
    /// How far back, from `1m` to `24h`; `15m` if not given
    window: Option<String>,
}

/// A part of the payments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, ToSchema)]
pub struct Portion {
    payments: u64,
    /// Null where there is nothing that it could be a share of.
    share: Option<f64>,
}

/// What payers do.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
pub struct Behaviour {
    slice: BTreeMap<String, String>,
    /// Since when attempts were read; later than asked for where there are too many.
    from: String,
    to: String,
    /// Whether all attempts of the window were read.
    is_complete: bool,
    /// Payments with an attempt in the slice.
    payments: u64,
    /// Mean over these, attempts before the window included where they are numbered.
    attempts_per_payment: Option<f64>,
    /// Payments with more than one attempt.
    tried_again: Portion,
    /// Of the payments with an attempt after one in the slice: the next used another method.
    switched_method: Portion,
    /// ... another gateway.
    switched_gateway: Portion,
    /// Payments whose last attempt was left by the payer.
    abandoned: Portion,
    /// Payments whose last attempt failed; some may be tried again yet.
    failed_last: Portion,
}

/// What one payment did.
#[derive(Default)]
struct Course {
    is_chosen: bool,
    attempts: u32,
    is_followed: bool,
    has_switched_method: bool,
    has_switched_gateway: bool,
}

impl Behaviour {
    /// Attempts in order of time.
    fn count(&mut self, tries: &[Try]) {
        let mut payments: HashMap<&str, (Course, &Try)> = HashMap::new();
        for next in tries {
            let (course, last) =
                payments.entry(&next.payment_id).or_insert_with(|| (Course::default(), next));
            if course.attempts > 0 && last.is_chosen {
                course.is_followed = true;
                course.has_switched_method |= last.method != next.method;
                course.has_switched_gateway |= last.gateway != next.gateway;
            }
            course.is_chosen |= next.is_chosen;
            course.attempts = (course.attempts + 1).max(next.attempt_number);
            *last = next;
        }
        let chosen: Vec<_> =
            payments.into_values().filter(|(course, _)| course.is_chosen).collect();
        let count = |is: &dyn Fn(&Course, &Try) -> bool| {
            chosen.iter().filter(|(course, last)| is(course, last)).count() as u64
        };
        let all = chosen.len() as u64;
        let followed = count(&|course, _| course.is_followed);
        let portion = |payments: u64, of: u64| Portion {
            payments,
            share: (of > 0).then(|| payments as f64 / of as f64),
        };
        let attempts: u64 = chosen.iter().map(|(course, _)| u64::from(course.attempts)).sum();
        self.payments = all;
        self.attempts_per_payment = (all > 0).then(|| attempts as f64 / all as f64);
        self.tried_again = portion(count(&|course, _| course.attempts > 1), all);
        self.switched_method = portion(count(&|course, _| course.has_switched_method), followed);
        self.switched_gateway = portion(count(&|course, _| course.has_switched_gateway), followed);
        self.abandoned = portion(count(&|_, last| last.status == Status::Abandoned), all);
        let is_failed =
            |status| matches!(status, Status::Declined | Status::Error | Status::Timeout);
        self.failed_last = portion(count(&|_, last| is_failed(last.status)), all);
    }
}

/// What payers do after an attempt
///
/// Of the newest 50,000 attempts of the window at most; `from` says since when.
#[utoipa::path(
    get, path = "/v1/behaviour", tag = "routes", operation_id = "behaviour", params(Asked),
    responses((status = 200, body = Behaviour), (status = "4XX", body = Problem, content_type = "application/problem+json"))
)]
pub async fn behaviour(
    State(app): State<Arc<App>>,
    who: Principal,
    Query(asked): Query<Asked>,
) -> Result<Json<Behaviour>, Problem> {
    who.needs(Role::Viewer)?;
    let window = crate::config::span(asked.window.as_deref().unwrap_or(WINDOW));
    let Some(window_ms) = window.filter(|ms| WINDOW_MS.contains(ms)) else {
        return Err(Problem::impossible("invalid", "window: 1m to 24h are allowed"));
    };
    let slice = slice(asked.slice.as_deref().unwrap_or_default())?;
    let to = app.clock.now();
    let from = to.plus_millis(-window_ms);
    let mut tries = app.store.tries(&slice, from, to, ATTEMPTS_MAX).await?;
    let is_complete = tries.len() < ATTEMPTS_MAX as usize;
    // The newest come first.
    tries.reverse();
    let from: Timestamp = tries.first().filter(|_| !is_complete).map_or(from, |first| first.at);
    let mut told = Behaviour {
        slice: slice.into_iter().collect(),
        from: rfc3339(from),
        to: rfc3339(to),
        is_complete,
        ..Behaviour::default()
    };
    told.count(&tries);
    Ok(Json(told))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `payment number method gateway status`, chosen where the gateway is `a`.
    fn told(lines: &str) -> Behaviour {
        let tries: Vec<Try> = lines
            .lines()
            .map(|line| {
                let parts: Vec<&str> = line.split_whitespace().collect();
                Try {
                    payment_id: parts[0].into(),
                    at: Timestamp::from_millis(0),
                    attempt_number: parts[1].parse().unwrap(),
                    method: parts[2].into(),
                    gateway: parts[3].into(),
                    status: serde_json::from_value(parts[4].into()).unwrap(),
                    is_chosen: parts[3] == "a",
                }
            })
            .collect();
        let mut told = Behaviour::default();
        told.count(&tries);
        told
    }

    fn portion(payments: u64, share: f64) -> Portion {
        Portion { payments, share: Some(share) }
    }

    #[test]
    fn payments_are_followed_from_the_slice() {
        let told = told(
            "p1 1 card a declined
             p2 1 card a approved
             p1 2 upi a declined
             p3 1 upi a abandoned
             p1 3 upi b approved
             p4 1 card b declined
             p5 1 card b declined
             p5 2 card a error",
        );
        // p4 was never in the slice; p5 came to it, and nothing came after.
        assert_eq!((told.payments, told.attempts_per_payment), (4, Some(7.0 / 4.0)));
        assert_eq!(told.tried_again, portion(2, 0.5));
        assert_eq!(told.switched_method, portion(1, 1.0));
        assert_eq!(told.switched_gateway, portion(1, 1.0));
        assert_eq!(told.abandoned, portion(1, 0.25));
        assert_eq!(told.failed_last, portion(1, 0.25));
    }

    #[test]
    fn attempts_before_the_window_are_known_by_their_number() {
        let told = told("p1 3 card a approved");
        assert_eq!((told.attempts_per_payment, told.tried_again), (Some(3.0), portion(1, 1.0)));
        assert_eq!(told.switched_method, Portion { payments: 0, share: None });
    }

    #[test]
    fn no_payments_have_no_shares() {
        assert_eq!(told(""), Behaviour::default());
        assert_eq!(told("p1 1 card b declined").payments, 0);
    }
}
