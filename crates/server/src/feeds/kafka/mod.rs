//! A topic of Kafka, read as a consumer group.
//!
//! **Order of things.** A batch is read, judged and stored; what is refused is written to the dead-letter topic; only then are the batch's offsets
//! handed to the client, which commits them within a second and when a partition goes. Whatever happens in between, the batch comes
//! again, and its attempts are duplicates.
//!
//! **Batches cut themselves:** what comes while one is being stored is the next, up to a bound. At the bound nothing more is read; after a second of
//! that the partitions are paused, so that the group sees a member that lives. The client's own queue is bounded too
//! (`queued.max.messages.kbytes`, 16 MiB).

mod client;
mod context;
mod dead_letters;
mod probe;
mod replay;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use futures_util::FutureExt;
use rdkafka::consumer::{CommitMode, Consumer, StreamConsumer};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::message::{BorrowedMessage, Headers, Message, OwnedMessage};
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{Offset, TopicPartitionList};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::dead::Refusal;
use super::door::{Door, Stopping, stop};
use super::envelope::{self, Form};
use crate::config::Kafka;
use context::Context;
use dead_letters::DeadLetters;

pub use client::wrong_properties;
pub use probe::reachable;
pub use replay::{list, replay};

/// A batch holds no more messages,
const MESSAGES_MAX: usize = 5_000;
/// nor more bytes.
const BYTES_MAX: usize = 8 << 20;
/// A full batch waits so long before the partitions are paused.
const PAUSE_AFTER: Duration = Duration::from_secs(1);
/// How long a broker may take to let us go.
const LEAVE_MAX: Duration = Duration::from_secs(10);
/// After an error of the broker.
const AGAIN: Duration = Duration::from_millis(500);

/// By partition, the offset that is to be read next.
type Offsets = BTreeMap<(String, i32), i64>;

/// The feed.
pub struct Feed {
    settings: Kafka,
    door: Door,
    consumer: Arc<StreamConsumer<Context>>,
    dead_letters: Arc<DeadLetters>,
    batch: Batch,
    storing: Option<JoinHandle<Result<Offsets, Stopping>>>,
    is_paused: bool,
}

#[derive(Default)]
struct Batch {
    messages: Vec<OwnedMessage>,
    bytes: usize,
    full_since: Option<Instant>,
}

impl Batch {
    fn push(&mut self, message: &BorrowedMessage<'_>) {
        self.bytes += message.payload_len() + message.key_len() + 200;
        self.messages.push(message.detach());
        if self.is_full() && self.full_since.is_none() {
            self.full_since = Some(Instant::now());
        }
    }

    fn is_full(&self) -> bool {
        self.messages.len() >= MESSAGES_MAX || self.bytes >= BYTES_MAX
    }
}

impl Feed {
    /// Ready to read; connects by itself.
    pub fn new(settings: Kafka, door: Door) -> Result<Self> {
        let context = Context::new(door.clone());
        let consumer: StreamConsumer<Context> =
            client::made(client::consumer(&settings).create_with_context(context))?;
        consumer.subscribe(&[&settings.topic])?;
        let dead_letters = Arc::new(DeadLetters::new(&settings, door.clone())?);
        let (consumer, batch) = (Arc::new(consumer), Batch::default());
        Ok(Self { settings, door, consumer, dead_letters, batch, storing: None, is_paused: false })
    }

    /// Reads until the server stops; then finishes what is being stored and leaves the group.
    pub async fn run(mut self) {
        let (brokers, topic) = (&self.settings.brokers, &self.settings.topic);
        tracing::info!(brokers, topic, group = self.settings.group, "reading from Kafka");
        tokio::spawn({
            let (letters, settings) = (self.dead_letters.clone(), self.settings.clone());
            async move { letters.prepare(&settings).await }
        });
        let mut stopping = self.door.stopping();
        let consumer = self.consumer.clone();
        loop {
            self.flush();
            let is_full = self.batch.is_full();
            let pause_at = self.batch.full_since.map(|since| since + PAUSE_AFTER);
            tokio::select! {
                biased;
                () = stop(&mut stopping) => break,
                done = settled(&mut self.storing) => {
                    self.storing = None;
                    match done {
                        Ok(offsets) => self.done(&offsets),
                        Err(Stopping) => break,
                    }
                }
                () = until(pause_at), if is_full && !self.is_paused => self.pause(),
                // Paused, it gives nothing, and the group sees that we live; unless partitions came in a rebalance.
                message = consumer.recv(), if !is_full || self.is_paused => {
                    self.take(message).await;
                    while !self.batch.is_full()
                        && let Some(message) = consumer.recv().now_or_never()
                    {
                        self.take(message).await;
                    }
                }
            }
        }
        if let Some(storing) = self.storing.take()
            && let Ok(Ok(offsets)) = storing.await
        {
            self.done(&offsets);
        }
        let has_broken_off = !*stopping.borrow();
        let door = self.door.clone();
        // Both wait for the broker, and the server's end must not wait for one that is away.
        let (left, leaving) = tokio::sync::oneshot::channel();
        std::thread::spawn(move || {
            let committed = self.consumer.commit_consumer_state(CommitMode::Sync);
            drop((self, consumer));
            left.send(committed)
        });
        match tokio::time::timeout(LEAVE_MAX, leaving).await {
            Ok(Ok(Ok(()))) => {}
            other => tracing::debug!(
                ?other,
                "the last offsets were not committed; what they cover is read again"
            ),
        }
        if has_broken_off {
            door.is(Some("storing a batch broke off; restart the server".into()));
        }
    }

