//! A queue of RabbitMQ.
//!
//! **Order of things.** A batch is read, judged and stored; what is refused is published to `<queue>.dlq` and confirmed; only then is the
//! batch acknowledged. Whatever breaks in between, the broker delivers it again, and its attempts are duplicates.
//!
//! **Back-pressure** is the prefetch: no more than so many messages are out without an acknowledgement. While some of them are being stored, the
//! others are the next batch.

mod broker;
mod replay;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use futures_util::{FutureExt, StreamExt};
use lapin::message::Delivery;
use lapin::options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions};
use lapin::types::{FieldTable, ShortString};
use lapin::{Channel, Connection};
use payments::Attempt;
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;

use super::dead::{Refusal, headers, is_withheld};
use super::door::{Door, Stopping, stop};
use super::envelope;
use crate::config::RabbitMq;
use broker::{confirmed, connect, declare, kept, publish, text};

pub use broker::reachable;
pub use replay::{list, replay};

/// Messages that are out without an acknowledgement.
const PREFETCH: u16 = 4_000;
/// Of which in one batch,
const MESSAGES_MAX: usize = 2_000;
/// with no more bytes.
const BYTES_MAX: usize = 8 << 20;
/// How long a broker may take to let us go.
const LEAVE_MAX: Duration = Duration::from_secs(10);
/// Until a broker that is away is tried again.
const AGAIN: Duration = Duration::from_secs(1);
/// How often the queue's length is asked for.
const LENGTH_EVERY: Duration = Duration::from_secs(2);

/// The feed.
pub struct Feed {
    settings: RabbitMq,
    door: Door,
}

/// The tag up to which all is done; or the broker has to be connected to again.
type Storing = JoinHandle<Result<Result<u64>, Stopping>>;

impl Feed {
    /// Ready to read; connects by itself.
    pub fn new(settings: RabbitMq, door: Door) -> Self {
        Self { settings, door }
    }

    /// Reads until the server stops; connects again whenever the broker is away.
    pub async fn run(self) {
        let (broker, queue) = (self.settings.shown(), &self.settings.queue);
        tracing::info!(broker, queue, "reading from RabbitMQ");
        let mut stopping = self.door.stopping();
        while !*stopping.borrow() {
            let ended = tokio::select! {
                connected = self.connect() => match connected {
                    Ok((connection, channel)) => self.consume(connection, channel).await,
                    Err(error) => Err(error),
                },
                () = stop(&mut stopping) => return,
            };
            match ended {
                Ok(()) => return,
                Err(error) => self.door.is(Some(format!("{error:#}"))),
            }
            tokio::select! {
                () = tokio::time::sleep(AGAIN) => {}
                () = stop(&mut stopping) => return,
            }
        }
    }

    async fn connect(&self) -> Result<(Connection, Channel)> {
        let connection = connect(&self.settings).await?;
        declare(&connection, &self.settings.queue).await?;
        declare(&connection, &self.settings.dlq()).await?;
        let channel = connection.create_channel().await?;
        channel.basic_qos(PREFETCH, BasicQosOptions::default()).await?;
        Ok((connection, channel))
    }

