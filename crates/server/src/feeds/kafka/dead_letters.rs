//! The dead-letter topic: what can't be taken goes there with its reason, and is safe there before its offset is committed.

use std::time::Duration;

use futures_util::future::join_all;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::message::{Header, Headers, Message, OwnedHeaders, OwnedMessage};
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::types::RDKafkaErrorCode;

use super::super::dead::{Refusal, header, headers, is_withheld};
use super::super::door::{Door, Stopping, stop};
use super::client::{self, Quiet};
use crate::config::Kafka;

/// Between tries of a topic that doesn't take a dead letter.
const AGAIN: Duration = Duration::from_secs(1);
/// How long one try of sending may take.
const SEND_MAX: Duration = Duration::from_secs(30);

/// Writes dead letters.
pub struct DeadLetters {
    producer: FutureProducer<Quiet>,
    topic: String,
    door: Door,
}

impl DeadLetters {
    /// For a feed.
    pub fn new(settings: &Kafka, door: Door) -> anyhow::Result<Self> {
        let producer = client::made(client::producer(settings).create_with_context(Quiet))?;
        Ok(Self { producer, topic: settings.dlq_topic(), door })
    }

    /// Makes the topic, if it isn't there; where we may not, the first dead letter says so.
    pub async fn prepare(&self, settings: &Kafka) {
        let Ok(admin) =
            client::producer(settings).create_with_context::<_, AdminClient<Quiet>>(Quiet)
        else {
            return;
        };
        // The broker's own default of copies.
        let topic = NewTopic::new(&self.topic, 1, TopicReplication::Fixed(-1));
        let made = admin.create_topics(&[topic], &AdminOptions::new()).await;
        match made.as_deref() {
            Ok([Ok(name)]) => tracing::info!(name, "made the dead-letter topic"),
            Ok([Err((_, RDKafkaErrorCode::TopicAlreadyExists))]) => {}
            Ok([Err((name, why))]) => {
                tracing::warn!(name, %why, "the dead-letter topic can't be made; create it");
            }
            other => tracing::debug!(?other, "the dead-letter topic was not looked for"),
        }
    }

    /// Writes all of them; returns when they are safe, or the server stops.
    pub async fn bury(&self, refused: &[(&OwnedMessage, Refusal)]) -> Result<(), Stopping> {
        let all = refused.iter().map(|(message, refusal)| self.bury_one(message, refusal));
        join_all(all).await.into_iter().collect()
    }

    async fn bury_one(&self, message: &OwnedMessage, refusal: &Refusal) -> Result<(), Stopping> {
        let body = message.payload().unwrap_or_default();
        let withheld = is_withheld(body);
        let from =
            format!("{}/{} offset {}", message.topic(), message.partition(), message.offset());
        let mut own = OwnedHeaders::new();
        if let Some(theirs) = message.headers().filter(|_| !withheld) {
            for one in theirs.iter().filter(|one| !one.key.starts_with(header::PREFIX)) {
                own = own.insert(Header { key: one.key, value: one.value });
            }
        }
        for (key, value) in headers(refusal, from, withheld) {
            own = own.insert(Header { key, value: Some(&value) });
        }
        let mut said = false;
        loop {
            let mut record = FutureRecord::<[u8], [u8]>::to(&self.topic).headers(own.clone());
            if !withheld {
                record.payload = message.payload();
                record.key = message.key();
            }
            match self.producer.send(record, SEND_MAX).await {
                Ok(_) => {
                    self.door.app.metrics.feeds.dead_letter(self.door.feed);
                    return Ok(());
                }
                Err((error, _)) if !said => {
                    said = true;
                    let topic = &self.topic;
                    tracing::warn!(topic, %error, "the dead-letter topic takes nothing; the feed waits for it");
                }
                Err(_) => {}
            }
            let mut stopping = self.door.stopping();
            tokio::select! {
                () = tokio::time::sleep(AGAIN) => {}
                () = stop(&mut stopping) => return Err(Stopping),
            }
        }
    }
}
