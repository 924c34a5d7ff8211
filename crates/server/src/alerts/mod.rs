//! Alerts: what people are told, through which channels, and that it arrives.
//!
//! **Problem.** An alert that is lost is worse than none, one that comes ten times is ignored, and whoever tells a stranger's address what it says can be
//! made to tell the wrong one. **Method.** An outbox: a [`Notice`] is stored in the transaction of what caused it, with one delivery per channel, and a
//! task per channel delivers at least once, with retries, in order for each matter. A notice's id is made of what happened, so it is
//! told once; receivers know a repetition by `webhook-id` or `dedup_key`.
//!
//! | part | what it does |
//! |---|---|
//! | `notice`, `severity` | what is told, and how bad it is |
//! | `rollout` | what is told of a policy's roll-out |
//! | `outbox` | to whom it goes; stored with its cause |
//! | `sender`, `backoff` | delivers, tries again, gives up and says so; silences |
//! | `slack`, `pagerduty`, `alertmanager`, `webhook` | what each of them wants to read |
//! | `post`, `guard` | one request, and where it may go |
//! | `heartbeat` | the operator itself is blind |

mod alertmanager;
mod backoff;
mod guard;
mod heartbeat;
mod metrics;
mod notice;
mod outbox;
mod pagerduty;
mod post;
mod rollout;
mod sender;
mod severity;
mod slack;
mod webhook;

use std::sync::Arc;

use anyhow::{Context, Result};
use tokio::task::JoinHandle;

pub use metrics::AlertMetrics;
pub use notice::{Kind, Notice};
pub use outbox::Outbox;
pub use severity::Severity;

use crate::serve::App;
use post::Post;
use sender::Sender;

/// The fact that names this store to others: ids such as `inc_1` are its own only.
const INSTANCE: &str = "instance";

/// The tasks that deliver.
pub struct Alerts {
    tasks: Vec<JoinHandle<()>>,
}

impl Alerts {
    /// Starts them, one per channel, and the heartbeat.
    pub async fn start(app: &Arc<App>) -> Result<Self> {
        let outbox = app.outbox.clone();
        let instance: Arc<str> = instance(app).await.context("the store has no name")?.into();
        if outbox.channels().is_empty() {
            tracing::info!("no channels are configured: alerts are stored, and told to nobody");
            let heartbeat = heartbeat::run(app.clone(), Vec::new());
            let watch = sender::watch(app.clone());
            return Ok(Self { tasks: vec![tokio::spawn(heartbeat), tokio::spawn(watch)] });
        }
        let post = Arc::new(Post::new(app.settings.load().alerts())?);
        let sender = |channel: &crate::config::Channel| {
            Arc::new(Sender::new(app.clone(), channel.clone(), post.clone(), instance.clone()))
        };
        let senders: Vec<Arc<Sender>> = outbox.channels().iter().map(sender).collect();
        let mut tasks = vec![
            tokio::spawn(heartbeat::run(app.clone(), senders.clone())),
            tokio::spawn(sender::watch(app.clone())),
        ];
        tasks.extend(senders.into_iter().map(|sender| tokio::spawn(sender.run())));
        Ok(Self { tasks })
    }

    /// Ends them: what isn't delivered is stored, and goes out after the next start.
    pub fn stop(self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

async fn instance(app: &App) -> Result<String> {
    if let Some(known) = app.store.fact(INSTANCE).await? {
        return Ok(known);
    }
    let name = format!("{:016x}", crate::serve::random());
    let mut work = app.store.begin().await?;
    work.set_fact(INSTANCE, &name).await?;
    work.commit().await?;
    Ok(name)
}
