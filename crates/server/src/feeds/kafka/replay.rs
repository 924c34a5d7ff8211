//! The dead-letter topic for people: what lies there, and back with it to where it came from.
//!
//! A topic keeps what was read, so a consumer group of its own (`<group>.dlq-replay`) remembers what has been replayed.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context as _, Result};
use futures_util::future::join_all;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{Header, Headers, Message, OwnedHeaders, OwnedMessage};
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{Offset, TopicPartitionList};

use super::super::dead::{Dead, header};
use super::client::{self, Quiet};
use crate::config::Kafka;

/// How long a broker may take to answer.
const ANSWER_MAX: Duration = Duration::from_secs(15);
/// Messages that are sent before their offsets are committed.
const AT_ONCE: usize = 500;

/// A reader of what has not been replayed yet.
struct Reader {
    consumer: BaseConsumer<Quiet>,
    /// Partitions that have more.
    open: BTreeSet<i32>,
}

impl Reader {
    /// Blocks; none: there is no such topic.
    fn open(settings: &Kafka) -> Result<Option<Self>> {
        let consumer: BaseConsumer<Quiet> =
            client::made(client::dead_letters(settings).create_with_context(Quiet))?;
        let topic = settings.dlq_topic();
        let metadata = consumer
            .fetch_metadata(Some(&topic), ANSWER_MAX)
            .with_context(|| format!("no broker of {} answers", settings.brokers))?;
        let mut wanted = TopicPartitionList::new();
        let partitions: Vec<i32> = metadata
            .topics()
            .iter()
            .filter(|t| t.error().is_none())
            .flat_map(|t| t.partitions().iter().map(|p| p.id()))
            .collect();
        if partitions.is_empty() {
            return Ok(None);
        }
        for partition in &partitions {
            wanted.add_partition(&topic, *partition);
        }
        let mut from = consumer.committed_offsets(wanted, ANSWER_MAX)?;
        for partition in &partitions {
            let committed = from.find_partition(&topic, *partition).map(|p| p.offset());
            if !matches!(committed, Some(Offset::Offset(_))) {
                from.set_partition_offset(&topic, *partition, Offset::Beginning)?;
            }
        }
        consumer.assign(&from)?;
        Ok(Some(Self { consumer, open: partitions.into_iter().collect() }))
    }

    /// The next dead letter; none at the end.
    fn next(&mut self) -> Result<Option<OwnedMessage>> {
        while !self.open.is_empty() {
            match self.consumer.poll(ANSWER_MAX) {
                Some(Ok(message)) if self.open.contains(&message.partition()) => {
                    return Ok(Some(message.detach()));
                }
                // Behind the end that has been seen: put there since.
                Some(Ok(_)) => {}
                Some(Err(KafkaError::PartitionEOF(partition))) => {
                    self.open.remove(&partition);
                }
                Some(Err(KafkaError::MessageConsumption(
                    RDKafkaErrorCode::BrokerTransportFailure | RDKafkaErrorCode::AllBrokersDown,
                ))) => {}
                Some(Err(error)) => return Err(error).context("the dead-letter topic"),
                None => anyhow::bail!("the dead-letter topic gives nothing; is the broker well?"),
            }
        }
        Ok(None)
    }

    fn commit(&self, messages: &[OwnedMessage]) -> Result<()> {
        let mut list = TopicPartitionList::new();
        for message in messages {
            let next = Offset::Offset(message.offset() + 1);
            if list.find_partition(message.topic(), message.partition()).is_some() {
                list.set_partition_offset(message.topic(), message.partition(), next)?;
            } else {
                list.add_partition_offset(message.topic(), message.partition(), next)?;
            }
        }
        self.consumer.commit(&list, CommitMode::Sync).context("what was replayed isn't marked so")
    }
}

fn text(message: &OwnedMessage, name: &str) -> Option<String> {
    let found = message.headers()?.iter().find(|h| h.key == name)?.value?;
    Some(String::from_utf8_lossy(found).into_owned())
}

/// What has not been replayed, oldest first, at most `limit`. Blocks.
pub fn list(settings: &Kafka, limit: usize) -> Result<Vec<Dead>> {
    let Some(mut reader) = Reader::open(settings)? else { return Ok(Vec::new()) };
    let mut out = Vec::new();
    while out.len() < limit
        && let Some(message) = reader.next()?
    {
        let place =
            format!("{}/{} offset {}", message.topic(), message.partition(), message.offset());
        let bytes = message.payload().map_or(0, <[u8]>::len);
        out.push(Dead::read(place, bytes, |name| text(&message, name)));
    }
    Ok(out)
}

/// Sends dead letters, at most `limit`, to where they came from; how many went, and how many could not because their body was withheld.
pub async fn replay(settings: &Kafka, limit: usize) -> Result<(usize, usize)> {
    let producer: FutureProducer<Quiet> =
        client::made(client::producer(settings).create_with_context(Quiet))?;
    let opened = settings.clone();
    let reader = tokio::task::spawn_blocking(move || Reader::open(&opened)).await??;
    let Some(mut reader) = reader else { return Ok((0, 0)) };
    let (mut sent, mut withheld) = (0, 0);
    loop {
        let wanted = AT_ONCE.min(limit - sent - withheld);
        let mut messages = Vec::new();
        tokio::task::block_in_place(|| -> Result<()> {
            while messages.len() < wanted
                && let Some(message) = reader.next()?
            {
                messages.push(message);
            }
            Ok(())
        })?;
        if messages.is_empty() {
            return Ok((sent, withheld));
        }
        let (kept, whole): (Vec<_>, Vec<_>) =
            messages.iter().partition(|m| text(m, header::WITHHELD).is_some());
        let all = whole.iter().map(|message| send(&producer, &settings.topic, message));
        join_all(all).await.into_iter().collect::<Result<Vec<()>>>()?;
        sent += whole.len();
        withheld += kept.len();
        tokio::task::block_in_place(|| reader.commit(&messages))?;
    }
}

async fn send(producer: &FutureProducer<Quiet>, topic: &str, message: &OwnedMessage) -> Result<()> {
    let mut headers = OwnedHeaders::new();
    for one in message.headers().into_iter().flat_map(|headers| headers.iter()) {
        if !one.key.starts_with(header::PREFIX) {
            headers = headers.insert(Header { key: one.key, value: one.value });
        }
    }
    let mut record = FutureRecord::<[u8], [u8]>::to(topic).headers(headers);
    record.payload = message.payload();
    record.key = message.key();
    producer.send(record, ANSWER_MAX).await.map_err(|(error, _)| error).context("replaying")?;
    Ok(())
}
