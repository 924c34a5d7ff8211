//! What people are told of a policy's roll-out.

use serde_json::Value;

use super::{Got, Receiver, alert, kind, state, webhook};
use crate::rollout::{CANDIDATE, INCUMBENT, Network, begin, start};
use crate::support::{EVENT_CLOCK, Place, Running, now_ms};

fn wait(receiver: &Receiver, server: &Running, what: &str, about: &str) -> Value {
    let is_it = |got: &Got| {
        kind(got) == format!("pointsman.rollout.{what}.v1") && got.json()["subject"] == about
    };
    receiver.wait(server, "/web", is_it).json()
}

/// What was told of roll-outs, by id, in order.
fn told(receiver: &Receiver) -> Vec<String> {
    let all = receiver.got("/web").into_iter();
    let own = all.filter(|got| kind(got).starts_with("pointsman.rollout."));
    own.map(|got| got.header("webhook-id").rsplit_once("_ro_").expect("an id").1.to_owned())
        .collect()
}

#[test]
fn a_policy_that_earns_everything_is_told_once_and_its_steps_are_not() {
    let (place, secrets, receiver) = (Place::new(), Place::new(), Receiver::new());
    let channel = webhook(&secrets, &receiver, "", "");
    let mut server = start(&place, &format!("{INCUMBENT}{channel}"));
    let mut network = Network::new(0.6, 0.95);
    begin(&server, &["b", "a"]);
    network.until(&server, &["whole"], 200);
    let whole = wait(&receiver, &server, "whole", "ro_1");
    assert_eq!(whole["data"]["severity"], "info");
    assert_eq!(whole["data"]["title"], "the roll-out ro_1 is whole: 98.0 % of payments");
    server.kill();
    server = place.start(&format!("{EVENT_CLOCK}{INCUMBENT}{channel}"));
    place.config(&format!("{EVENT_CLOCK}{CANDIDATE}{channel}"));
    server.signal("HUP");
    network.until(&server, &["stopped"], 100);
    let adopted = wait(&receiver, &server, "adopted", "ro_1");
    assert!(adopted["data"]["title"].as_str().expect("a title").contains("configured one now"));
    assert_eq!(told(&receiver), ["1-whole", "1-adopted"]);
}

#[test]
fn what_is_taken_back_is_told_with_its_reason() {
    let (place, secrets, receiver) = (Place::new(), Place::new(), Receiver::new());
    let quiet = format!(
        "[channels.quiet]\ntype = \"slack\"\nurl = \"{}\"\nseverity_min = \"warning\"\n",
        receiver.url("/quiet")
    );
    let channels = webhook(&secrets, &receiver, "", &quiet);
    let server = start(&place, &format!("{INCUMBENT}{channels}"));
    let mut network = Network::new(0.95, 0.6);
    begin(&server, &["b", "a"]);
    network.until(&server, &["stopped"], 100);
    let harm = wait(&receiver, &server, "rolled_back", "ro_1");
    assert_eq!(harm["data"]["severity"], "warning");
    let title = "the roll-out ro_1 was taken back: the candidate has fewer successes";
    assert_eq!(harm["data"]["title"], title);
    let text = harm["data"]["text"].as_str().expect("a text");
    for said in ["it was at step 1 of 2, 10.0 % of payments", " points (-", "begun by local at "] {
        assert!(text.contains(said), "{text}");
    }
    // A person's doing is a note, and no news to whoever only hears what is wrong.
    begin(&server, &["b"]);
    let reason = r#"{"reason": "the bank asked for it"}"#;
    assert_eq!(server.post("/v1/policy/rollout/rollback", reason).status, 200);
    let person = wait(&receiver, &server, "rolled_back", "ro_2");
    assert_eq!(person["data"]["severity"], "info");
    let title = "the roll-out ro_2 was rolled back by local: the bank asked for it";
    assert_eq!(person["data"]["title"], title);
    receiver.wait(&server, "/quiet", |got| got.body.contains("ro_1"));
    assert!(!receiver.got("/quiet").iter().any(|got| got.body.contains("ro_2")));
    assert_eq!(told(&receiver), ["1-rolled_back", "2-rolled_back"]);
}

#[test]
fn a_silence_of_the_gateway_that_ended_it_covers_it() {
    let (place, secrets, receiver) = (Place::new(), Place::new(), Receiver::new());
    let channel = webhook(&secrets, &receiver, "", "");
    let server = start(&place, &format!("{INCUMBENT}{channel}"));
    begin(&server, &["b", "a"]);
    let until = payments::Timestamp::from_millis(now_ms() + 3_600_000);
    let silence =
        format!(r#"{{"slice": {{"gateway": "b"}}, "until": "{until}", "reason": "b goes"}}"#);
    assert_eq!(server.post("/v1/silences", &silence).status, 201);
    place.config(&format!("{EVENT_CLOCK}[[gateways]]\nname = \"a\"\n{channel}"));
    server.signal("HUP");
    let is_silenced =
        |a: &Value| a["kind"] == "rollout.rolled_back" && state(a, "web") == "silenced";
    let silenced = alert(&server, "silenced", is_silenced);
    assert_eq!(silenced["notice"]["slice"]["gateway"], "b");
    assert!(told(&receiver).is_empty());
}
