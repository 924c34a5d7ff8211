//! A connection to RabbitMQ, its queues, and messages that are safe when they are answered.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use lapin::message::Delivery;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable, LongString, ShortString};
use lapin::{BasicProperties, Channel, Confirmation, Connection, ConnectionProperties};

use super::super::dead::header;
use crate::config::RabbitMq;

/// Kept on disk, as the queue is.
const PERSISTENT: u8 = 2;

/// How long a connection may take: a broker that is just starting may take one and never answer on it.
const CONNECT_MAX: Duration = Duration::from_secs(5);

/// Connects; an error names the host and nothing else of the URL.
pub async fn connect(settings: &RabbitMq) -> Result<Connection> {
    let properties = ConnectionProperties::default().with_connection_name("pointsman".into());
    tokio::time::timeout(CONNECT_MAX, Connection::connect(&settings.url, properties))
        .await
        .with_context(|| format!("{} takes the connection and doesn't answer", settings.shown()))?
        .with_context(|| format!("{} can't be reached", settings.shown()))
}

/// Whether it can be reached as this user; nothing is made.
pub async fn reachable(settings: &RabbitMq) -> Result<()> {
    let connection = connect(settings).await?;
    let _ = connection.close(200, "done".into()).await;
    Ok(())
}

/// A channel whose publishes are confirmed.
pub async fn confirmed(connection: &Connection) -> Result<Channel> {
    let channel = connection.create_channel().await?;
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    Ok(channel)
}

/// Makes a queue, unless it is there: one that is, keeps its kind and its arguments. How many messages wait in it.
pub async fn declare(connection: &Connection, queue: &str) -> Result<u32> {
    let name = ShortString::from(queue);
    // The answer "not found" closes the channel that it was asked on.
    let asked = connection.create_channel().await?;
    let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
    let found = asked.queue_declare(name.clone(), passive, FieldTable::default()).await;
    let found = match found {
        Ok(found) => found,
        Err(_) if connection.status().connected() => {
            let made = connection.create_channel().await?;
            let durable = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
            let queue_there = made.queue_declare(name, durable, FieldTable::default()).await;
            let queue_there =
                queue_there.with_context(|| format!("queue {queue} can't be had nor made"))?;
            tracing::info!(queue, "made the queue");
            let _ = made.close(200, "done".into()).await;
            return Ok(queue_there.message_count());
        }
        Err(error) => return Err(error.into()),
    };
    let _ = asked.close(200, "done".into()).await;
    Ok(found.message_count())
}

/// Publishes to a queue, and waits until the broker has it.
pub async fn publish(
    channel: &Channel,
    queue: &str,
    body: &[u8],
    properties: BasicProperties,
) -> Result<()> {
    let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
    let sent =
        channel.basic_publish("".into(), ShortString::from(queue), options, body, properties);
    match sent.await?.await? {
        Confirmation::Ack(None) => Ok(()),
        Confirmation::Ack(Some(_)) => bail!("queue {queue} is gone; the message came back"),
        Confirmation::Nack(_) | Confirmation::NotRequested => {
            bail!("RabbitMQ didn't take a message for queue {queue}")
        }
    }
}

/// What a message that goes on keeps: its kind, its id, its headers but ours. No expiry: what was put aside must not vanish.
pub fn kept(delivery: &Delivery, more: &[(&'static str, String)]) -> BasicProperties {
    let mut headers = FieldTable::default();
    if let Some(theirs) = delivery.properties.headers() {
        for (key, value) in theirs {
            if !key.as_str().starts_with(header::PREFIX) {
                headers.insert(key.clone(), value.clone());
            }
        }
    }
    for (key, value) in more {
        let value = LongString::from(value.as_str());
        headers.insert(ShortString::from(*key), AMQPValue::LongString(value));
    }
    let mut properties =
        BasicProperties::default().with_delivery_mode(PERSISTENT).with_headers(headers);
    if let Some(kind) = delivery.properties.content_type() {
        properties = properties.with_content_type(kind.clone());
    }
    if let Some(id) = delivery.properties.message_id() {
        properties = properties.with_message_id(id.clone());
    }
    properties
}

/// A header's text.
pub fn text<'a>(delivery: &'a Delivery, name: &str) -> Option<&'a str> {
    let headers = delivery.properties.headers().as_ref()?;
    match headers.inner().get(name)? {
        AMQPValue::LongString(text) => std::str::from_utf8(text.as_bytes()).ok(),
        AMQPValue::ShortString(text) => Some(text.as_str()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_broker_that_never_answers_is_given_up_and_named() {
        let mute = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = mute.local_addr().expect("an address");
        let settings =
            RabbitMq { url: format!("amqp://me:secret@{address}/%2f"), queue: "q".into() };
        let error = connect(&settings).await.map(|_| ()).expect_err("it never answers");
        let said = format!("{error:#}");
        assert!(said.contains(&format!("amqp://{address}/%2f takes the connection")), "{said}");
        assert!(!said.contains("secret"), "{said}");
    }
}
