//! HTTP: the calls, their description, and what is around every one of them.
//!
//! Each handler is registered together with its description, so the committed `docs/openapi.json` can't say what isn't there. Errors are RFC 9457
//! problems, without exception.

mod alerts;
mod ask;
mod behaviour;
mod calibration;
mod command;
mod complete;
mod demo;
mod docs;
mod events;
mod intake;
mod keys;
pub mod objects;
mod once;
pub mod operator;
mod page;
mod pending;
mod plain;
mod probes;
pub mod problem;
mod recovered;
mod request;
mod retry_advice;
mod rollout;
pub mod route;
pub mod routes;
mod session;
mod silences;
mod split;
pub mod stream;
mod users;
pub mod who;

pub use keys::is_name;

use std::sync::{Arc, LazyLock};

use axum::http::StatusCode;
use axum::{Router, middleware};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::openapi::{InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::serve::App;

/// Every call, and what describes them.
struct Described {
    /// Those that `Idempotency-Key` means something to.
    keyed: Router<Arc<App>>,
    /// Those that it doesn't: choices and events have ids of their own, advice changes nothing, and a cookie is given once.
    free: Router<Arc<App>>,
    api: OpenApi,
}

fn described() -> Described {
    let licence = LicenseBuilder::new().name("Apache-2.0").identifier(Some("Apache-2.0")).build();
    let info = InfoBuilder::new()
        .title("Pointsman")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "Payment attempts in; what breaks, since when, why and what it costs out; and where payments go. Times are RFC 3339 in UTC; what is absent is null. Errors are RFC 9457 problems.",
        ))
        .license(Some(licence))
        .build();
    let (free, told) = OpenApiRouter::new()
        .routes(routes!(events::take))
        .routes(routes!(route::one))
        .routes(routes!(route::batch))
        .routes(routes!(retry_advice::retry_advice))
        .routes(routes!(session::begin, session::end))
        .split_for_parts();
    let (keyed, mut api) = OpenApiRouter::with_openapi(OpenApiBuilder::new().info(info).build())
        .routes(routes!(route::recorded))
        .routes(routes!(routes::rolling))
        .routes(routes!(objects::incidents))
        .routes(routes!(objects::incident))
        .routes(routes!(objects::acknowledge))
        .routes(routes!(objects::interventions))
        .routes(routes!(objects::intervention))
        .routes(routes!(command::approve))
        .routes(routes!(command::reject))
        .routes(routes!(command::roll_back))
        .routes(routes!(objects::experiments))
        .routes(routes!(objects::experiment))
        .routes(routes!(recovered::recovered))
        .routes(routes!(objects::decisions))
        .routes(routes!(operator::memory))
        .routes(routes!(calibration::calibration))
        .routes(routes!(operator::policy))
        .routes(routes!(rollout::rollout, rollout::promote, rollout::end))
        .routes(routes!(rollout::roll_back))
        .routes(routes!(command::kill_switch, command::set_kill_switch))
        .routes(routes!(command::advance))
        .routes(routes!(stream::follow))
        .routes(routes!(routes::series))
        .routes(routes!(behaviour::behaviour))
        .routes(routes!(routes::payment))
        .routes(routes!(operator::settings, operator::change))
        .routes(routes!(pending::list))
        .routes(routes!(pending::confirm))
        .routes(routes!(pending::withdraw))
        .routes(routes!(plain::audit))
        .routes(routes!(keys::list, keys::create))
        .routes(routes!(keys::revoke))
        .routes(routes!(users::list, users::create))
        .routes(routes!(users::one, users::change, users::remove))
        .routes(routes!(session::login))
        .routes(routes!(session::callback))
        .routes(routes!(plain::gateways))
        .routes(routes!(plain::freezes, plain::set_freezes))
        .routes(routes!(alerts::alerts))
        .routes(routes!(alerts::channels))
        .routes(routes!(alerts::test))
        .routes(routes!(silences::silences, silences::silence))
        .routes(routes!(silences::end_silence))
        .routes(routes!(demo::outages, demo::strike, demo::repair))
        .routes(routes!(probes::me))
        .routes(routes!(probes::version))
        .routes(routes!(probes::alive))
        .routes(routes!(probes::ready))
        .routes(routes!(probes::metrics))
        .routes(routes!(probes::openapi))
        .routes(routes!(probes::docs))
        .split_for_parts();
    api.merge(told);
    complete::complete(&mut api);
    Described { keyed, free, api }
}

/// The description of the interface, OpenAPI 3.1.
pub fn description() -> String {
    static TEXT: LazyLock<String> =
        LazyLock::new(|| described().api.to_pretty_json().unwrap_or_default() + "\n");
    TEXT.clone()
}

/// Everything that is answered.
pub fn router(app: Arc<App>) -> Router {
    let Described { keyed, free, .. } = described();
    let [keyed, free] = [keyed, free].map(|r| r.method_not_allowed_fallback(probes::other_method));
    let keyed = keyed.layer(middleware::from_fn_with_state(app.clone(), once::once));
    layered(keyed.merge(free).fallback(page::serve), app)
}

/// Calls with what is around every one of them.
pub fn layered(calls: Router<Arc<App>>, app: Arc<App>) -> Router {
    calls
        .layer(CatchPanicLayer::custom(panicked))
        .layer(middleware::from_fn_with_state(app.clone(), request::around))
        .with_state(app)
}

/// A fault of ours: said, and nothing of it shown.
fn panicked(_: Box<dyn std::any::Any + Send>) -> axum::response::Response {
    use axum::response::IntoResponse;
    tracing::error!("a handler panicked");
    let detail = "the server failed at this request; its log has the request id";
    problem::Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail).into_response()
}
