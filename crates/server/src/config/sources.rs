//! Feeds beside HTTP: `sources.kafka`, `sources.rabbitmq`, `sources.file`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use config::{Value, ValueKind};
use serde::Deserialize;

use super::Wrong;

/// `sources`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Sources {
    /// A topic of Kafka.
    pub kafka: Option<Kafka>,
    /// A queue of RabbitMQ.
    pub rabbitmq: Option<RabbitMq>,
    /// A file that grows.
    pub file: Option<TailedFile>,
}

/// `sources.kafka`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Kafka {
    /// `host:port`, with commas between them.
    pub brokers: String,
    /// Read from here.
    pub topic: String,
    /// As this consumer group.
    pub group: String,
    dlq_topic: Option<String>,
    properties: BTreeMap<String, Value>,
}

/// `sources.rabbitmq`. Its URL holds a password, and is never printed.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct RabbitMq {
    /// `amqp://` or `amqps://`.
    pub url: String,
    /// Read from here.
    pub queue: String,
}

/// `sources.file`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct TailedFile {
    /// Attempts, one JSON object per line.
    pub path: PathBuf,
}

impl Kafka {
    /// Where messages go that are refused.
    pub fn dlq_topic(&self) -> String {
        self.dlq_topic.clone().unwrap_or_else(|| format!("{}.dlq", self.topic))
    }

    /// Properties for the client. Underscores stand for dots, as variables of the environment can't have those.
    pub fn properties(&self) -> Vec<(String, String)> {
        let text = |value: &Value| match &value.kind {
            ValueKind::Boolean(yes) => yes.to_string(),
            _ => value.clone().into_string().unwrap_or_default(),
        };
        self.properties.iter().map(|(name, value)| (name.replace('_', "."), text(value))).collect()
    }
}

impl RabbitMq {
    /// Where messages go that are refused.
    pub fn dlq(&self) -> String {
        format!("{}.dlq", self.queue)
    }

    /// The URL without user and password.
    pub fn shown(&self) -> String {
        let Some((scheme, rest)) = self.url.split_once("://") else { return "(no URL)".into() };
        let host = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
        format!("{scheme}://{host}")
    }
}

impl std::fmt::Debug for RabbitMq {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RabbitMq").field("url", &self.shown()).field("queue", &self.queue).finish()
    }
}

/// What each key alone can't tell.
pub fn wrong(sources: &Sources) -> Vec<Wrong> {
    let mut out = Vec::new();
    let mut say = |key: &str, detail: String| out.push(Wrong { key: key.into(), detail });
    if let Some(kafka) = &sources.kafka {
        let needed =
            [("brokers", &kafka.brokers), ("topic", &kafka.topic), ("group", &kafka.group)];
        for (name, value) in needed {
            if value.is_empty() {
                let why = "is missing; a feed from Kafka needs brokers, topic and group";
                say(&format!("sources.kafka.{name}"), why.into());
            }
        }
        if kafka.dlq_topic() == kafka.topic {
            let why = "is the topic itself: what is refused would be read again for ever";
            say("sources.kafka.dlq_topic", why.into());
        }
        for (name, why) in crate::feeds::kafka::wrong_properties(kafka) {
            say("sources.kafka.properties", format!("{}: {why}", crate::read::visible(&name)));
        }
    }
    if let Some(rabbitmq) = &sources.rabbitmq {
        if !["amqp://", "amqps://"].iter().any(|scheme| rabbitmq.url.starts_with(scheme)) {
            let why = "want amqp://user:password@host:port/vhost, or amqps:// for TLS";
            say("sources.rabbitmq.url", why.into());
        }
        if rabbitmq.queue.is_empty() {
            say("sources.rabbitmq.queue", "is missing; a feed needs url and queue".into());
        } else if rabbitmq.dlq().len() > 255 {
            say("sources.rabbitmq.queue", "is longer than the 251 bytes that AMQP leaves".into());
        }
    }
    if let Some(file) = &sources.file
        && file.path.file_name().is_none()
    {
        say("sources.file.path", "names no file".into());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_not_shown() {
        let of = |url: &str| RabbitMq { url: url.into(), queue: "q".into() };
        let feed = of("amqp://me:p%40ss@rabbit:5672/payments");
        assert_eq!(feed.shown(), "amqp://rabbit:5672/payments");
        assert!(!format!("{feed:?}").contains("ss"));
        assert_eq!(of("amqp://localhost").shown(), "amqp://localhost");
        assert_eq!(of("me:secret@x").shown(), "(no URL)");
    }

    #[test]
    fn what_is_missing_or_unknown_is_said_with_its_key() {
        let kafka: Sources = serde_json::from_str(
            r#"{"kafka": {"brokers": "b:9092", "topic": "t", "dlq_topic": "t",
            "properties": {"sasl.pasword": "x", "group.id": "y", "security_protocol": "ssl"}}, "rabbitmq": {"url": "http://x"}}"#,
        )
        .unwrap();
        let said: Vec<String> = wrong(&kafka).iter().map(ToString::to_string).collect();
        assert_eq!(said.len(), 6, "{said:#?}");
        assert!(said[0].starts_with("sources.kafka.group: is missing"));
        assert!(said[1].starts_with("sources.kafka.dlq_topic: is the topic itself"));
        assert!(said[2].contains("group.id") && said[3].contains("sasl.pasword"), "{said:#?}");
        assert!(said[4].starts_with("sources.rabbitmq.url") && said[5].contains("queue"));
    }
}
