//! The operator itself is blind.

use std::time::Duration;

use super::{Receiver, alert, kind, webhook};
use crate::postgres::Cluster;
use crate::support::{Place, now_ms, small};

#[test]
fn no_attempts_and_a_feed_that_stands_still() {
    let (place, secrets, receiver) = (Place::new(), Place::new(), Receiver::new());
    let feed = "[sources.rabbitmq]\nurl = \"amqp://127.0.0.1:1\"\nqueue = \"q\"\n";
    let config = webhook(&secrets, &receiver, "blind_after = \"3s\"", "");
    let server = place.start(&format!("{feed}{config}"));
    let of = |what: &'static str, matter: &'static str| {
        move |got: &super::Got| kind(got) == what && got.json()["subject"] == matter
    };
    receiver.wait(&server, "/web", of("pointsman.operator.blind.v1", "blind-feed_rabbitmq"));
    // Where there never were any attempts, none are missed.
    assert!(!receiver.got("/web").iter().any(of("pointsman.operator.blind.v1", "blind-attempts")));
    assert_eq!(server.post("/v1/events", &small("a", now_ms(), "approved")).status, 202);
    receiver.wait(&server, "/web", of("pointsman.operator.blind.v1", "blind-attempts"));
    let metrics = server.get("/metrics").body;
    assert!(metrics.contains("pointsman_operator_blind{what=\"attempts\"} 1"), "{metrics}");
    // A restart is no sign of life.
    server.kill();
    let server = place.start(&format!("{feed}{config}"));
    std::thread::sleep(Duration::from_secs(3));
    assert!(!receiver.got("/web").iter().any(of("pointsman.operator.sees.v1", "blind-attempts")));
    assert_eq!(server.post("/v1/events", &small("b", now_ms(), "approved")).status, 202);
    receiver.wait(&server, "/web", of("pointsman.operator.sees.v1", "blind-attempts"));
    server.kill();
    let server = place.start(&config);
    alert(&server, "told", |a| a["kind"] == "operator.blind" && a["about"] == "blind-attempts");
}

#[test]
fn a_store_that_is_down_is_told_without_it() {
    let Some(mut cluster) = Cluster::start() else { return };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let url = runtime.block_on(cluster.database());
    let (place, secrets, receiver) = (Place::new(), Place::new(), Receiver::new());
    let config = webhook(&secrets, &receiver, "store_down_after = \"1s\"", "");
    let server = place.start(&format!("[store]\nurl = \"{url}\"\n{config}"));
    drop(cluster);
    let told = receiver.wait(&server, "/web", |got| kind(got) == "pointsman.operator.blind.v1");
    assert_eq!(told.json()["subject"], "blind-store");
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(receiver.got("/web").len(), 1, "told once");
}
