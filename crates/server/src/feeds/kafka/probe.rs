//! Whether the brokers answer and the topic is there: `pointsman check`.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use rdkafka::consumer::{BaseConsumer, Consumer};

use super::client::{self, Quiet};
use crate::config::Kafka;

/// How long a broker may take to answer.
const ANSWER_MAX: Duration = Duration::from_secs(10);

/// Blocks. Joins no group and reads nothing.
pub fn reachable(settings: &Kafka) -> Result<()> {
    let consumer: BaseConsumer<Quiet> =
        client::made(client::dead_letters(settings).create_with_context(Quiet))?;
    let metadata = consumer
        .fetch_metadata(Some(&settings.topic), ANSWER_MAX)
        .with_context(|| format!("no broker of {} answers", settings.brokers))?;
    let topic = metadata.topics().iter().find(|topic| topic.name() == settings.topic);
    match topic.map(|topic| topic.error()) {
        Some(None) => Ok(()),
        _ => bail!("there is no topic {}, or this user may not see it; create it", settings.topic),
    }
}
