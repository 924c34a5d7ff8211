//! What is told, to whom, and that it arrives.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;

use super::{Got, ROUTING_KEY, Receiver, WHSEC, alert, engage, kind, play, state, webhook};
use crate::support::{EVENT_CLOCK, Place};

/// By those who wrote the scheme, not by us.
fn verify(got: &Got) {
    let mut headers = http_headers(got);
    let webhook = standardwebhooks::Webhook::new(WHSEC).expect("a secret");
    webhook.verify(got.body.as_bytes(), &headers).unwrap_or_else(|e| panic!("{e}: {got:?}"));
    assert!(webhook.verify(got.body.replace('1', "2").as_bytes(), &headers).is_err());
    headers.insert("webhook-id", "msg_other".parse().expect("a value"));
    assert!(webhook.verify(got.body.as_bytes(), &headers).is_err());
}

fn http_headers(got: &Got) -> axum::http::HeaderMap {
    let mut headers = axum::http::HeaderMap::new();
    for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
        headers.insert(name, got.header(name).parse().expect("a value"));
    }
    headers
}

#[test]
fn every_channel_hears_of_an_incident_from_its_beginning_to_its_end() {
    let (place, secrets, receiver) = (Place::new(), Place::new(), Receiver::new());
    let key = secrets.path().join("routing_key");
    std::fs::write(&key, ROUTING_KEY).expect("written");
    let config = format!(
        "{EVENT_CLOCK}{}\
        [channels.chat]\ntype = \"slack\"\nurl = \"{}\"\n\
        [channels.duty]\ntype = \"pagerduty\"\nurl = \"{}\"\nrouting_key_file = \"{}\"\n\
        [channels.am]\ntype = \"alertmanager\"\nurl = \"{}\"\n",
        webhook(&secrets, &receiver, "", ""),
        receiver.url("/services/T0/B0/HUSHHUSH"),
        receiver.url("/pd"),
        key.display(),
        receiver.url("/am"),
    );
    let server = place.start(&config);
    play(&server, 52);
    let is_opened =
        |a: &Value| a["kind"] == "incident.opened" && a["notice"]["slice"]["gateway"] == "PAYU";
    let opened = alert(&server, "opened", is_opened);
    let incident = opened["about"].as_str().expect("an incident").to_owned();
    let incident_url = format!("/v1/incidents/{incident}");
    assert_eq!(server.get(&incident_url).json()["id"], incident);
    let of = |got: &Got, kind: &str, incident: &str| {
        let event = got.json();
        event["type"] == format!("pointsman.{kind}.v1") && event["subject"] == incident
    };
    let first = receiver.wait(&server, "/web", |got| of(got, "incident.opened", &incident));
    verify(&first);
    let event = first.json();
    assert_eq!(
        (&event["specversion"], first.header("content-type")),
        (&"1.0".into(), "application/cloudevents+json")
    );
    assert_eq!(event["id"], first.header("webhook-id"));
    assert_eq!(event["data"]["slice"]["gateway"], "PAYU");
    let about = |got: &Got, action: &str| {
        let event = got.json();
        let key = event["dedup_key"].as_str().unwrap_or_default();
        event["event_action"] == action && key.ends_with(&format!(":{incident}"))
    };
    let trigger = receiver.wait(&server, "/pd/v2/enqueue", |got| about(got, "trigger")).json();
    assert_eq!(trigger["routing_key"], ROUTING_KEY);
    assert_eq!(server.post(&format!("{incident_url}/ack"), "").status, 200);
    assert_eq!(server.post(&format!("{incident_url}/ack"), "").status, 200);
    let acknowledged = receiver.wait(&server, "/pd", |got| about(got, "acknowledge")).json();
    let fires = |got: &Got, incident: &str| got.json()[0]["labels"]["about"] == incident;
    let firing = receiver.wait(&server, "/am/api/v2/alerts", |got| fires(got, &incident)).json();

    super::HOUR[super::HOUR.len() * 52 / 60..]
        .chunks(5_000)
        .for_each(|lines| drop(server.events(lines)));
    let resolved = receiver.wait(&server, "/pd", |got| about(got, "resolve")).json();
    assert_eq!(trigger["dedup_key"], resolved["dedup_key"]);
    assert_eq!(trigger["dedup_key"], acknowledged["dedup_key"]);
    verify(&receiver.wait(&server, "/web", |got| of(got, "incident.resolved", &incident)));
    receiver.wait(&server, "/services", |got| got.body.contains("[RESOLVED]"));
    let ended = receiver.wait(&server, "/am", |got| {
        let alert = &got.json()[0];
        alert["labels"]["about"] == incident.as_str()
            && alert["endsAt"].as_str() < firing[0]["endsAt"].as_str()
    });
    assert_eq!(ended.json()[0]["labels"]["alertname"], "PointsmanIncident");

    // Once each, in order: of this incident nothing came twice, and the end came last.
    let all: Vec<Got> =
        receiver.got("/web").into_iter().filter(|g| g.json()["subject"] == incident).collect();
    let ids: BTreeSet<&str> = all.iter().map(|got| got.header("webhook-id")).collect();
    assert_eq!(ids.len(), all.len(), "{all:#?}");
    let kinds: Vec<String> = all.iter().map(kind).collect();
    assert_eq!(kinds.first().map(String::as_str), Some("pointsman.incident.opened.v1"));
    assert_eq!(kinds.last().map(String::as_str), Some("pointsman.incident.resolved.v1"));
    assert_eq!(kinds.iter().filter(|k| *k == "pointsman.incident.acknowledged.v1").count(), 1);

    // What opens a door is shown nowhere.
    let channels = server.get("/v1/channels").body;
    assert!(channels.contains("\"secret\":\"********\""), "{channels}");
    let metrics = server.get("/metrics").body;
    assert!(
        metrics.contains("pointsman_alert_deliveries_total{channel=\"web\",outcome=\"delivered\"}")
    );
    let said = server.said();
    assert_eq!(server.stop(), 0);
    let check = place.command(&["check"]);
    let check = format!("{check:?}");
    for secret in [&WHSEC[6..], ROUTING_KEY, "HUSHHUSH"] {
        for (what, text) in
            [("channels", &channels), ("metrics", &metrics), ("log", &said), ("check", &check)]
        {
            assert!(!text.contains(secret), "{secret} in {what}");
        }
        for entry in std::fs::read_dir(place.path()).expect("read").flatten() {
            let is_config = entry.file_name() == "pointsman.toml";
            let bytes = std::fs::read(entry.path()).expect("read");
            let is_in = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(is_config || !is_in, "{secret} in {:?}", entry.path());
        }
    }
}

