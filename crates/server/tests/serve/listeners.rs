//! Many who listen, and slow ones: a thousand lose nothing and hear nothing twice, whoever doesn't read is let go.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::sync::Barrier;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use crate::support::{EVENT_CLOCK, Place, Running};

const LISTENERS: usize = 1_000;
/// Events that are said before, while and after they are cut off.
const SAID: usize = 150;
/// Enough for a line of text.
const STACK: usize = 128 << 10;

fn connected(server: &Running, last: Option<i64>) -> BufReader<TcpStream> {
    let mut stream = TcpStream::connect(&server.address).expect("connected");
    stream.set_read_timeout(Some(Duration::from_secs(60))).expect("set");
    let last = last.map_or(String::new(), |id| format!("last-event-id: {id}\r\n"));
    let head = format!("GET /v1/stream HTTP/1.1\r\nhost: {}\r\n{last}\r\n", server.address);
    stream.write_all(head.as_bytes()).expect("written");
    let mut reader = BufReader::with_capacity(4 << 10, stream);
    let mut line = String::new();
    reader.read_line(&mut line).expect("an answer");
    assert!(line.starts_with("HTTP/1.1 200"), "{line}");
    reader
}

/// The ids of a stream, as long as `wants` says; whether it ended by itself.
fn ids(reader: BufReader<TcpStream>, wants: impl Fn(&[i64]) -> bool) -> (Vec<i64>, bool) {
    let mut ids = Vec::new();
    for line in reader.lines() {
        let line = match line {
            Ok(line) => line,
            // Hung up on with something unsent.
            Err(e) if e.kind() == std::io::ErrorKind::ConnectionReset => return (ids, true),
            Err(e) => panic!("nothing may be missing: {e}"),
        };
        if let Some(id) = line.strip_prefix("id: ") {
            ids.push(id.parse().expect("a number"));
        }
        // `routes` comes each second, so that it is asked again where nothing more is said.
        if !wants(&ids) {
            return (ids, false);
        }
    }
    (ids, true)
}

fn say(server: &Running, reason: &str) {
    let body = format!(r#"{{"engaged": true, "reason": "{reason}"}}"#);
    let answer = server.post("/v1/kill-switch", &body);
    assert_eq!(answer.status, 200, "{answer:?}");
}

#[test]
fn a_thousand_listeners_are_cut_off_and_miss_nothing() {
    let place = Place::new();
    let server = place.start(&format!("{EVENT_CLOCK}[limits]\nrequests_per_s = 0\n"));
    say(&server, "before anybody listens");
    let first = ids(connected(&server, Some(0)), |ids| ids.len() < 2).0;
    assert_eq!(first, [1, 2], "the switch, and the policy that follows from it");
    let ready = Barrier::new(LISTENERS + 1);
    let end = AtomicI64::new(i64::MAX);
    let listen = |n: usize| {
        let live = connected(&server, (!n.is_multiple_of(3)).then_some(2));
        ready.wait();
        let cut = 1 + n * 37 % (SAID / 2);
        let (mut heard, _) = ids(live, |ids| ids.len() < cut);
        assert_eq!(heard.len(), cut, "listener {n}");
        let last = *heard.last().expect("one at least");
        // Some come back at once, some while others are still cut off.
        std::thread::sleep(Duration::from_millis((n % 7) as u64 * 50));
        let so_far =
            |ids: &[i64]| ids.last().copied().unwrap_or(last) < end.load(Ordering::Acquire);
        heard.extend(ids(connected(&server, Some(last)), so_far).0);
        let end = end.load(Ordering::Acquire);
        assert_eq!(heard.last(), Some(&end), "listener {n}");
        assert_eq!(heard, (heard[0]..=end).collect::<Vec<_>>(), "listener {n}");
        if !n.is_multiple_of(3) {
            assert_eq!(heard[0], 3, "listener {n}");
        }
    };
    let listen = &listen;
    std::thread::scope(|scope| {
        for n in 0..LISTENERS {
            let thread = std::thread::Builder::new().stack_size(STACK);
            thread.spawn_scoped(scope, move || listen(n)).expect("a thread");
        }
        ready.wait();
        let now = server.get("/metrics").body;
        let here = format!("pointsman_stream_clients {LISTENERS}\n");
        assert!(now.contains(&here), "{now}");
        for n in 0..SAID {
            say(&server, &format!("drill {n}"));
        }
        let metrics = server.get("/metrics").body;
        let said = metrics.lines().find_map(|l| l.strip_prefix("pointsman_stream_events_total "));
        end.store(said.expect("counted").parse().expect("a number"), Ordering::Release);
    });
    assert!(end.into_inner() >= 2 + SAID as i64);
    let since = Instant::now();
    while !server.get("/metrics").body.contains("pointsman_stream_clients 0\n") {
        assert!(since.elapsed() < Duration::from_secs(20), "they are still counted as listening");
        std::thread::sleep(Duration::from_millis(100));
    }
    assert!(server.get("/metrics").body.contains("pointsman_stream_clients_dropped_total 0\n"));
}

#[test]
fn who_does_not_read_is_dropped_and_goes_on_where_it_was() {
    let place = Place::new();
    let server = place.start(&format!("{EVENT_CLOCK}[limits]\nrequests_per_s = 0\n"));
    let slow = connected(&server, None);
    let dropped = || {
        let metrics = server.get("/metrics").body;
        metrics.contains("pointsman_stream_clients_dropped_total 1\n")
    };
    let mut said = 0;
    let reader = std::sync::Mutex::new(slow);
    while !dropped() {
        // Some MiB lie in the system's buffers before anybody is behind.
        assert!(said < 30_000, "{said} were said and nobody is dropped");
        for _ in 0..200 {
            say(&server, &"ü".repeat(500));
            said += 1;
        }
        // It reads a little, and so slowly that it falls further behind.
        let mut reader = reader.lock().expect("whole");
        let mut line = String::new();
        for _ in 0..8 {
            line.clear();
            let _ = reader.read_line(&mut line);
        }
    }
    let (heard, ended) = ids(reader.into_inner().expect("whole"), |_| true);
    assert!(ended, "its connection is closed");
    let last = *heard.last().expect("it heard something");
    let metrics = server.get("/metrics").body;
    let end = metrics.lines().find_map(|l| l.strip_prefix("pointsman_stream_events_total "));
    let end: i64 = end.expect("counted").parse().expect("a number");
    assert!(last < end);
    let (rest, _) = ids(connected(&server, Some(last)), |ids| ids.last() != Some(&end));
    assert_eq!(rest, (last + 1..=end).collect::<Vec<_>>());
}
