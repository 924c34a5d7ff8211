//! From a file of the past to a server that knows what is normal, and one server per store.

use crate::support::{EVENT_CLOCK, HOUR, Place, event};
use payments::Timestamp;
use sim::{FailureKind, Kind, World};

const PER_S: f64 = 4.0;

/// Three quiet days, months before [`HOUR`].
fn history() -> String {
    const DAY_MS: i64 = 86_400_000;
    let world = World::at_rate(PER_S, 11).expect("a world");
    let from = Timestamp::from_millis(1_789_948_800_000 - 90 * DAY_MS);
    let samples = world.attempts(from, from.plus_millis(3 * DAY_MS));
    let lines: Vec<String> = samples.map(|sample| event(&sample.attempt)).collect();
    lines.join("\n")
}

#[test]
fn a_server_that_was_taught_finds_an_outage_in_its_first_minutes_and_nothing_else() {
    let place = Place::new();
    place.config(EVENT_CLOCK);
    std::fs::write(place.path().join("past.ndjson"), history()).expect("written");
    let taught = place.command(&["import", "past.ndjson", "--format", "json"]);
    let said = String::from_utf8_lossy(&taught.stderr).into_owned();
    assert!(taught.status.success(), "{said}");

    let server = place.start(EVENT_CLOCK);
    assert_eq!(server.get("/v1/incidents").json()["data"], serde_json::json!([]));
    assert_eq!(server.get("/v1/decisions").json()["data"], serde_json::json!([]));
    // The outage begins with the tenth minute: without history nothing would be known by then.
    let from = Timestamp::from_millis(1_789_948_800_000 + 9 * 3_600_000);
    let mut world = World::at_rate(PER_S, 11).expect("a world");
    let outage = Kind::Outage { severity: 0.9, blame: FailureKind::Gateway };
    let minute = |m: i64| from.plus_millis(m * 60_000);
    let incident = sim::Incident::on([("gateway", "PAYU")], minute(10), minute(20), outage);
    world.add(incident).expect("it hits traffic");
    let lines: Vec<String> =
        world.attempts(from, minute(15)).map(|sample| event(&sample.attempt)).collect();
    for lines in lines.chunks(2_000) {
        server.events(lines);
    }
    let found = server.get("/v1/incidents").json();
    let found = found["data"].as_array().expect("a list");
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0]["slice"], serde_json::json!({"gateway": "PAYU"}));
    let detected = found[0]["detected_at"].as_str().expect("a time");
    assert!(detected < "2026-09-21T09:11:00Z", "{detected}");
}

#[test]
fn a_store_has_one_server_and_what_needs_no_turn_goes_on() {
    let place = Place::new();
    let server = place.start("");
    let second = place.command(&["serve", "--listen", "127.0.0.1:0"]);
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert_eq!(second.status.code(), Some(3), "{said}");
    assert!(said.contains("another process writes in the store"), "{said}");
    std::fs::write(place.path().join("past.ndjson"), HOUR[..10].join("\n")).expect("written");
    let import = place.command(&["import", "past.ndjson"]);
    assert_eq!(import.status.code(), Some(3));
    assert!(place.command(&["keys", "list"]).status.success());
    assert!(place.command(&["audit", "verify"]).status.success());
    // However it ends, the next one may.
    server.kill();
    assert_eq!(place.start("").stop(), 0);
}
