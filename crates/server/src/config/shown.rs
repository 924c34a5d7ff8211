//! Values as people see them: what may be a secret is not shown.

use std::collections::BTreeMap;

use config::{Config, File, FileFormat, Value, ValueKind};

use super::RabbitMq;
use super::keys::keys;
use crate::read::visible;

/// The annotated file; what stands in it are the defaults, which a test compares.
const ANNOTATED: &str = include_str!("../../../../pointsman.toml");

/// A value as text, in the form of TOML. Tables in the order of their names, so that equal values are equal texts.
pub(super) fn text(kind: &ValueKind) -> String {
    match kind {
        ValueKind::Nil => String::new(),
        ValueKind::String(text) => format!("{text:?}"),
        ValueKind::Array(list) => {
            let items: Vec<String> = list.iter().map(|value| text(&value.kind)).collect();
            format!("[{}]", items.join(", "))
        }
        ValueKind::Table(table) => {
            let sorted: BTreeMap<&String, &Value> = table.iter().collect();
            let members: Vec<String> = sorted
                .into_iter()
                .map(|(name, value)| format!("{name} = {}", text(&value.kind)))
                .collect();
            format!("{{ {} }}", members.join(", "))
        }
        other => other.to_string(),
    }
}

/// A key's value for people. URLs lose their passwords; of tables that may hold one, and of whatever is called a secret, nothing is shown.
pub fn shown(name: &str, text: &str) -> String {
    let inner = text.trim_matches('"');
    let last = name.rsplit('.').next().unwrap_or_default();
    let is_secret = ["secret", "password", "token", "key_", "properties"]
        .iter()
        .any(|word| last.contains(word));
    match name {
        "store.url" => format!("\"{}\"", visible(&store::shown(inner))),
        "sources.rabbitmq.url" => {
            let feed = RabbitMq { url: inner.into(), ..RabbitMq::default() };
            format!("\"{}\"", visible(&feed.shown()))
        }
        "telemetry.otlp_endpoint" if inner.contains('@') => "(set)".into(),
        _ if is_secret || name.starts_with("channels.") => "(set)".into(),
        _ => visible(text),
    }
}

/// Every key that has a default, with it.
pub fn defaults() -> BTreeMap<&'static str, String> {
    let file = File::from_str(ANNOTATED, FileFormat::Toml);
    let Ok(read) = Config::builder().add_source(file).build() else { return BTreeMap::new() };
    keys()
        .iter()
        .filter_map(|key| {
            let value: Value = read.get(key.name).ok()?;
            Some((key.name, text(&value.kind)))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_a_secret_is_not_shown() {
        let cases = [
            ("store.url", "\"postgres://me:hunter2@db/x\"", "\"postgres://me@db/x\""),
            ("sources.rabbitmq.url", "\"amqp://me:hunter2@mq/x\"", "\"amqp://mq/x\""),
            ("sources.kafka.properties", "{ \"sasl.password\" = \"hunter2\" }", "(set)"),
            ("channels.ops", "{ secret = \"hunter2\" }", "(set)"),
            ("auth.oidc.client_secret", "\"hunter2\"", "(set)"),
            ("modes.reroute", "\"auto\"", "\"auto\""),
        ];
        for (name, text, expected) in cases {
            assert_eq!(shown(name, text), expected, "{name}");
        }
    }

    #[test]
    fn defaults_are_those_of_the_annotated_file() {
        let defaults = defaults();
        assert_eq!(defaults["guardrails.steps"], "[0.05, 0.2, 0.5, 1]");
        assert_eq!(defaults["server.listen"], "\"127.0.0.1:7070\"");
        assert!(!defaults.contains_key("modes.reroute"));
    }
}
