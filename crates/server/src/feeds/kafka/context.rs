//! What the client calls back: rebalances, lag, whether a broker can be reached.

use std::sync::{Mutex, PoisonError};

use rdkafka::Statistics;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, Rebalance};
use rdkafka::error::KafkaError;

use super::super::door::Door;

/// Told by the client, from its own threads.
pub struct Context {
    door: Door,
    /// What the broker refuses (an unknown topic, a missing right) until something is read again.
    fault: Mutex<Option<String>>,
    /// The last thing that went wrong with a connection.
    last: Mutex<Option<String>>,
}

impl Context {
    /// For a feed.
    pub fn new(door: Door) -> Self {
        Self { door, fault: Mutex::default(), last: Mutex::default() }
    }

    /// The broker answered that it won't.
    pub fn refuse(&self, why: String) {
        self.door.is(Some(why.clone()));
        *self.fault.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
    }

    /// It gave something.
    pub fn gave(&self) {
        if self.fault.lock().unwrap_or_else(PoisonError::into_inner).take().is_some() {
            self.door.is(None);
        }
    }
}

impl ClientContext for Context {
    fn log(&self, _level: RDKafkaLogLevel, facility: &str, message: &str) {
        tracing::debug!(target: "librdkafka", facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(target: "librdkafka", %error, reason);
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(reason.to_owned());
    }

    fn stats(&self, statistics: Statistics) {
        let lag = statistics.topics.values().flat_map(|topic| topic.partitions.values());
        let lag = lag
            .filter(|partition| partition.partition >= 0)
            .map(|partition| partition.consumer_lag_stored.max(partition.consumer_lag).max(0));
        self.door.app.metrics.feeds.lag(self.door.feed, lag.sum());
        let is_up = statistics.brokers.values().any(|broker| broker.state == "UP");
        let wrong = if is_up {
            self.fault.lock().unwrap_or_else(PoisonError::into_inner).clone()
        } else {
            let last = self.last.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let last = last.unwrap_or_else(|| "no answer yet".into());
            Some(format!("no broker can be reached: {}", payments::excerpt(&last)))
        };
        self.door.is(wrong);
    }
}

impl ConsumerContext for Context {
    fn post_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        let (kind, changed) = match rebalance {
            Rebalance::Assign(list) => ("assigned", list.count()),
            Rebalance::Revoke(list) => ("revoked", list.count()),
            Rebalance::Error(error) => {
                tracing::warn!(%error, "a rebalance failed");
                ("failed", 0)
            }
        };
        let now = consumer.assignment().map(|list| list.count()).unwrap_or(0);
        self.door.app.metrics.feeds.rebalance(kind);
        self.door.app.metrics.feeds.partitions.set(now as i64);
        tracing::info!(kind, changed, now, "partitions of Kafka");
    }
}
