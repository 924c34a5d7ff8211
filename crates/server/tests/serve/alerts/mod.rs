//! Alerts, told to a receiver that the tests start themselves.

mod blind;
mod delivery;
mod receiver;
mod refused;
mod rollout;
mod silence;

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{HOUR, Place, Running};
use receiver::{Got, Receiver};

/// A secret as Standard Webhooks writes it.
pub const WHSEC: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const ROUTING_KEY: &str = "R0UT1NGKEYOFTHISTEST0000000000AB";

/// One webhook, its secret in a file beside the place of the server.
fn webhook(secrets: &Place, receiver: &Receiver, alerts: &str, channel: &str) -> String {
    let path = secrets.path().join("whsec");
    std::fs::write(&path, format!("{WHSEC}\n")).expect("written");
    format!(
        "[alerts]\nallow_private = true\n{alerts}\n[channels.web]\ntype = \"webhook\"\nurl = \"{}\"\nsecret_file = \"{}\"\n{channel}\n",
        receiver.url("/web"),
        path.display()
    )
}

/// Half an hour of the hour before the outage, or until the outage has lasted for some minutes.
fn play(server: &Running, until_minute: usize) {
    HOUR[..HOUR.len() * until_minute / 60]
        .chunks(5_000)
        .for_each(|lines| drop(server.events(lines)));
}

fn kind(got: &Got) -> String {
    got.json()["type"].as_str().unwrap_or_default().to_owned()
}

/// Waits for the one alert of an id.
fn alert(server: &Running, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    let since = Instant::now();
    loop {
        let page = server.get("/v1/alerts?limit=500").json();
        if let Some(found) = page["data"].as_array().expect("a page").iter().find(|a| is_so(a)) {
            return found.clone();
        }
        assert!(since.elapsed() < Duration::from_secs(90), "{what}: {page:#}; {}", server.said());
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The state of an alert in a channel.
fn state<'a>(alert: &'a Value, channel: &str) -> &'a str {
    let deliveries = alert["deliveries"].as_array().expect("deliveries");
    let own = deliveries.iter().find(|d| d["channel"] == channel);
    own.and_then(|d| d["state"].as_str()).unwrap_or_default()
}

fn engage(server: &Running, reason: &str) {
    let body = format!(r#"{{"engaged": true, "reason": "{reason}"}}"#);
    assert_eq!(server.post("/v1/kill-switch", &body).status, 200);
}
