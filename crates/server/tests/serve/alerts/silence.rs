//! Silences, and what happens when nobody says a word.

use std::time::Duration;

use super::{Receiver, alert, engage, kind, play, state, webhook};
use crate::support::{EVENT_CLOCK, Place};
use serde_json::Value;

fn is_opened(alert: &Value) -> bool {
    alert["kind"] == "incident.opened" && alert["notice"]["slice"]["gateway"] == "PAYU"
}

#[test]
fn a_silenced_alert_is_recorded_and_comes_when_the_silence_ends() {
    let (place, secrets, receiver) = (Place::new(), Place::new(), Receiver::new());
    let server = place.start(&format!("{EVENT_CLOCK}{}", webhook(&secrets, &receiver, "", "")));
    let post = |body: &str| server.post("/v1/silences", body);
    let until = payments::Timestamp::from_millis(crate::support::now_ms() + 3_600_000);
    for bad in [
        r#"{"slice": {}, "until": "UNTIL", "reason": "x"}"#,
        r#"{"slice": {"gateway": "PAYU"}, "until": "2020-01-01T00:00:00Z", "reason": "x"}"#,
        r#"{"slice": {"gateway": "PAYU"}, "until": "UNTIL", "reason": ""}"#,
        r#"{"slice": {"gateway": "4111 1111 1111 1111"}, "until": "UNTIL", "reason": "x"}"#,
    ] {
        let answer = post(&bad.replace("UNTIL", &until.to_string()));
        assert_eq!(answer.status, 422, "{bad}: {answer:?}");
    }
    let good = format!(
        r#"{{"slice": {{"gateway": "PAYU"}}, "until": "{until}", "reason": "planned work"}}"#
    );
    let made = post(&good);
    assert_eq!(made.status, 201, "{made:?}");
    let id = made.json()["id"].as_str().expect("an id").to_owned();
    play(&server, 52);
    let silenced = alert(&server, "silenced", |a| is_opened(a) && state(a, "web") == "silenced");
    assert_eq!(silenced["deliveries"][0]["silence_id"], id.as_str());
    let about = silenced["about"].clone();
    engage(&server, "drill");
    receiver.wait(&server, "/web", |got| kind(got) == "pointsman.kill_switch.engaged.v1");
    let is_it = |got: &super::Got| got.json()["subject"] == about;
    assert!(!receiver.got("/web").iter().any(is_it), "silence covers its slice alone");
    let list = server.get("/v1/silences").json();
    assert_eq!(
        (&list["data"][0]["active"], &list["data"][0]["by"]),
        (&true.into(), &"local".into())
    );

    // It ends while the incident goes on: now it is told.
    let end = || server.ask("DELETE", &format!("/v1/silences/{id}"), &[], b"");
    assert_eq!((end().status, end().status), (204, 404));
    receiver.wait(&server, "/web", is_it);
    let audit = server.get("/v1/audit?limit=500").body;
    assert!(
        audit.contains("\"action\":\"silence\"") && audit.contains("\"action\":\"end_silence\"")
    );
}

#[test]
fn nobody_acknowledges_and_the_next_one_is_told() {
    let (place, secrets, receiver) = (Place::new(), Place::new(), Receiver::new());
    let more = format!(
        "[channels.soon]\ntype = \"slack\"\nurl = \"{}\"\nescalate_after = \"3s\"\n[channels.late]\ntype = \"slack\"\nurl = \"{}\"\nescalate_after = \"1h\"\n",
        receiver.url("/soon"),
        receiver.url("/late")
    );
    let config = format!("{EVENT_CLOCK}{}", webhook(&secrets, &receiver, "", &more));
    let server = place.start(&config);
    play(&server, 52);
    let opened = alert(&server, "opened", is_opened);
    let incident = opened["about"].as_str().expect("an id").to_owned();
    let says = |got: &super::Got| got.body.contains(&format!("\"{incident}\""));
    let first = receiver.wait(&server, "/web", |got| got.json()["subject"] == incident);
    let escalated = receiver.wait(&server, "/soon", says);
    assert!(escalated.at - first.at >= Duration::from_millis(1_500), "it waited");
    assert_eq!(server.post(&format!("/v1/incidents/{incident}/ack"), "").status, 200);
    let told = alert(&server, "acknowledged", |a| is_opened(a) && state(a, "late") == "needless");
    assert_eq!(state(&told, "soon"), "delivered");
    let acknowledged = receiver.wait(&server, "/soon", |got| got.body.contains("ACKNOWLEDGED"));
    assert!(says(&acknowledged));
    assert!(receiver.got("/late").is_empty());
}
