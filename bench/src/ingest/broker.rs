//! The broker, as the tests of the feed start it.

#[allow(dead_code, reason = "tests do more with it")]
#[path = "../../../crates/server/tests/serve/feeds/kafka_broker.rs"]
mod kafka_broker;

use std::net::TcpListener;
use std::time::Duration;

pub use kafka_broker::Broker;

/// How long the broker may take to do anything.
const PATIENCE: Duration = Duration::from_secs(90);

/// What is missing is said where the measurement is left out.
fn skip(what: &str, command: &str) {
    eprintln!("SKIP {what}; to get it: {command}");
}

fn free_ports<const N: usize>() -> [u16; N] {
    let held: Vec<TcpListener> =
        (0..N).map(|_| TcpListener::bind("127.0.0.1:0").expect("a port")).collect();
    std::array::from_fn(|at| held[at].local_addr().expect("an address").port())
}
