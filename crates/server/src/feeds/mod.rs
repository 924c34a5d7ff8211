//! Feeds beside HTTP: a topic of Kafka, a queue of RabbitMQ, a file that grows.
//!
//! **Problem.** Each of them gives what it has at least once, and none of them may lose an attempt or have it counted twice, whoever is killed when.
//! **Method.** All go through the same writer as `POST /v1/events` (group commit). A feed is told that a message is done (an offset committed,
//! a delivery acknowledged, a position stored) only after the store's commit; what comes again is a duplicate by its `attempt_id`.
//! Per feed one batch is being stored while the next is gathered, and nothing more is taken in: when the store is slow the broker waits, and
//! memory stays as it is.
//!
//! **What can't be taken** is dead-lettered with its reason (Kafka, RabbitMQ) or said and counted (file). A store that is down is no reason
//! for that: the feed waits for it, however long.

mod dead;
mod door;
mod envelope;
mod file;
pub mod kafka;
mod metrics;
pub mod rabbitmq;

use std::sync::Arc;

use anyhow::{Context, Result};
use tokio::task::JoinHandle;

pub use dead::{Dead, Refusal};
pub use door::Door;
pub use metrics::FeedMetrics;

use crate::serve::App;

/// The feeds that run.
#[derive(Default)]
pub struct Feeds {
    tasks: Vec<JoinHandle<()>>,
}

impl Feeds {
    /// Starts those that are configured. A broker that is away is no error: it is waited for.
    pub fn start(app: &Arc<App>) -> Result<Self> {
        let sources = app.settings.load().sources().clone();
        let mut tasks = Vec::new();
        if let Some(settings) = sources.kafka {
            let door = Door::new(app.clone(), "kafka");
            let feed = kafka::Feed::new(settings, door).context("sources.kafka")?;
            tasks.push(tokio::spawn(feed.run()));
        }
        if let Some(settings) = sources.rabbitmq {
            let door = Door::new(app.clone(), "rabbitmq");
            tasks.push(tokio::spawn(rabbitmq::Feed::new(settings, door).run()));
        }
        if let Some(settings) = sources.file {
            let door = Door::new(app.clone(), "file");
            tasks.push(tokio::spawn(file::Feed::new(settings, door).run()));
        }
        Ok(Self { tasks })
    }

    /// Waits until all have finished what they had begun; they are told to by the server's `stopping`.
    pub async fn finish(self) {
        for task in self.tasks {
            if let Err(error) = task.await {
                tracing::error!(%error, "a feed broke off");
            }
        }
    }
}
