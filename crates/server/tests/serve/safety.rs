//! The kill switch, settings, idempotency: what must not give way.

use crate::support::{EVENT_CLOCK, Place};

#[test]
fn the_kill_switch_is_latched_and_one_person_does_not_clear_it() {
    let place = Place::new();
    let server = place.start("");
    assert_eq!(server.get("/v1/kill-switch").json()["engaged"], false);
    let engaged = server.post("/v1/kill-switch", r#"{"engaged": true, "reason": "drill"}"#).json();
    assert_eq!(
        (engaged["engaged"].as_bool(), engaged["reason"].as_str()),
        (Some(true), Some("drill"))
    );
    assert_eq!(server.get("/v1/policy").json()["kill_switch"], true);
    server.kill();
    let server = place.start("");
    assert_eq!(server.get("/v1/kill-switch").json()["reason"], "drill");
    assert_eq!(server.get("/v1/policy").json()["kill_switch"], true, "obeyed after a restart");
    assert_eq!(server.get("/readyz").json()["checks"]["kill_switch"], "engaged");
    let cleared = server.post("/v1/kill-switch", r#"{"engaged": false}"#);
    assert_eq!(cleared.status, 403, "{cleared:?}");
    assert_eq!(server.stop(), 0);
    let server = place.start("[safety]\nfour_eyes = false\n");
    let cleared = server.post("/v1/kill-switch", r#"{"engaged": false}"#);
    assert_eq!((cleared.status, cleared.json()["engaged"].as_bool()), (200, Some(false)));
    assert_eq!(server.get("/v1/policy").json()["kill_switch"], false);
    server.kill();
    let server = place.start("");
    assert_eq!(server.get("/v1/kill-switch").json()["engaged"], false);
}

#[test]
fn settings_change_only_as_they_were_read_and_widen_only_by_two() {
    let place = Place::new();
    let server = place.start(EVENT_CLOCK);
    let read = server.get("/v1/settings");
    let tag = read.header("etag").expect("a tag").to_owned();
    let patch = |tag: Option<&str>, body: &str| {
        let headers: Vec<(&str, &str)> = tag.iter().map(|tag| ("if-match", *tag)).collect();
        server.ask("PATCH", "/v1/settings", &headers, body.as_bytes())
    };
    let tighter = r#"{"guardrails": {"shift_share_max": 0.1}}"#;
    assert_eq!(patch(None, tighter).status, 428);
    assert_eq!(patch(Some("\"other\""), tighter).status, 412);
    assert_eq!(patch(Some(&tag), r#"{"guardrails": {"shift": 0.1}}"#).status, 400);
    assert_eq!(patch(Some(&tag), r#"{"guardrails": {"confidence_min": 7}}"#).status, 422);
    assert_eq!(patch(Some(&tag), r#"{"modes": {"reroute": "auto"}}"#).status, 403);
    let changed = patch(Some(&tag), tighter);
    assert_eq!(changed.json()["guardrails"]["shift_share_max"], 0.1, "{changed:?}");
    assert_eq!(patch(Some(&tag), tighter).status, 412, "it has changed since");
    server.kill();
    let server = place.start(EVENT_CLOCK);
    assert_eq!(server.get("/v1/settings").json()["guardrails"]["shift_share_max"], 0.1);
    // The file speaks where it changes, and only of what it changes.
    assert_eq!(server.stop(), 0);
    let server = place.start("[clock]\nsource = \"event\"\n[modes]\nreroute = \"advise\"\n");
    let settings = server.get("/v1/settings").json();
    assert_eq!(settings["modes"]["reroute"], "advise");
    assert_eq!(settings["guardrails"]["shift_share_max"], 0.1);
}

#[test]
fn a_request_that_comes_again_is_answered_again() {
    let server = Place::new().start("");
    let ask = |key: &str, body: &str| {
        let headers = [("idempotency-key", key), ("content-type", "application/json")];
        server.ask("POST", "/v1/kill-switch", &headers, body.as_bytes())
    };
    let body = r#"{"engaged": true, "reason": "one"}"#;
    let first = ask("k1", body);
    let again = ask("k1", body);
    assert_eq!((first.status, &first.body), (again.status, &again.body));
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    assert_eq!(first.header("idempotent-replayed"), None);
    let other = ask("k1", r#"{"engaged": true, "reason": "two"}"#);
    assert_eq!(
        (other.status, other.json()["code"].as_str()),
        (422, Some("idempotency_key_reused"))
    );
    assert_eq!(ask("k2", body).header("idempotent-replayed"), None);
}

#[test]
fn a_choice_repeats_and_can_be_explained() {
    let server =
        Place::new().start("[[gateways]]\nname = \"payu\"\n[[gateways]]\nname = \"stripe\"\n");
    let question = r#"{"payment_id":"p1","merchant_id":"m","method":"card","amount":{"minor":5,"currency":"INR"},"future_member":1}"#;
    let first = server.post("/v1/route", question).json();
    assert_eq!(
        (first["gateway"].as_str(), first["reason"].as_str()),
        (Some("payu"), Some("fallback"))
    );
    assert_eq!(server.post("/v1/route", question).json(), first);
    let other = server.post("/v1/route", &question.replace("\"m\"", "\"n\"")).json();
    assert_ne!(other["decision_id"], first["decision_id"]);
    let batch = format!(r#"{{"payments": [{question}, {{"payment_id": ""}}]}}"#);
    let batch = server.post("/v1/route/batch", &batch).json();
    assert_eq!(batch["decisions"][0], first);
    assert!(batch["decisions"][1]["error"]["code"].is_string(), "{batch}");
    let path = format!("/v1/route/decisions/{}", first["decision_id"].as_str().expect("an id"));
    let since = std::time::Instant::now();
    let recorded = loop {
        let answer = server.get(&path);
        if answer.status == 200 {
            break answer.json();
        }
        assert!(since.elapsed().as_secs() < 10, "{answer:?}");
    };
    assert_eq!(recorded["terms"][0]["propensity"], 1.0);
    assert_eq!(recorded["context"]["merchant_id"], "m");
}

#[test]
fn a_page_of_another_site_may_nothing() {
    let server = Place::new().start("");
    let engage = br#"{"engaged": true}"#;
    let page = [("origin", "https://evil.example"), ("content-type", "text/plain")];
    let answer = server.ask("POST", "/v1/kill-switch", &page, engage);
    assert_eq!((answer.status, answer.json()["code"].as_str()), (403, Some("forbidden")));
    assert_eq!(server.get("/v1/kill-switch").json()["engaged"], false);
}
