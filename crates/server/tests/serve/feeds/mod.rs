//! Feeds beside HTTP, on the real thing: brokers that the tests start themselves, on ports of their own.

mod file;
mod kafka;
pub mod kafka_broker;
mod rabbitmq;
mod rabbitmq_broker;

use std::net::TcpListener;
use std::time::{Duration, Instant};

use crate::support::{Running, small};

/// How long something may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);

/// A part that isn't installed: seen past the test's own capture, and counted.
pub fn skip(what: &str, command: &str) {
    use std::io::Write;
    let text = format!("\nSKIP tests: {what}; to get it: {command}\n");
    let _ = std::io::stdout().write_all(text.as_bytes());
}

/// Ports that are free now.
fn free_ports<const N: usize>() -> [u16; N] {
    let held: Vec<TcpListener> =
        (0..N).map(|_| TcpListener::bind("127.0.0.1:0").expect("a port")).collect();
    std::array::from_fn(|at| held[at].local_addr().expect("an address").port())
}

/// Waits until something holds.
pub fn until(what: &str, server: &Running, holds: impl Fn() -> bool) {
    let since = Instant::now();
    while !holds() {
        assert!(since.elapsed() < PATIENCE, "{what}: {}", server.said());
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Attempts in the roll-ups, which are written with the rows: one that is counted twice shows here.
fn stored(server: &Running) -> i64 {
    let hour =
        |hours: i64| payments::Timestamp::from_millis(crate::support::now_ms() + hours * 3_600_000);
    let path = format!("/v1/series?step=1h&from={}&to={}", hour(-1), hour(1));
    let series = server.get(&path).json();
    let points = series["data"].as_array().expect("points").clone();
    points.iter().map(|point| point["attempts"].as_i64().expect("a count")).sum()
}

/// A metric's value, summed over the labels that begin so.
fn metric(server: &Running, name: &str) -> f64 {
    let text = server.get("/metrics").body;
    let lines = text.lines().filter(|line| line.starts_with(name));
    lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
}

/// Events of this instant.
fn events(ids: impl Iterator<Item = String>) -> Vec<String> {
    let at = crate::support::now_ms();
    ids.map(|id| small(&id, at, "approved")).collect()
}

/// Each of these is known to the server already.
fn all_are_known(server: &Running, events: &[String]) {
    for lines in events.chunks(1_000) {
        let answer = server.events(lines);
        assert_eq!(answer["duplicates"], lines.len(), "lost: {answer}");
    }
}