    /// Until the server stops (fine) or the connection breaks.
    async fn consume(&self, connection: Connection, channel: Channel) -> Result<()> {
        let dead_letters = Arc::new(confirmed(&connection).await?);
        let queue = ShortString::from(self.settings.queue.as_str());
        let options = BasicConsumeOptions::default();
        let mut consumer = channel
            .basic_consume(queue, "pointsman".into(), options, FieldTable::default())
            .await
            .with_context(|| format!("queue {} can't be read", self.settings.queue))?;
        self.door.is(None);
        let mut stopping = self.door.stopping();
        let mut lengths = tokio::time::interval(LENGTH_EVERY);
        lengths.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut batch, mut bytes, mut out) = (Vec::new(), 0, 0);
        let mut storing: Option<Storing> = None;
        let ended = loop {
            if storing.is_none() && !batch.is_empty() {
                let (messages, door) = (std::mem::take(&mut batch), self.door.clone());
                (bytes, out) = (0, messages.len());
                let (channel, dlq) = (dead_letters.clone(), self.settings.dlq());
                storing = Some(tokio::spawn(store(messages, door, channel, dlq)));
            }
            let is_full = batch.len() >= MESSAGES_MAX || bytes >= BYTES_MAX;
            tokio::select! {
                biased;
                () = stop(&mut stopping) => break Ok(()),
                done = settled(&mut storing) => {
                    storing = None;
                    out = 0;
                    match done {
                        Ok(Ok(tag)) => {
                            let all = BasicAckOptions { multiple: true };
                            if let Err(error) = channel.basic_ack(tag, all).await {
                                break Err(error.into());
                            }
                        }
                        Ok(Err(error)) => break Err(error),
                        Err(Stopping) => break Ok(()),
                    }
                }
                message = consumer.next(), if !is_full => {
                    let mut message = Some(message);
                    while let Some(one) = message.take() {
                        match one {
                            Some(Ok(delivery)) => {
                                bytes += delivery.data.len() + 500;
                                batch.push(delivery);
                            }
                            Some(Err(error)) => return self.broken(storing, error.into()).await,
                            None => {
                                let gone = anyhow::anyhow!("the queue is gone, or this reader was sent away");
                                return self.broken(storing, gone).await;
                            }
                        }
                        if batch.len() < MESSAGES_MAX && bytes < BYTES_MAX {
                            message = consumer.next().now_or_never();
                        }
                    }
                }
                _ = lengths.tick() => {
                    match declare(&connection, &self.settings.queue).await {
                        Ok(waiting) => {
                            let lag = i64::from(waiting) + (batch.len() + out) as i64;
                            self.door.app.metrics.feeds.lag(self.door.feed, lag);
                        }
                        Err(error) => break Err(error),
                    }
                    self.door.app.metrics.feeds.paused(self.door.feed, is_full);
                }
            }
        };
        match ended {
            Ok(()) => {
                let leave = async {
                    if let Some(storing) = storing
                        && let Ok(Ok(Ok(tag))) = storing.await
                    {
                        let _ = channel.basic_ack(tag, BasicAckOptions { multiple: true }).await;
                    }
                    let _ = connection.close(200, "stopping".into()).await;
                };
                // What isn't acknowledged by then comes again.
                let _ = tokio::time::timeout(LEAVE_MAX, leave).await;
                Ok(())
            }
            Err(error) => self.broken(storing, error).await,
        }
    }

    /// What is being stored comes again; it is waited for, so that order stays.
    async fn broken(&self, storing: Option<Storing>, error: anyhow::Error) -> Result<()> {
        self.door.is(Some(format!("{error:#}")));
        if let Some(storing) = storing {
            let _ = storing.await;
        }
        bail!(error)
    }
}

async fn settled(storing: &mut Option<Storing>) -> Result<Result<u64>, Stopping> {
    match storing {
        Some(task) => match task.await {
            Ok(done) => done,
            Err(error) => Ok(Err(error.into())),
        },
        None => std::future::pending().await,
    }
}

/// Judges, stores, and buries what was refused.
async fn store(
    messages: Vec<Delivery>,
    door: Door,
    channel: Arc<Channel>,
    dlq: String,
) -> Result<Result<u64>, Stopping> {
    let read = move || {
        let judged: Vec<_> = messages.iter().map(judge).collect();
        (messages, judged)
    };
    let (messages, judged) = tokio::task::spawn_blocking(read).await.map_err(|_| Stopping)?;
    let outcomes = door.store(judged, None).await?;
    let mut said = false;
    for (message, refusal) in messages.iter().zip(outcomes).filter_map(|(m, o)| Some((m, o.err()?)))
    {
        if !std::mem::replace(&mut said, true) {
            let reason = refusal.reason.as_str();
            tracing::warn!(dlq, reason, "dead-lettered; the first of a batch is told");
        }
        let withheld = is_withheld(&message.data);
        let from = message.routing_key.as_str().to_owned();
        let properties = kept(message, &headers(&refusal, from, withheld));
        let body: &[u8] = if withheld { &[] } else { &message.data };
        if let Err(error) = publish(&channel, &dlq, body, properties).await {
            return Ok(Err(error));
        }
        door.app.metrics.feeds.dead_letter(door.feed);
    }
    Ok(Ok(messages.last().map_or(0, |last| last.delivery_tag)))
}

fn judge(message: &Delivery) -> Result<(Attempt, u32), Refusal> {
    let form = envelope::form(|name| {
        ["cloudEvents:", "cloudEvents_", "ce-"]
            .iter()
            .find_map(|prefix| text(message, &format!("{prefix}{name}")))
    });
    envelope::read(&form, &message.data)
}
