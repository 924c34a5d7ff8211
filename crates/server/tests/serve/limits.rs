//! What each caller may ask for: how often, how slowly, how deep.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::people::{ask, create};
use crate::support::{Place, now_ms, small};

#[test]
fn each_caller_may_ask_so_often_and_slows_nobody_else() {
    let place = Place::new();
    let config = "[limits]\nrequests_per_s = 5\nevents_per_s = 2\nroute_per_s = 3\n";
    place.config(config);
    let one = create(&place, &["--role", "admin"]).1;
    let other = create(&place, &["--role", "admin"]).1;
    let server = place.start(config);
    let statuses = |key: &str, method: &str, path: &str, body: &str, n: usize| -> Vec<u16> {
        (0..n).map(|_| ask(&server, key, method, path, body)).collect()
    };
    // Until it is empty: a bucket fills again while the machine is slow.
    let limited = |key: &str, method: &str, path: &str, body: &str| {
        statuses(key, method, path, body, 100).into_iter().filter(|s| *s == 429).count()
    };
    assert!(limited(&one, "GET", "/v1/me", "") > 0);
    assert_eq!(statuses(&other, "GET", "/v1/me", "", 1), [200], "another key has its own");
    let event = small("a", now_ms(), "approved");
    assert_eq!(statuses(&one, "POST", "/v1/events", &event, 1), [202], "events have their own");
    assert!(limited(&one, "POST", "/v1/events", &event) > 0);
    let route = r#"{"payment_id":"p","merchant_id":"m","method":"card","candidates":["x"],"amount":{"minor":1,"currency":"INR"}}"#;
    assert_eq!(statuses(&one, "POST", "/v1/route", route, 1), [200], "and so has routing");
    assert!(limited(&one, "POST", "/v1/route", route) > 0);
    assert!(limited(&one, "POST", "/v1/retry-advice", route) > 0);
    assert!(limited("pm_guessed", "GET", "/v1/me", "") > 0, "whoever guesses is slowed too");
    let bearer = format!("Bearer {other}");
    let answer = (0..100).find_map(|_| {
        let answer = server.ask("GET", "/v1/me", &[("authorization", &bearer)], b"");
        (answer.status == 429).then_some(answer)
    });
    let answer = answer.expect("limited");
    assert_eq!(answer.json()["code"], "rate_limited");
    let after: u64 = answer.header("retry-after").expect("said").parse().expect("seconds");
    assert!((1..=2).contains(&after), "{after}");
    std::thread::sleep(Duration::from_secs(after));
    assert_eq!(statuses(&other, "GET", "/v1/me", "", 1), [200]);
}

/// How long a connection stays open on which this was sent, and what came back.
fn held(address: &str, sent: &[u8], drip: &[u8]) -> (Duration, String) {
    let mut stream = TcpStream::connect(address).expect("connected");
    stream.set_read_timeout(Some(Duration::from_secs(2))).expect("set");
    stream.write_all(sent).expect("sent");
    let since = Instant::now();
    let mut answer = Vec::new();
    let mut bytes = [0; 1_024];
    loop {
        match stream.read(&mut bytes) {
            Ok(0) => break,
            Ok(n) => answer.extend_from_slice(&bytes[..n]),
            Err(e)
                if matches!(
                    e.kind(),
                    std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut
                ) =>
            {
                if !answer.is_empty() || stream.write_all(drip).is_err() {
                    break;
                }
            }
            Err(_) => break,
        }
        assert!(since.elapsed() < Duration::from_secs(100), "it is held for ever");
    }
    (since.elapsed(), String::from_utf8_lossy(&answer).into_owned())
}

#[test]
fn slow_heads_and_slow_bodies_end() {
    let place = Place::new();
    let server = place.start("");
    let address = server.address.clone();
    let head = format!("GET /v1/me HTTP/1.1\r\nhost: {address}\r\n");
    let body = format!(
        "POST /v1/kill-switch HTTP/1.1\r\nhost: {address}\r\ncontent-length: 100000\r\n\r\n{{"
    );
    let address = &address;
    std::thread::scope(|scope| {
        let slow_head = scope.spawn(move || held(address, head.as_bytes(), b"x: y\r\n"));
        let slow_body = scope.spawn(move || held(address, body.as_bytes(), b" "));
        let (lasted, answer) = slow_head.join().expect("done");
        assert!(lasted < Duration::from_secs(80), "{lasted:?} {answer}");
        let (lasted, answer) = slow_body.join().expect("done");
        assert!(lasted < Duration::from_secs(80), "{lasted:?}");
        assert!(answer.starts_with("HTTP/1.1 504"), "{answer}");
    });
    assert_eq!(server.get("/v1/me").status, 200);
}

#[test]
fn deep_json_is_refused_and_harms_nobody() {
    let place = Place::new();
    let server = place.start("");
    let deep = |open: &str, close: &str| open.repeat(100_000) + &close.repeat(100_000);
    let arrays = deep("[", "]");
    let objects = deep(r#"{"a":"#, "}").replacen("}", "1}", 1);
    for body in [&arrays, &objects] {
        for path in [
            "/v1/events",
            "/v1/route",
            "/v1/route/batch",
            "/v1/retry-advice",
            "/v1/keys",
            "/v1/kill-switch",
        ] {
            let answer = server.post(path, body);
            let is_refused = answer.status == 400
                || answer.status == 422
                || (answer.status == 202 && answer.json()["accepted"] == 0)
                || (answer.status == 200
                    && answer.json()["decisions"][0]["error"]["status"] == 422);
            assert!(is_refused, "{path}: {answer:?}");
        }
        let whole = small("a", now_ms(), "approved");
        let inside = format!("{},\"x\":{body}}}", whole.strip_suffix('}').expect("an object"));
        let answer = server.post("/v1/events", &inside);
        assert!(answer.status < 500, "{answer:?}");
    }
    assert_eq!(server.get("/v1/me").status, 200);
}
