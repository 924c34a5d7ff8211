//! Clients of Kafka: what is set by us, what by the configuration.

use rdkafka::ClientConfig;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, KafkaResult};

use crate::config::Kafka;

/// What the guarantee rests on, and where its value comes from instead.
const OURS: [(&str, &str); 6] = [
    ("bootstrap.servers", "sources.kafka.brokers"),
    ("metadata.broker.list", "sources.kafka.brokers"),
    ("group.id", "sources.kafka.group"),
    ("enable.auto.commit", "ours: an offset is committed after the store's commit"),
    ("enable.auto.offset.store", "ours: an offset is committed after the store's commit"),
    ("acks", "ours: a dead letter is safe before its message is done"),
];

/// Names of properties whose values are never said.
const SECRETS: [&str; 4] = ["password", "key", "secret", "sasl"];

fn common(settings: &Kafka) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("client.id", "pointsman");
    // An OpenSSL of our own doesn't know where this system keeps its certificates.
    config.set("ssl.ca.location", "probe");
    for (name, value) in settings.properties() {
        config.set(name, value);
    }
    config.set("bootstrap.servers", &settings.brokers);
    config.set_log_level(RDKafkaLogLevel::Info);
    config
}

/// A consumer of the group: offsets are stored by us after the store's commit, and committed within a second of it and when a partition
/// goes.
pub fn consumer(settings: &Kafka) -> ClientConfig {
    let mut config = ClientConfig::new();
    // Nothing that was sent before the group's first start is lost, and a rebalance moves only what has to move.
    config.set("auto.offset.reset", "earliest");
    config.set("partition.assignment.strategy", "cooperative-sticky");
    config.set("queued.max.messages.kbytes", "16384");
    config.set("statistics.interval.ms", "2000");
    for (name, value) in common(settings).config_map() {
        config.set(name, value);
    }
    config
        .set("group.id", &settings.group)
        .set("enable.auto.commit", "true")
        .set("auto.commit.interval.ms", "1000")
        .set("enable.auto.offset.store", "false");
    config
}

/// A producer whose messages are safe when they are answered.
pub fn producer(settings: &Kafka) -> ClientConfig {
    let mut config = common(settings);
    config.set("acks", "all").set("enable.idempotence", "true");
    config
}

/// A reader of the dead-letter topic; as a group of its own it remembers what has been replayed.
pub fn dead_letters(settings: &Kafka) -> ClientConfig {
    let mut config = common(settings);
    config
        .set("group.id", format!("{}.dlq-replay", settings.group))
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("auto.offset.reset", "earliest")
        .set("enable.partition.eof", "true");
    config
}

/// Properties that are ours, that don't exist, or whose value isn't allowed; never with a secret.
pub fn wrong_properties(settings: &Kafka) -> Vec<(String, String)> {
    let mut out = Vec::new();
    for (name, value) in settings.properties() {
        if let Some((_, whose)) = OURS.iter().find(|(ours, _)| *ours == name) {
            out.push((name, format!("can't be set here; it is {whose}")));
            continue;
        }
        let mut alone = ClientConfig::new();
        alone.set(&name, &value);
        let Err(KafkaError::ClientConfig(_, why, ..)) = alone.create_native_config() else {
            continue;
        };
        let is_secret = SECRETS.iter().any(|secret| name.contains(secret));
        let why = if why.starts_with("No such configuration property") {
            "there is no such property of librdkafka; its CONFIGURATION.md lists them".into()
        } else if is_secret {
            "this value isn't allowed (it is not shown)".into()
        } else {
            crate::read::visible(&why)
        };
        out.push((name, why));
    }
    out
}

/// A client, or why not, without the value that the client's own words would have.
pub fn made<T>(made: KafkaResult<T>) -> anyhow::Result<T> {
    made.map_err(|error| match error {
        KafkaError::ClientConfig(_, why, name, _) => anyhow::anyhow!("{name}: {why}"),
        other => anyhow::anyhow!("{other}"),
    })
}

/// What librdkafka says goes to the log at `debug`: the feed says itself how it is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Quiet;

impl ClientContext for Quiet {
    fn log(&self, _level: RDKafkaLogLevel, facility: &str, message: &str) {
        tracing::debug!(target: "librdkafka", facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(target: "librdkafka", %error, reason);
    }
}

impl rdkafka::consumer::ConsumerContext for Quiet {}
