//! `--export-dir`: files for scripts, which say what the API says.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{EVENT_CLOCK, HOUR, Place};

#[test]
fn files_say_what_the_api_says() {
    let place = Place::new();
    place.config(EVENT_CLOCK);
    let server = place.run(&["serve", "--listen", "127.0.0.1:0", "--export-dir", "out"]);
    server.events(&HOUR);
    let file = |name: &str| {
        let text = std::fs::read_to_string(place.path().join("out").join(name)).unwrap_or_default();
        serde_json::from_str::<Value>(&text).unwrap_or_default()
    };
    let told = [
        ("live_metrics.json", server.get("/v1/routes?limit=500").json()),
        ("live_decisions.json", server.get("/v1/decisions").json()),
        ("memory.json", server.get("/v1/memory").json()),
    ];
    assert!(!told[1].1["data"].as_array().expect("a list").is_empty());
    let since = Instant::now();
    for (name, api) in &told {
        while file(name) != *api {
            assert!(since.elapsed() < Duration::from_secs(30), "{name}: {}", file(name));
            std::thread::sleep(Duration::from_millis(100));
        }
    }
    assert_eq!(server.stop(), 0);
    let mut names: Vec<String> = std::fs::read_dir(place.path().join("out"))
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    assert_eq!(names, ["live_decisions.json", "live_metrics.json", "memory.json"]);

    let refused = place.command(&["serve", "--listen", "127.0.0.1:0", "--export-dir", "log/x"]);
    assert_eq!(refused.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("can't be written to"));
}
