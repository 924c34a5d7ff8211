//! The feed from Kafka: nothing lost, nothing twice, whoever is killed; what can't be taken is dead-lettered with its reason.

use super::kafka_broker::{Broker, shared};
use super::{all_are_known, events, metric, stored, until};
use crate::support::{Place, now_ms, small};

fn config(broker: &Broker, topic: &str) -> String {
    format!(
        "[sources.kafka]\nbrokers = \"{}\"\ntopic = \"{topic}\"\ngroup = \"{topic}-readers\"\n\
         properties = {{ \"session.timeout.ms\" = 6000 }}\n",
        broker.address()
    )
}

#[test]
fn kafka_killed_in_between_nothing_is_lost_and_nothing_counts_twice() {
    let Some(broker) = shared() else { return };
    let topic = "killed";
    let place = Place::new();
    let all = events((0..12_000).map(|i| format!("k{i}")));
    broker.send(topic, &all[..4_000]);
    for round in 0..2 {
        let server = place.start(&config(&broker, topic));
        let before = stored(&server);
        std::thread::scope(|scope| {
            let (broker, part) = (&broker, &all[4_000 * (round + 1)..4_000 * (round + 2)]);
            let sending = scope.spawn(move || broker.send(topic, part));
            until("something is read", &server, || stored(&server) > before);
            server.kill_now();
            sending.join().expect("sent");
        });
    }
    // The same once more: as after a producer that was not sure.
    broker.send(topic, &all[..500]);
    let server = place.start(&config(&broker, topic));
    until("everything is stored", &server, || stored(&server) >= 12_000);
    until("the lag is gone", &server, || {
        metric(&server, "pointsman_feed_messages_total{feed=\"kafka\",fate=\"duplicate\"") >= 500.0
            && metric(&server, "pointsman_feed_lag{feed=\"kafka\"}") == 0.0
    });
    assert_eq!(stored(&server), 12_000);
    all_are_known(&server, &all);
    assert_eq!(server.get("/readyz").json()["checks"]["kafka"], "ok");
    assert_eq!(server.stop(), 0);
    // Offsets were committed: a server that comes again reads nothing again.
    let server = place.start(&config(&broker, topic));
    until("partitions are here", &server, || metric(&server, "pointsman_kafka_partitions") == 3.0);
    broker.send(topic, &events(["last".into()].into_iter()));
    until("the last is stored", &server, || stored(&server) == 12_001);
    assert_eq!(metric(&server, "pointsman_feed_messages_total{feed=\"kafka\""), 1.0);
}

#[test]
fn kafka_poison_is_dead_lettered_with_its_reason_and_can_be_replayed() {
    let Some(broker) = shared() else { return };
    let topic = "poison";
    let place = Place::new();
    let server = place.start(&config(&broker, topic));
    let early = small("early", now_ms() + 300_000 + 8_000, "approved");
    let bodies = [
        small("good", now_ms(), "approved"),
        "no json".into(),
        small("colour", now_ms(), "purple"),
        early,
        small("4111 1111 1111 1111", now_ms(), "approved"),
        small("better", now_ms(), "approved"),
    ];
    broker.send(topic, &bodies);
    let cloud = [
        ("ce_specversion", "1.0"),
        ("ce_type", "pointsman.attempt.v1"),
        ("ce_id", "1"),
        ("ce_source", "/t"),
        ("content-type", "application/json"),
    ];
    broker.send_with(topic, &[small("binary", now_ms(), "declined")], &cloud);
    let foreign = [("ce_specversion", "1.0"), ("ce_type", "order.placed.v1")];
    broker.send_with(topic, &[small("foreign", now_ms(), "declined")], &foreign);
    until("dead letters are written", &server, || {
        metric(&server, "pointsman_feed_dead_letters_total{feed=\"kafka\"}") == 5.0
    });
    until("the others are stored", &server, || stored(&server) == 3);
    let list = || {
        let output = place.command(&["dlq", "list", "--format", "json"]);
        assert!(output.status.success(), "{output:?}");
        let text = String::from_utf8(output.stdout).expect("text");
        assert!(!text.contains("4111 1111 1111 1111"), "{text}");
        serde_json::from_str::<Vec<serde_json::Value>>(&text).expect("a list")
    };
    let dead = list();
    let of = |field: &str| {
        let found = dead.iter().find(|letter| letter["field"] == field);
        found.unwrap_or_else(|| panic!("{field}: {dead:#?}"))
    };
    assert_eq!(dead.len(), 5, "{dead:#?}");
    assert!(of("status")["reason"].as_str().is_some_and(|r| r.contains("approved")), "{dead:#?}");
    assert_eq!(
        (of("event")["tries"].as_str(), of("event")["bytes"].as_u64()),
        (Some("1"), Some(7))
    );
    assert_eq!(of("occurred_at")["tries"], "3");
    assert_eq!(of("occurred_at")["attempt_id"], "early");
    assert!(of("occurred_at")["from"].as_str().is_some_and(|f| f.starts_with("poison/")));
    assert_eq!(
        (&of("attempt_id")["withheld"], &of("attempt_id")["bytes"]),
        (&true.into(), &0.into())
    );
    assert!(of("type")["reason"].as_str().is_some_and(|r| r.contains("order.placed.v1")));
    assert!(!server.said().contains("4111 1111 1111 1111"));
    // What was too early isn't any more; what can't be read still can't.
    until("its time comes", &server, || now_ms() > now_ms_of(&bodies[3]) - 300_000);
    let replayed = place.command(&["dlq", "replay"]);
    let said = String::from_utf8_lossy(&replayed.stdout).into_owned();
    assert!(said.contains("4 replayed") && said.contains("1 passed over"), "{replayed:?}");
    until("it is taken now", &server, || stored(&server) == 4);
    until("the others are back", &server, || {
        metric(&server, "pointsman_feed_dead_letters_total{feed=\"kafka\"}") == 8.0
    });
    assert_eq!(list().len(), 3);
}

