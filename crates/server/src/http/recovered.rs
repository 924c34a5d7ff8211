//! `/v1/recovered`: what moving payments has brought back, by the experiments' own arms.
//!
//! Each experiment has payments that were left where they were. What its moved ones would have come to there is their number times the control's rate;
//! what they came to beyond that is recovered. Their own approvals are counted and not estimated, so the interval is that of the control's rate: its 95 %
//! confidence sequence, which holds at any time. Intervals are added end by end, which is wider than the sum's own.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use payments::Timestamp;
use serde::{Deserialize, Serialize};
use store::Kind;
use utoipa::{IntoParams, ToSchema};

use super::ask::{Query, time};
use super::objects::read_newest;
use super::problem::Problem;
use super::who::{Principal, Role};
use crate::serve::App;
use crate::wire::rfc3339;

const DAY_MS: i64 = 86_400_000;

/// Since when.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Since {
    /// Experiments that began then or later, RFC 3339; a day ago if not given
    since: Option<String>,
}

/// What was recovered.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
pub struct Recovered {
    since: String,
    /// Experiments that have moved payments and left some.
    experiments: u64,
    /// Payments that were moved and have an outcome.
    moved: u64,
    /// Approvals beyond what these payments would have come to where they were.
    payments: f64,
    payments_low: f64,
    payments_high: f64,
}

/// What of an experiment as it is stored counts here.
#[derive(Deserialize)]
struct Experiment {
    arms: Vec<Arm>,
}

#[derive(Deserialize)]
struct Arm {
    name: String,
    attempts: u64,
    successes: u64,
    rate_low: f64,
    rate_high: f64,
}

impl Recovered {
    fn add(&mut self, arms: &[Arm]) {
        let control = arms.iter().find(|arm| arm.name == "control" && arm.attempts > 0);
        let Some(control) = control else { return };
        let moved = arms.iter().filter(|arm| arm.name != "control");
        let (attempts, successes) =
            moved.fold((0, 0), |(n, s), arm| (n + arm.attempts, s + arm.successes));
        if attempts == 0 {
            return;
        }
        let beyond = |rate: f64| successes as f64 - attempts as f64 * rate;
        self.experiments += 1;
        self.moved += attempts;
        self.payments += beyond(control.successes as f64 / control.attempts as f64);
        self.payments_low += beyond(control.rate_high);
        self.payments_high += beyond(control.rate_low);
    }
}

/// What moving payments has brought back
#[utoipa::path(
    get, path = "/v1/recovered", tag = "experiments", operation_id = "recovered", params(Since),
    responses((status = 200, body = Recovered), (status = "4XX", body = Problem, content_type = "application/problem+json"))
)]
pub async fn recovered(
    State(app): State<Arc<App>>,
    who: Principal,
    Query(Since { since }): Query<Since>,
) -> Result<Json<Recovered>, Problem> {
    who.needs(Role::Viewer)?;
    let day_ago = || app.clock.now().plus_millis(-DAY_MS);
    let since: Timestamp = time("since", since.as_deref())?.unwrap_or_else(day_ago);
    let mut told = Recovered { since: rfc3339(since), ..Recovered::default() };
    for experiment in read_newest::<Experiment>(&app, Kind::Experiment, Some(since)).await? {
        told.add(&experiment.arms);
    }
    Ok(Json(told))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arm(name: &str, attempts: u64, successes: u64, low: f64, high: f64) -> Arm {
        Arm { name: name.into(), attempts, successes, rate_low: low, rate_high: high }
    }

    #[test]
    fn what_the_moved_came_to_beyond_the_control_is_recovered() {
        let mut told = Recovered::default();
        told.add(&[arm("control", 100, 20, 0.1, 0.3), arm("treatment", 50, 40, 0.6, 0.9)]);
        assert_eq!((told.experiments, told.moved), (1, 50));
        assert!((told.payments - 30.0).abs() < 1e-9, "{told:?}");
        assert!((told.payments_low - 25.0).abs() < 1e-9, "{told:?}");
        assert!((told.payments_high - 35.0).abs() < 1e-9, "{told:?}");
        // A move that harmed counts against it.
        told.add(&[arm("control", 100, 90, 0.8, 0.95), arm("treatment", 10, 5, 0.2, 0.8)]);
        assert!((told.payments - 26.0).abs() < 1e-9, "{told:?}");
        assert!(told.payments_low <= told.payments && told.payments <= told.payments_high);
    }

    #[test]
    fn without_both_arms_nothing_is_claimed() {
        let mut told = Recovered::default();
        told.add(&[]);
        told.add(&[arm("treatment", 50, 40, 0.6, 0.9)]);
        told.add(&[arm("control", 0, 0, 0.0, 1.0), arm("treatment", 50, 40, 0.6, 0.9)]);
        told.add(&[arm("control", 50, 40, 0.6, 0.9), arm("treatment", 0, 0, 0.0, 1.0)]);
        assert_eq!(told, Recovered::default());
    }
}
