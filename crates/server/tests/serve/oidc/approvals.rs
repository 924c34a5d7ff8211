//! Of many who approve one plan at once, one wins; an approval is of that very plan, and in time.

use std::sync::Barrier;

use serde_json::{Value, json};

use super::{Issuer, ask};
use crate::people::create;
use crate::support::{EVENT_CLOCK, HOUR, Place, Running};

const APPROVERS: usize = 200;

/// Plays the hour until something waits for approval.
fn pending(server: &Running, feed: &str) -> Value {
    for lines in HOUR.chunks(500) {
        let kind = [("content-type", "application/x-ndjson"), ("authorization", feed)];
        let answer = server.ask("POST", "/v1/events", &kind, lines.join("\n").as_bytes());
        assert_eq!(answer.status, 202, "{answer:?}");
        let path = "/v1/interventions?status=pending";
        let list = server.ask("GET", path, &[("authorization", feed)], b"").json();
        if let Some(found) = list["data"].as_array().and_then(|data| data.first()) {
            return found.clone();
        }
    }
    panic!("nothing waits for approval");
}

#[test]
fn of_two_hundred_who_approve_at_once_one_wins() {
    let Some(issuer) = Issuer::start("a race of approvals") else { return };
    let place = Place::new();
    let config = format!(
        "{EVENT_CLOCK}[modes]\nreroute = \"approve\"\nsuppress_path = \"approve\"\n{}",
        issuer.config()
    );
    place.config(&config);
    let key = create(&place, &["--role", "admin"]).1;
    let bearer = format!("Bearer {key}");
    let server = place.start(&config);
    let plan = pending(&server, &bearer);
    let id = plan["id"].as_str().expect("an id");
    let path = format!("/v1/interventions/{id}/approve");
    let body = json!({"plan_hash": plan["plan_hash"]}).to_string();
    let people: Vec<String> =
        (0..APPROVERS).map(|i| issuer.token(&format!("approver {i}"), &["approver"])).collect();
    let other = json!({"plan_hash": "0000"}).to_string();
    assert_eq!(ask(&server, &people[0], "POST", &path, &other).status, 409, "another plan's hash");
    let start = Barrier::new(APPROVERS);
    let mut statuses: Vec<u16> = std::thread::scope(|scope| {
        let all: Vec<_> = people
            .iter()
            .map(|who| {
                let (server, path, body, start) = (&server, &path, &body, &start);
                scope.spawn(move || {
                    start.wait();
                    ask(server, who, "POST", path, body).status
                })
            })
            .collect();
        all.into_iter().map(|one| one.join().expect("answered")).collect()
    });
    statuses.sort_unstable();
    assert_eq!(statuses[0], 200, "{statuses:?}");
    assert!(statuses[1..].iter().all(|status| *status == 409), "{statuses:?}");
    let log = ask(&server, &key, "GET", "/v1/audit?limit=500", "").json();
    let entries = log["data"].as_array().expect("entries").iter();
    let approvals = entries.filter(|e| {
        e["action"] == "approve"
            && e["object"] == id
            && e["detail"].to_string().contains(plan["plan_hash"].as_str().expect("a hash"))
    });
    assert_eq!(approvals.count(), 1, "and one is in the log");
}

#[test]
fn an_approval_comes_in_time_or_not_at_all() {
    let place = Place::new();
    let config =
        format!("{EVENT_CLOCK}[modes]\nreroute = \"approve\"\nsuppress_path = \"approve\"\n");
    place.config(&config);
    let key = create(&place, &["--role", "admin"]).1;
    let server = place.start(&config);
    let plan = pending(&server, &format!("Bearer {key}"));
    let created =
        payments::Timestamp::parse(plan["created_at"].as_str().expect("a time")).expect("a time");
    let later = created.plus_millis(5 * 3_600_000);
    let advance = json!({"advance_to": later.to_string()}).to_string();
    let advanced = ask(&server, &key, "POST", "/v1/clock", &advance);
    assert_eq!(advanced.status, 200, "{advanced:?}");
    let path = format!("/v1/interventions/{}/approve", plan["id"].as_str().expect("an id"));
    let body = json!({"plan_hash": plan["plan_hash"]}).to_string();
    let answer = ask(&server, &key, "POST", &path, &body);
    assert_eq!((answer.status, &answer.json()["code"]), (410, &json!("expired")), "{answer:?}");
}