#[test]
fn what_was_stored_is_delivered_after_a_kill() {
    let (place, secrets, receiver) = (Place::new(), Place::new(), Receiver::new());
    receiver.always(503);
    let config = webhook(&secrets, &receiver, "", "");
    let server = place.start(&config);
    engage(&server, "drill");
    let first =
        receiver.wait(&server, "/web", |got| kind(got) == "pointsman.kill_switch.engaged.v1");
    server.kill();
    let before = receiver.got("/web").len();
    receiver.always(200);
    let server = place.start(&config);
    receiver.wait(&server, "/web", |_| receiver.got("/web").len() > before);
    let again = receiver.got("/web").pop().expect("again");
    assert_eq!(first.header("webhook-id"), again.header("webhook-id"));
    assert_eq!(first.body, again.body);
    verify(&again);
    let told = alert(&server, "delivered", |a| state(a, "web") == "delivered");
    assert_eq!(told["kind"], "kill_switch.engaged");
    // Engaged once more, it is no news; and what was taken isn't sent again.
    engage(&server, "drill");
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(receiver.got("/web").len(), before + 1);
}

#[test]
fn it_is_tried_again_as_asked_and_given_up_in_the_open() {
    let (place, secrets, receiver) = (Place::new(), Place::new(), Receiver::new());
    let later = vec![("retry-after", "3".to_string())];
    receiver.answer([(500, Vec::new()), (429, later)]);
    let config = webhook(&secrets, &receiver, "give_up_after = \"6s\"", "");
    let server = place.start(&config);
    let test = |server: &super::Running| {
        let answer = server.post("/v1/channels/web/test", "");
        assert_eq!(answer.status, 202, "{answer:?}");
        answer.json()["alert_id"].as_str().expect("an id").to_owned()
    };
    let id = test(&server);
    let told =
        alert(&server, "delivered", |a| a["id"] == id.as_str() && state(a, "web") == "delivered");
    assert_eq!(told["deliveries"][0]["tries"], 3, "{told}");
    let got = receiver.got("/web");
    assert_eq!(got.len(), 3);
    assert!(got[1].at - got[0].at >= Duration::from_millis(450), "backed off");
    assert!(got[2].at - got[1].at >= Duration::from_millis(2_900), "Retry-After is honoured");
    let ids: BTreeSet<&str> = got.iter().map(|got| got.header("webhook-id")).collect();
    assert_eq!(ids.len(), 1, "one id for all tries");

    // Refused is refused: one try.
    receiver.answer([(404, Vec::new())]);
    let id = test(&server);
    let given_up =
        alert(&server, "given up", |a| a["id"] == id.as_str() && state(a, "web") == "given_up");
    assert_eq!(given_up["deliveries"][0]["tries"], 1);
    assert!(given_up["deliveries"][0]["detail"].as_str().expect("why").contains("404"));

    // Down for longer than it is tried: given up, and said so in log, metrics and audit.
    receiver.always(500);
    let id = test(&server);
    let given_up =
        alert(&server, "given up", |a| a["id"] == id.as_str() && state(a, "web") == "given_up");
    assert!(given_up["deliveries"][0]["tries"].as_i64() >= Some(2), "{given_up}");
    assert!(server.said().contains("an alert is given up"));
    let metrics = server.get("/metrics").body;
    assert!(
        metrics
            .contains("pointsman_alert_deliveries_total{channel=\"web\",outcome=\"given_up\"} 2"),
        "{metrics}"
    );
    let audit = server.get("/v1/audit?limit=500").json();
    let entries = audit["data"].as_array().expect("entries");
    let is_it = |e: &&Value| e["action"] == "give_up" && e["object"] == id.as_str();
    assert_eq!(entries.iter().filter(is_it).count(), 1, "{audit:#}");
    assert_eq!(server.post("/v1/channels/nowhere/test", "").status, 404);
}
