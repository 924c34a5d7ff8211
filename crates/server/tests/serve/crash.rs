//! `kill -9`: what was acknowledged is there, nothing counts twice, and the engine goes on as if nothing had happened.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use crate::support::{EVENT_CLOCK, HOUR, Place, Running, now_ms, small};

#[test]
fn nothing_acknowledged_is_lost_and_nothing_counts_twice() {
    let place = Place::new();
    let mut acknowledged: Vec<String> = Vec::new();
    for round in 0..3 {
        let server = place.start("");
        let is_over = AtomicBool::new(false);
        let batches = AtomicUsize::new(0);
        let kept: Vec<Vec<String>> = std::thread::scope(|scope| {
            let post = |thread: usize| {
                let (server, is_over, batches) = (&server, &is_over, &batches);
                move || {
                    let mut kept = Vec::new();
                    for batch in 0.. {
                        if is_over.load(Ordering::Relaxed) {
                            break;
                        }
                        let ids: Vec<String> =
                            (0..20).map(|i| format!("r{round}t{thread}b{batch}i{i}")).collect();
                        let at = now_ms();
                        let lines: Vec<String> =
                            ids.iter().map(|id| small(id, at, "approved")).collect();
                        let kind = [("content-type", "application/x-ndjson")];
                        let body = lines.join("\n");
                        match server.try_ask("POST", "/v1/events", &kind, body.as_bytes()) {
                            Ok(answer) if answer.status == 202 => kept.extend(ids),
                            _ => break,
                        }
                        batches.fetch_add(1, Ordering::Relaxed);
                    }
                    kept
                }
            };
            let threads: Vec<_> = (0..4).map(|thread| scope.spawn(post(thread))).collect();
            while batches.load(Ordering::Relaxed) < 60 {
                std::thread::sleep(Duration::from_millis(5));
            }
            server.kill_now();
            is_over.store(true, Ordering::Relaxed);
            threads.into_iter().map(|thread| thread.join().expect("joined")).collect()
        });
        acknowledged.extend(kept.into_iter().flatten());
        drop(server);
    }
    assert!(acknowledged.len() >= 3_000, "{}", acknowledged.len());
    let server = place.start("");
    let at = now_ms();
    for ids in acknowledged.chunks(1_000) {
        let lines: Vec<String> = ids.iter().map(|id| small(id, at, "approved")).collect();
        let answer = server.events(&lines);
        assert_eq!(answer["duplicates"], ids.len(), "lost: {answer}");
    }
    // Rows and roll-ups agree: a batch that was written and not acknowledged counts in both or in neither.
    let series = server.get("/v1/series?step=1h").json();
    let points = series["data"].as_array().expect("points").clone();
    let summed: i64 = points.iter().map(|p| p["attempts"].as_i64().expect("a count")).sum();
    assert!(summed >= acknowledged.len() as i64);
    assert!((summed - acknowledged.len() as i64) <= 3 * 4 * 20, "{summed}");
}

fn told(server: &Running) -> [String; 3] {
    ["/v1/incidents?limit=500", "/v1/decisions?limit=500", "/v1/routes?by=gateway,issuer"]
        .map(|path| server.get(path).body)
}

#[test]
fn a_killed_engine_goes_on_bit_for_bit() {
    let whole = {
        let place = Place::new();
        let server = place.start(EVENT_CLOCK);
        for lines in HOUR.chunks(3_000) {
            server.events(lines);
        }
        told(&server)
    };
    let place = Place::new();
    let mut server = place.start(EVENT_CLOCK);
    for (count, lines) in HOUR.chunks(3_000).enumerate() {
        server.events(lines);
        match count {
            // From the journal alone, from a snapshot, and from a snapshot with a journal behind it.
            2 | 9 => {
                server.kill();
                server = place.start(EVENT_CLOCK);
            }
            6 => {
                assert_eq!(server.stop(), 0);
                server = place.start(EVENT_CLOCK);
            }
            _ => {}
        }
    }
    assert_eq!(told(&server), whole);
    assert!(!server.said().contains("replaying gave another answer"), "{}", server.said());
}