    async fn take(&mut self, message: KafkaResult<BorrowedMessage<'_>>) {
        match message {
            Ok(message) => {
                self.consumer.context().gave();
                self.batch.push(&message);
                if self.is_paused {
                    self.pause();
                }
            }
            Err(error) => {
                if let Some(why) = refused(&error, &self.settings) {
                    self.consumer.context().refuse(why);
                }
                tracing::debug!(%error, "Kafka gives nothing");
                tokio::time::sleep(AGAIN).await;
            }
        }
    }

    /// Begins to store what was gathered, if nothing is being stored.
    fn flush(&mut self) {
        if self.storing.is_some() || self.batch.messages.is_empty() {
            return;
        }
        let batch = std::mem::take(&mut self.batch);
        let (door, dead_letters) = (self.door.clone(), self.dead_letters.clone());
        self.storing = Some(tokio::spawn(store(batch.messages, door, dead_letters)));
        if std::mem::take(&mut self.is_paused) {
            self.door.app.metrics.feeds.paused(self.door.feed, false);
            let resumed = self.consumer.assignment().and_then(|all| self.consumer.resume(&all));
            if let Err(error) = resumed {
                tracing::warn!(%error, "partitions can't be resumed");
            }
        }
    }

    fn pause(&mut self) {
        self.is_paused = true;
        self.door.app.metrics.feeds.paused(self.door.feed, true);
        let paused = self.consumer.assignment().and_then(|all| self.consumer.pause(&all));
        if let Err(error) = paused {
            tracing::debug!(%error, "partitions can't be paused");
        }
    }

    /// A batch is stored: its offsets may be committed.
    fn done(&self, offsets: &Offsets) {
        let mut list = TopicPartitionList::new();
        for ((topic, partition), offset) in offsets {
            let _ = list.add_partition_offset(topic, *partition, Offset::Offset(*offset));
        }
        // Partitions that went meanwhile are refused; whoever has them reads the batch again.
        if let Err(error) = self.consumer.store_offsets(&list) {
            tracing::debug!(%error, "offsets of partitions that went");
        }
    }
}

/// Judges, stores, and buries what was refused.
async fn store(
    messages: Vec<OwnedMessage>,
    door: Door,
    dead_letters: Arc<DeadLetters>,
) -> Result<Offsets, Stopping> {
    let read = move || {
        let judged: Vec<_> = messages.iter().map(judge).collect();
        (messages, judged)
    };
    let (messages, judged) = tokio::task::spawn_blocking(read).await.map_err(|_| Stopping)?;
    let outcomes = door.store(judged, None).await?;
    let refused: Vec<(&OwnedMessage, Refusal)> = messages
        .iter()
        .zip(outcomes)
        .filter_map(|(message, outcome)| Some((message, outcome.err()?)))
        .collect();
    if let Some((message, refusal)) = refused.first() {
        let (count, partition, offset) = (refused.len(), message.partition(), message.offset());
        let reason = refusal.reason.as_str();
        tracing::warn!(count, partition, offset, reason, "dead-lettered; the first is told");
        dead_letters.bury(&refused).await?;
    }
    let mut offsets = Offsets::new();
    for message in &messages {
        let next = offsets.entry((message.topic().to_owned(), message.partition())).or_insert(0);
        *next = message.offset() + 1;
    }
    Ok(offsets)
}

fn judge(message: &OwnedMessage) -> Result<(payments::Attempt, u32), Refusal> {
    let form = message.headers().map_or(Form::Json, |headers| {
        let header = |name: &str| {
            headers.iter().find(|h| h.key.strip_prefix("ce_") == Some(name)).and_then(|h| h.value)
        };
        envelope::form(|name| header(name).and_then(|value| std::str::from_utf8(value).ok()))
    });
    envelope::read(&form, message.payload().unwrap_or_default())
}

async fn settled(
    storing: &mut Option<JoinHandle<Result<Offsets, Stopping>>>,
) -> Result<Offsets, Stopping> {
    match storing {
        Some(task) => task.await.unwrap_or_else(|error| {
            // Nothing of it is committed: it is read again after a restart.
            tracing::error!(%error, "storing a batch broke off; the feed stops");
            Err(Stopping)
        }),
        None => std::future::pending().await,
    }
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// What only a person can change, with what to do.
fn refused(error: &KafkaError, settings: &Kafka) -> Option<String> {
    let KafkaError::MessageConsumption(code) = error else { return None };
    let (topic, group) = (&settings.topic, &settings.group);
    match code {
        RDKafkaErrorCode::UnknownTopicOrPartition | RDKafkaErrorCode::UnknownTopic => {
            Some(format!("there is no topic {topic} at the broker; create it"))
        }
        RDKafkaErrorCode::TopicAuthorizationFailed => {
            Some(format!("the broker lets nobody read topic {topic} as this user; allow Read"))
        }
        RDKafkaErrorCode::GroupAuthorizationFailed => {
            Some(format!("the broker lets this user not join group {group}; allow Read on it"))
        }
        _ => None,
    }
}