fn now_ms_of(event: &str) -> i64 {
    let event: serde_json::Value = serde_json::from_str(event).expect("JSON");
    event["occurred_at"].as_i64().expect("a time")
}

#[test]
fn kafka_a_rebalance_loses_nothing() {
    let Some(broker) = shared() else { return };
    let topic = "rebalanced";
    let place = Place::new();
    let all = events((0..9_000).map(|i| format!("r{i}")));
    broker.send(topic, &all[..3_000]);
    let server = place.start(&config(&broker, topic));
    until("it begins", &server, || stored(&server) > 0);
    let got = std::thread::scope(|scope| {
        let other = scope.spawn(|| broker.join_and_leave(topic, "rebalanced-readers"));
        broker.send(topic, &all[3_000..6_000]);
        other.join().expect("joined")
    });
    assert!((1..3).contains(&got), "the other member got {got} partitions");
    broker.send(topic, &all[6_000..]);
    until("everything is stored", &server, || stored(&server) >= 9_000);
    assert_eq!(stored(&server), 9_000);
    all_are_known(&server, &all);
    assert!(metric(&server, "pointsman_kafka_rebalances_total{kind=\"revoked\"}") >= 1.0);
    until("all are back", &server, || metric(&server, "pointsman_kafka_partitions") == 3.0);
}

#[test]
fn kafka_a_broker_that_stops_is_waited_for() {
    let Some(broker) = Broker::start() else { return };
    let topic = "stopped";
    let place = Place::new();
    let all = events((0..2_000).map(|i| format!("s{i}")));
    broker.send(topic, &all[..1_000]);
    let server = place.start(&config(&broker, topic));
    until("the first are stored", &server, || stored(&server) == 1_000);
    broker.stop();
    until("it is said", &server, || {
        let ready = server.get("/readyz").json();
        ready["status"] == "degraded"
            && ready["checks"]["kafka"].as_str().is_some_and(|why| why.contains("no broker"))
    });
    assert_eq!(metric(&server, "pointsman_feed_up{feed=\"kafka\"}"), 0.0);
    // HTTP goes on.
    assert_eq!(server.events(&events(["h".into()].into_iter()))["accepted"], 1);
    broker.start_again();
    broker.send(topic, &all[1_000..]);
    until("the others are stored", &server, || stored(&server) == 2_001);
    until("it is well", &server, || server.get("/readyz").json()["status"] == "ready");
    assert_eq!(server.stop(), 0);
    // Nobody there at the start is no reason not to start, nor not to stop.
    broker.stop();
    let server = place.start(&config(&broker, topic));
    assert_eq!(server.events(&events(["h2".into()].into_iter()))["accepted"], 1);
    assert_eq!(server.stop(), 0);
}

#[test]
fn kafka_faster_than_the_store_waits_at_the_broker_not_in_memory() {
    let Some(broker) = shared() else { return };
    let topic = "faster";
    let place = Place::new();
    let server = place.start(&config(&broker, topic));
    broker.send(topic, &events(["first".into()].into_iter()));
    until("the first is stored", &server, || stored(&server) == 1);
    let before_kb = server.resident_kb();
    // Another program holds the store; nothing can be written.
    let held = Held::of(&place.path().join("pointsman.db"));
    let pad = "x".repeat(120);
    let long = |event: &String| {
        event.replace("\"m\"", &format!("\"m\",\"attributes\":{{\"a\":\"{pad}\",\"b\":\"{pad}\"}}"))
    };
    for part in 0..10 {
        let ids = (0..10_000).map(|i| format!("w{part}_{i}"));
        broker.send(topic, &events(ids).iter().map(long).collect::<Vec<_>>());
    }
    until("nothing more is taken", &server, || {
        metric(&server, "pointsman_feed_paused{feed=\"kafka\"}") == 1.0
    });
    until("the feed waits", &server, || {
        metric(&server, "pointsman_feed_store_waits_total{feed=\"kafka\"}") >= 1.0
    });
    let grown_kb = server.resident_kb() - before_kb;
    assert!(grown_kb < 100 << 10, "45 MB wait at the broker, and memory grew by {grown_kb} kB");
    drop(held);
    until("everything is stored", &server, || stored(&server) >= 100_001);
    assert_eq!(stored(&server), 100_001);
    assert_eq!(metric(&server, "pointsman_feed_dead_letters_total{feed=\"kafka\"}"), 0.0);
    assert_eq!(metric(&server, "pointsman_feed_paused{feed=\"kafka\"}"), 0.0);
}

/// A write lock on an SQLite file, held until it is dropped.
struct Held {
    runtime: tokio::runtime::Runtime,
    connection: Option<sqlx::AnyConnection>,
}

impl Held {
    fn of(path: &std::path::Path) -> Self {
        use sqlx::{Connection, Executor};
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let connection = runtime.block_on(async {
            sqlx::any::install_default_drivers();
            let url = format!("sqlite:{}", path.display());
            let mut connection = sqlx::AnyConnection::connect(&url).await.expect("connected");
            connection.execute("BEGIN IMMEDIATE").await.expect("locked");
            connection
        });
        Self { runtime, connection: Some(connection) }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        use sqlx::Connection;
        if let Some(connection) = self.connection.take() {
            let _ = self.runtime.block_on(connection.close());
        }
    }
}
