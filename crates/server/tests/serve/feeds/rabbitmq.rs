//! The feed from RabbitMQ: nothing lost, nothing twice, whoever is killed; what can't be taken is dead-lettered with its reason.

use super::rabbitmq_broker::Broker;
use super::{all_are_known, events, metric, stored, until};
use crate::support::{Place, now_ms, small};

fn config(broker: &Broker, queue: &str) -> String {
    format!("[sources.rabbitmq]\nurl = \"{}\"\nqueue = \"{queue}\"\n", broker.url())
}

/// One broker for all of it: it takes ten seconds to start.
#[test]
fn rabbitmq_feeds_the_store() {
    let Some(mut broker) = Broker::start() else { return };
    nothing_is_lost_and_nothing_counts_twice(&broker);
    poison_is_dead_lettered_and_can_be_replayed(&broker);
    a_broker_that_stops_is_waited_for(&mut broker);
}

fn nothing_is_lost_and_nothing_counts_twice(broker: &Broker) {
    let place = Place::new();
    let config = config(broker, "killed");
    let all = events((0..12_000).map(|i| format!("q{i}")));
    broker.send("killed", &all[..4_000], &[]);
    for round in 0..2 {
        let server = place.start(&config);
        let before = stored(&server);
        std::thread::scope(|scope| {
            let part = &all[4_000 * (round + 1)..4_000 * (round + 2)];
            let sending = scope.spawn(move || broker.send("killed", part, &[]));
            until("something is read", &server, || stored(&server) > before);
            server.kill_now();
            sending.join().expect("sent");
        });
    }
    broker.send("killed", &all[..500], &[]);
    let server = place.start(&config);
    until("everything is stored", &server, || stored(&server) >= 12_000);
    until("the queue is empty", &server, || {
        metric(&server, "pointsman_feed_messages_total{feed=\"rabbitmq\",fate=\"duplicate\"")
            >= 500.0
            && metric(&server, "pointsman_feed_lag{feed=\"rabbitmq\"}") == 0.0
    });
    assert_eq!(stored(&server), 12_000);
    all_are_known(&server, &all);
    assert_eq!(server.get("/readyz").json()["checks"]["rabbitmq"], "ok");
    assert!(!server.said().contains("guest"), "no password in the log: {}", server.said());
    assert_eq!(server.stop(), 0);
}

fn poison_is_dead_lettered_and_can_be_replayed(broker: &Broker) {
    let place = Place::new();
    let server = place.start(&config(broker, "poison"));
    let early = now_ms() + 300_000 + 8_000;
    let bodies = [
        small("good", now_ms(), "approved"),
        "no json".into(),
        small("early", early, "approved"),
        small("4111 1111 1111 1111", now_ms(), "approved"),
    ];
    broker.send("poison", &bodies, &[]);
    let cloud = [
        ("cloudEvents:specversion", "1.0"),
        ("cloudEvents:type", "pointsman.attempt.v1"),
        ("cloudEvents:id", "1"),
        ("cloudEvents:source", "/t"),
    ];
    broker.send("poison", &[small("binary", now_ms(), "declined")], &cloud);
    broker.send("poison", &[small("foreign", now_ms(), "declined")], &cloud[..1]);
    until("dead letters are written", &server, || {
        metric(&server, "pointsman_feed_dead_letters_total{feed=\"rabbitmq\"}") == 4.0
    });
    until("the others are stored", &server, || stored(&server) == 2);
    let list = || {
        let output = place.command(&["dlq", "list", "--format", "json"]);
        assert!(output.status.success(), "{output:?}");
        serde_json::from_slice::<Vec<serde_json::Value>>(&output.stdout).expect("a list")
    };
    let dead = list();
    let fields: Vec<&str> = dead.iter().filter_map(|letter| letter["field"].as_str()).collect();
    assert_eq!(fields, ["event", "occurred_at", "attempt_id", "type"], "{dead:#?}");
    assert_eq!((&dead[1]["tries"], &dead[1]["from"]), (&"3".into(), &"poison".into()));
    assert_eq!((&dead[2]["withheld"], &dead[2]["bytes"]), (&true.into(), &0.into()));
    assert_eq!(list(), dead, "listing takes nothing away");
    until("its time comes", &server, || now_ms() > early - 300_000);
    let replayed = place.command(&["dlq", "replay"]);
    let said = String::from_utf8_lossy(&replayed.stdout).into_owned();
    assert!(said.contains("3 replayed") && said.contains("1 passed over"), "{replayed:?}");
    until("it is taken now", &server, || stored(&server) == 3);
    until("the others are back", &server, || {
        metric(&server, "pointsman_feed_dead_letters_total{feed=\"rabbitmq\"}") == 6.0
    });
    assert_eq!(list().len(), 2);
    assert_eq!(server.stop(), 0);
}

fn a_broker_that_stops_is_waited_for(broker: &mut Broker) {
    let place = Place::new();
    let config = config(broker, "stopped");
    let all = events((0..2_000).map(|i| format!("s{i}")));
    broker.send("stopped", &all[..1_000], &[]);
    let server = place.start(&config);
    until("the first are stored", &server, || stored(&server) == 1_000);
    broker.stop();
    until("it is said", &server, || server.get("/readyz").json()["status"] == "degraded");
    assert_eq!(server.events(&events(["h".into()].into_iter()))["accepted"], 1);
    broker.start_again();
    broker.send("stopped", &all[1_000..], &[]);
    until("the others are stored", &server, || stored(&server) == 2_001);
    until("it is well", &server, || server.get("/readyz").json()["status"] == "ready");
    broker.stop();
    assert_eq!(server.stop(), 0);
    let gone = place.command(&["dlq", "list"]);
    assert_eq!(gone.status.code(), Some(4), "{gone:?}");
    let said = String::from_utf8_lossy(&gone.stderr).into_owned();
    assert!(said.contains("amqp://127.0.0.1") && !said.contains("guest"), "{said}");
}
