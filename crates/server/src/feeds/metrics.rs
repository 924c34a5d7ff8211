//! Counters and gauges of feeds.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::door::Outcome;
use crate::serve::writer::Fate;

/// A feed.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct FeedLabel {
    feed: &'static str,
}

/// What became of a message.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct MessageLabels {
    feed: &'static str,
    fate: &'static str,
}

/// What happened to partitions.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct RebalanceLabel {
    kind: &'static str,
}

/// All of them.
#[derive(Debug, Default)]
pub struct FeedMetrics {
    messages: Family<MessageLabels, Counter>,
    dead_letters: Family<FeedLabel, Counter>,
    waits: Family<FeedLabel, Counter>,
    up: Family<FeedLabel, Gauge>,
    paused: Family<FeedLabel, Gauge>,
    lag: Family<FeedLabel, Gauge>,
    rebalances: Family<RebalanceLabel, Counter>,
    /// Partitions that are read here.
    pub partitions: Gauge,
}

impl FeedMetrics {
    /// All of them, in the registry.
    pub fn new(registry: &mut Registry) -> Self {
        let new = Self::default();
        registry.register(
            "feed_messages",
            "Messages of feeds, by what became of them",
            new.messages.clone(),
        );
        registry.register(
            "feed_dead_letters",
            "Messages put into a dead-letter topic or queue",
            new.dead_letters.clone(),
        );
        registry.register(
            "feed_store_waits",
            "Times that a feed waited because the store didn't take a batch",
            new.waits.clone(),
        );
        registry.register("feed_up", "1 while the feed's source can be read", new.up.clone());
        registry.register(
            "feed_paused",
            "1 while the feed takes nothing more, because the store is slower",
            new.paused.clone(),
        );
        registry.register(
            "feed_lag",
            "What the feed has not stored yet: messages, of a file bytes",
            new.lag.clone(),
        );
        registry.register(
            "kafka_rebalances",
            "Changes of the partitions that are read here",
            new.rebalances.clone(),
        );
        registry.register(
            "kafka_partitions",
            "Partitions that are read here",
            new.partitions.clone(),
        );
        new
    }

    /// A feed that is configured has all its series from the beginning.
    pub fn begin(&self, feed: &'static str) {
        for fate in ["accepted", "updated", "duplicate", "refused"] {
            let _ = self.messages.get_or_create(&MessageLabels { feed, fate });
        }
        let _ = self.dead_letters.get_or_create(&FeedLabel { feed });
        let _ = self.waits.get_or_create(&FeedLabel { feed });
        self.up(feed, false);
        self.paused(feed, false);
        self.lag(feed, 0);
        if feed == "kafka" {
            for kind in ["assigned", "revoked", "failed"] {
                let _ = self.rebalances.get_or_create(&RebalanceLabel { kind });
            }
        }
    }

    /// Counts a batch's messages.
    pub fn count(&self, feed: &'static str, outcomes: &[Outcome]) {
        for outcome in outcomes {
            let fate = match outcome {
                Ok(Fate::Accepted) => "accepted",
                Ok(Fate::Updated) => "updated",
                Ok(Fate::Duplicate) => "duplicate",
                Ok(Fate::Future) | Err(_) => "refused",
            };
            self.messages.get_or_create(&MessageLabels { feed, fate }).inc();
        }
    }

    /// Counts a dead letter.
    pub fn dead_letter(&self, feed: &'static str) {
        self.dead_letters.get_or_create(&FeedLabel { feed }).inc();
    }

    /// Counts a wait for the store.
    pub fn waited(&self, feed: &'static str) {
        self.waits.get_or_create(&FeedLabel { feed }).inc();
    }

    /// Whether the source can be read.
    pub fn up(&self, feed: &'static str, is_up: bool) {
        self.up.get_or_create(&FeedLabel { feed }).set(i64::from(is_up));
    }

    /// Whether nothing more is taken.
    pub fn paused(&self, feed: &'static str, is_paused: bool) {
        self.paused.get_or_create(&FeedLabel { feed }).set(i64::from(is_paused));
    }

    /// How much is left.
    pub fn lag(&self, feed: &'static str, lag: i64) {
        self.lag.get_or_create(&FeedLabel { feed }).set(lag);
    }

    /// Counts a rebalance.
    pub fn rebalance(&self, kind: &'static str) {
        self.rebalances.get_or_create(&RebalanceLabel { kind }).inc();
    }
}
