//! The event stream: ids without a gap, resumed where it was left, across restarts too.

use crate::support::{EVENT_CLOCK, HOUR, Place};

/// Ids and kinds of the first `count` numbered events.
fn take(lines: impl Iterator<Item = String>, count: usize) -> Vec<(i64, String, String)> {
    let mut events = Vec::new();
    let (mut id, mut kind) = (None, String::new());
    // `routes` and pings go on for ever: after this many lines nothing more is coming.
    for line in lines.take(50 * count) {
        if let Some(text) = line.strip_prefix("id: ") {
            id = text.parse().ok();
        } else if let Some(text) = line.strip_prefix("event: ") {
            kind = text.to_owned();
        } else if let Some(data) = line.strip_prefix("data: ")
            && let Some(id) = id.take()
        {
            events.push((id, kind.clone(), data.to_owned()));
            if events.len() == count {
                break;
            }
        }
    }
    events
}

fn ids(events: &[(i64, String, String)]) -> Vec<i64> {
    events.iter().map(|event| event.0).collect()
}

#[test]
fn it_is_resumed_without_gap_or_duplicate() {
    let place = Place::new();
    let server = place.start(EVENT_CLOCK);
    let live = server.stream(None);
    for lines in HOUR.chunks(4_000) {
        server.events(lines);
    }
    let all = take(server.stream(Some(0)), 8);
    assert_eq!(ids(&all), [1, 2, 3, 4, 5, 6, 7, 8]);
    assert!(all.iter().any(|e| e.1 == "incident") && all.iter().any(|e| e.1 == "decision"));
    assert_eq!(take(live, 8), all, "who listened heard the same");
    let engaged = server.post("/v1/kill-switch", r#"{"engaged": true, "reason": "drill"}"#);
    assert_eq!(engaged.status, 200, "{engaged:?}");
    server.kill();
    let server = place.start(EVENT_CLOCK);
    assert_eq!(take(server.stream(Some(0)), 8), all, "from the store, the same");
    assert_eq!(take(server.stream(Some(5)), 3), all[5..]);
    let after = take(server.stream(Some(8)), 2);
    assert_eq!(ids(&after), [9, 10]);
    assert_eq!((after[0].1.as_str(), after[1].1.as_str()), ("kill_switch", "policy"));
}

#[test]
fn an_id_that_was_never_given_resets() {
    let server = Place::new().start(EVENT_CLOCK);
    let mut lines = server.stream(Some(99));
    assert!(lines.any(|line| line == "event: reset"));
    assert_eq!(lines.next().as_deref(), Some("data: {\"oldest_id\":1}"));
    let bad = server.ask("GET", "/v1/stream", &[("last-event-id", "x")], b"");
    assert_eq!(bad.status, 400);
}
