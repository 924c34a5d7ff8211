//! The feed from a file that grows: its place is stored with what was read, whoever is killed and whatever the file is called.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use super::{all_are_known, events, metric, stored, until};
use crate::support::{Place, now_ms, small};

const CONFIG: &str = "[sources.file]\npath = \"attempts.ndjson\"\n";

fn append(path: &Path, lines: &[String]) {
    let mut file = File::options().create(true).append(true).open(path).expect("opened");
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    file.write_all(text.as_bytes()).expect("written");
}

#[test]
fn file_killed_in_between_nothing_is_lost_and_nothing_is_read_twice() {
    let place = Place::new();
    let path = place.path().join("attempts.ndjson");
    let all = events((0..60_000).map(|i| format!("f{i}")));
    append(&path, &all[..20_000]);
    for round in 0..2 {
        let server = place.start(CONFIG);
        let before = stored(&server);
        append(&path, &all[20_000 * (round + 1)..20_000 * (round + 2)]);
        until("something is read", &server, || stored(&server) > before);
        server.kill();
        if round == 0 {
            // Rotated while nobody looked; the rest of the old file is read first.
            fs::rename(&path, place.path().join("attempts.ndjson.1")).expect("renamed");
        }
    }
    let server = place.start(CONFIG);
    until("everything is stored", &server, || stored(&server) >= 60_000);
    assert_eq!(stored(&server), 60_000);
    let fate = |fate: &str| {
        metric(&server, &format!("pointsman_feed_messages_total{{feed=\"file\",fate=\"{fate}\""))
    };
    assert_eq!(fate("duplicate"), 0.0, "the place is stored with what was read");
    all_are_known(&server, &all);
    assert_eq!(server.stop(), 0);
    let server = place.start(CONFIG);
    append(&path, &events(["last".into()].into_iter()));
    until("the last is stored", &server, || stored(&server) == 60_001);
    assert_eq!(metric(&server, "pointsman_feed_messages_total{feed=\"file\""), 1.0);
}

#[test]
fn file_what_can_not_be_read_is_said_with_its_place_and_the_rest_is_taken() {
    let place = Place::new();
    let path = place.path().join("attempts.ndjson");
    let server = place.start(CONFIG);
    until("it is missed", &server, || {
        let ready = server.get("/readyz").json();
        ready["checks"]["file"].as_str().is_some_and(|why| why.contains("isn't there yet"))
    });
    let lines = [
        small("a", now_ms(), "approved"),
        small("4111 1111 1111 1111", now_ms(), "approved"),
        String::new(),
        "no json".into(),
        small("b", now_ms(), "approved"),
    ];
    append(&path, &lines);
    until("two are stored", &server, || stored(&server) == 2);
    until("two are refused", &server, || {
        metric(&server, "pointsman_feed_messages_total{feed=\"file\",fate=\"refused\"") == 2.0
    });
    let said = server.said();
    let byte = format!("byte={}", lines[0].len() + 1);
    assert!(said.contains("card number") && said.contains(&byte), "{said}");
    assert!(!said.contains("4111 1111"));
    // Rotated under our eyes, with a last word to the old file.
    let mut old = File::options().append(true).open(&path).expect("opened");
    fs::rename(&path, place.path().join("attempts.ndjson-20260213")).expect("renamed");
    append(&path, &[small("d", now_ms(), "approved")]);
    writeln!(old, "{}", small("c", now_ms(), "approved")).expect("written");
    until("both are stored", &server, || stored(&server) == 4);
    // Cut.
    fs::write(&path, "").expect("written");
    append(&path, &[small("e", now_ms(), "approved")]);
    until("what comes after is stored", &server, || stored(&server) == 5);
    assert_eq!(server.get("/readyz").json()["status"], "ready");
}
