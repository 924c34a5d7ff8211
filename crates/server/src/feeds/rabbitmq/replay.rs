//! The dead-letter queue for people: what lies there, and back with it to where it came from.

use anyhow::Result;
use lapin::message::BasicGetMessage;
use lapin::options::{BasicAckOptions, BasicGetOptions};
use lapin::types::ShortString;

use super::super::dead::{Dead, header};
use super::broker::{confirmed, connect, declare, kept, publish, text};
use crate::config::RabbitMq;

/// What lies there, oldest first, at most `limit`. It stays there.
pub async fn list(settings: &RabbitMq, limit: usize) -> Result<Vec<Dead>> {
    let connection = connect(settings).await?;
    let dlq = settings.dlq();
    declare(&connection, &dlq).await?;
    let channel = connection.create_channel().await?;
    let name = ShortString::from(dlq.as_str());
    let mut out = Vec::new();
    while out.len() < limit
        && let Some(BasicGetMessage { delivery, .. }) =
            channel.basic_get(name.clone(), BasicGetOptions::default()).await?
    {
        let place = format!("{dlq} #{}", out.len() + 1);
        let header = |name: &str| text(&delivery, name).map(str::to_owned);
        out.push(Dead::read(place, delivery.data.len(), header));
    }
    // What was not acknowledged goes back to its place.
    let _ = channel.close(200, "listed".into()).await;
    let _ = connection.close(200, "listed".into()).await;
    Ok(out)
}

/// Sends dead letters, at most `limit`, to where they came from; how many went, and how many could not because their body was withheld.
pub async fn replay(settings: &RabbitMq, limit: usize) -> Result<(usize, usize)> {
    let connection = connect(settings).await?;
    let dlq = settings.dlq();
    // Those that are refused once more come back meanwhile: no more than are there now.
    let limit = limit.min(declare(&connection, &dlq).await? as usize);
    declare(&connection, &settings.queue).await?;
    let channel = confirmed(&connection).await?;
    let name = ShortString::from(dlq.as_str());
    let (mut sent, mut withheld) = (0, 0);
    while sent + withheld < limit
        && let Some(BasicGetMessage { delivery, .. }) =
            channel.basic_get(name.clone(), BasicGetOptions::default()).await?
    {
        if text(&delivery, header::WITHHELD).is_some() {
            withheld += 1;
        } else {
            publish(&channel, &settings.queue, &delivery.data, kept(&delivery, &[])).await?;
            sent += 1;
        }
        channel.basic_ack(delivery.delivery_tag, BasicAckOptions::default()).await?;
    }
    let _ = connection.close(200, "replayed".into()).await;
    Ok((sent, withheld))
}
