//! The floor: the server as it is, its layers, keys and limits, around a handler that reads the question and answers without a choice.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use axum::body::Bytes;
use axum::extract::State;
use axum::{Json, Router, routing};
use serde::Serialize;
use server::http::problem::Problem;
use server::http::route::{Question, read};
use server::http::who::Asker;
use server::serve::App;

/// Of the same members as the real one, and about as long.
#[derive(Serialize)]
struct Answer {
    decision_id: String,
    gateway: String,
    propensity: f64,
    ranking: Vec<Ranked>,
    reason: &'static str,
    policy_version: u64,
    experiment_id: Option<String>,
    retry: Option<u32>,
}

#[derive(Serialize)]
struct Ranked {
    gateway: String,
    score: f64,
}

async fn answer(
    State(_): State<Arc<App>>,
    Asker(who): Asker,
    body: Bytes,
) -> Result<Json<Answer>, Problem> {
    who.needs_scope("route")?;
    let question: Question<'_> = read(&body)?;
    let names = ["PAYU", "RAZORPAY", "CASHFREE", "PAYTM", "STRIPE", "ADYEN"];
    let ranked = |(score, name): (f64, &str)| Ranked { gateway: name.into(), score };
    Ok(Json(Answer {
        decision_id: format!("d_{:0>34}", question.payment_id()),
        gateway: names[0].into(),
        propensity: 1.0,
        ranking: [1.0, 2.0, 3.0, 4.0, 5.0, 6.0].into_iter().zip(names).map(ranked).collect(),
        reason: "fallback",
        policy_version: 1,
        experiment_id: None,
        retry: None,
    }))
}

/// Serves until it is told to stop, on the configuration of this folder.
pub fn serve() -> anyhow::Result<()> {
    let loaded = server::config::load(Some(Path::new("pointsman.toml")), &[]);
    let mut settings = loaded.map_err(|wrong| anyhow::anyhow!("{wrong:?}"))?.settings;
    settings.listen_on(([127, 0, 0, 1], 0).into());
    let telemetry = server::telemetry::start(settings.telemetry(), None)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let floor = server::serve::start(settings).await.context("the floor's server")?;
        let calls = Router::new().route("/v1/route", routing::post(answer));
        let router = server::http::layered(calls, floor.app.clone());
        println!("listening on http://{}", floor.address);
        floor.run_with(router, std::future::pending()).await
    })?;
    telemetry.finish();
    Ok(())
}
