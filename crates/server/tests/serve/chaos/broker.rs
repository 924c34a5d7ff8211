//! Rounds on PostgreSQL fed by Kafka: the process, the database, the broker.

use std::time::{Duration, Instant};

use stats::stream::Stream;

use super::tally::Tally;
use super::{compare, lines, say_again, stored};
use crate::feeds::{kafka_broker::Broker, until};
use crate::postgres::Cluster;
use crate::support::{EVENT_CLOCK, Place, Running};

/// Of a round's attempts, so many once more.
const TWICE: usize = 60;
const TOPIC: &str = "chaos";

pub fn play(count: usize, stream: &mut Stream, tally: &mut Tally) {
    let Some(broker) = Broker::start() else { return };
    let Some(mut cluster) = Cluster::start() else { return };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let url = runtime.block_on(cluster.database());
    broker.create(TOPIC, 1);
    let config = format!(
        "{EVENT_CLOCK}[store]\nurl = \"{url}\"\n[sources.kafka]\nbrokers = \"{}\"\ntopic = \"{TOPIC}\"\n\
         group = \"chaos\"\nproperties = {{ \"group.instance.id\" = \"chaos\", \"reconnect.backoff.max.ms\" = 500 }}\n",
        broker.address()
    );
    let rounds = lines::rounds(count, super::SEED + 1);
    let (place, undisturbed) = (Place::new(), Place::new());
    let reference = undisturbed.start(EVENT_CLOCK);
    let mut server = place.start(&config);
    let mut sent: Vec<String> = Vec::new();
    for (number, attempts) in rounds.iter().enumerate() {
        tally.attempts += attempts.len() as u64;
        reference.events(attempts);
        let (before, after) = attempts.split_at(stream.below(attempts.len() as u64) as usize);
        let goal = (sent.len() + attempts.len()) as u64;
        broker.send(TOPIC, before);
        let wait = Duration::from_millis(stream.below(300));
        std::thread::sleep(wait);
        let kind = ["kill -9", "database stopped", "broker stopped"][number % 3];
        let since = match kind {
            "kill -9" => {
                server.kill();
                broker.send(TOPIC, after);
                let since = Instant::now();
                server = place.start(&config);
                since
            }
            "database stopped" => {
                cluster.stop();
                broker.send(TOPIC, after);
                cluster.start_again();
                Instant::now()
            }
            _ => {
                broker.stop();
                std::thread::sleep(wait);
                broker.start_again();
                let since = Instant::now();
                broker.send(TOPIC, after);
                since
            }
        };
        sent.extend_from_slice(attempts);
        wait_for(&server, goal, count);
        tally.round(kind, since.elapsed());
        let from = stream.below(sent.len() as u64) as usize;
        broker.send(TOPIC, &sent[from..(from + TWICE).min(sent.len())]);
    }
    // The feed has a place in order too: this one is behind all that was sent twice.
    let last = lines::rounds(count + 1, super::SEED + 1).pop().expect("one more round");
    reference.events(&last);
    broker.send(TOPIC, &last);
    sent.extend(last);
    tally.attempts += sent.len() as u64;
    wait_for(&server, sent.len() as u64, count + 1);
    say_again(&server, &sent, tally);
    let there = stored(&server, count + 1);
    tally.double += there.saturating_sub(sent.len() as u64);
    tally.lost += (sent.len() as u64).saturating_sub(there);
    compare(&reference, &server, count + 1, tally);
    assert_eq!(server.stop(), 0);
}

fn wait_for(server: &Running, goal: u64, rounds: usize) {
    until("all that was sent is stored", server, || {
        let answer = server.get(&format!("/v1/series?{}", lines::span(rounds)));
        answer.status == 200 && stored(server, rounds) >= goal
    });
}
