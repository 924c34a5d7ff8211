//! SIGHUP: the configuration is read again. What may change while the server runs, changes; a file that is wrong changes nothing.
//!
//! A configuration that has become the policy on trial ends its roll-out: it is adopted.
//!
//! As at the start, the file is compared with what the engine was last told by file: what people have set meanwhile stays, unless the file says something else now.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

use super::clock::wall;
use super::core::json;
use super::recovery::{self, TOLD};
use super::writer::{Ask, Audit, Fault};
use super::{App, writer};
use crate::config::{self, Changes, Loaded};
use crate::telemetry::Log;

/// Reads the configuration again, whenever it is told to.
pub struct Reloader {
    /// The file, if there is one.
    pub file: Option<PathBuf>,
    /// As of the start.
    pub known: Loaded,
    /// What the log is filtered by.
    pub log: Log,
}

impl Reloader {
    /// Waits for SIGHUP until the server stops.
    pub async fn run(mut self, app: Arc<App>) {
        let mut stopping = app.stopping.clone();
        let Ok(mut told) = signal(SignalKind::hangup()) else {
            tracing::warn!(
                "SIGHUP can't be listened for; the configuration is read at the start alone"
            );
            return;
        };
        loop {
            tokio::select! {
                _ = stopping.changed() => return,
                heard = told.recv() => {
                    if heard.is_none() {
                        return;
                    }
                    self.once(&app).await;
                }
            }
        }
    }

    async fn once(&mut self, app: &App) {
        match self.read(app).await {
            Ok(changes) => {
                app.metrics.reload("taken");
                let restart = changes.needs_restart.join(", ");
                tracing::info!(
                    taken = changes.taken.join(", "),
                    "the configuration was read again"
                );
                if restart.is_empty() {
                    app.health.config(None);
                } else {
                    tracing::warn!(
                        keys = restart,
                        "changed, and read at the start alone: restart the server"
                    );
                    app.health.config(Some(format!(
                        "changed since the start, and read there alone: {restart}"
                    )));
                }
            }
            Err(why) => {
                app.metrics.reload("refused");
                tracing::error!(why, "the configuration was not taken; the one before stays");
                app.health.config(Some(format!("not taken, the one before stays: {why}")));
            }
        }
    }

    async fn read(&mut self, app: &App) -> Result<Changes, String> {
        let environment: Vec<(String, String)> = std::env::vars().collect();
        let file = self.file.clone();
        let loaded = config::load(file.as_deref(), &environment).map_err(|wrong| {
            wrong.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
        })?;
        let mut changes = Changes::between(&self.known, &loaded);
        let store = |error: store::Error| format!("the store can't be asked: {error}");
        let told = app.store.fact(TOLD).await.map_err(store)?;
        let routing = loaded.settings.serving().routing;
        let adopts = app.engine.ask(move |core| core.engine.adopts(&routing)).await;
        let adopts = adopts.ok_or_else(|| "the server is stopping".to_owned())?;
        let mut settings = app.settings.load().with_live(&loaded.settings);
        if adopts {
            settings = settings.with_routing(&loaded.settings);
            changes.take("routing.");
        }
        let wanted = settings.serving();
        let known = told.as_deref().and_then(|text| serde_json::from_str(text).ok());
        for wish in recovery::wishes(known.as_ref(), &wanted, &app.clock, adopts) {
            let (reply, done) = oneshot::channel();
            let audit = Audit {
                actor: "configuration".into(),
                action: "reload",
                object: "settings".into(),
                detail: json(&wish),
            };
            let ask = Ask::Tell { input: Box::new(wish), audit: Some(audit), switch: None, reply };
            app.asks.send(ask).await.map_err(|_| "the server is stopping".to_owned())?;
            match done.await.unwrap_or(Err(writer::Fault::Stopping)) {
                Ok(()) => {}
                Err(Fault::Refused(why) | Fault::Store { why, .. }) => return Err(why),
                Err(Fault::Stopping) => return Err("the server is stopping".into()),
            }
        }
        let mut work = app.store.begin().await.map_err(store)?;
        work.set_fact(TOLD, &recovery::fact(told.as_deref(), &wanted, adopts))
            .await
            .map_err(store)?;
        work.append_audit(wall(), "configuration", "reload", "configuration", &json(&changes))
            .await
            .map_err(store)?;
        work.commit().await.map_err(store)?;
        self.log.set(settings.telemetry().log_level());
        app.settings.store(Arc::new(settings));
        // What waits for a restart is said again next time.
        self.known.keep_all_but(&loaded, &changes.needs_restart);
        Ok(changes)
    }
}
