//! Bad input gets a problem that says what, where, and what to do; what can be read of it is taken.

use std::io::Write;

use crate::support::{HOUR, Place, now_ms, small};

#[test]
fn every_error_is_a_problem_with_a_code_and_the_request_that_it_answers() {
    let server = Place::new().start("");
    let card = r#"{"payment_id":"4111111111111111","merchant_id":"m","method":"card","amount":{"minor":1,"currency":"INR"}}"#;
    let route = |member: &str| {
        format!(
            r#"{{"payment_id":"p","merchant_id":"m","method":"card","amount":{{"minor":1,"currency":"INR"}}{member}}}"#
        )
    };
    let none = &route("");
    let cases: &[(&str, &str, &str, u16, &str)] = &[
        ("GET", "/v1/nothing", "", 404, "not_found"),
        ("DELETE", "/v1/incidents", "", 405, "method_not_allowed"),
        ("GET", "/v1/incidents/inc_1", "", 404, "not_found"),
        ("GET", "/v1/incidents?limit=0", "", 400, "malformed"),
        ("GET", "/v1/incidents?limit=x", "", 400, "malformed"),
        ("GET", "/v1/incidents?lmit=5", "", 400, "malformed"),
        ("GET", "/v1/incidents?since=yesterday", "", 400, "malformed"),
        ("GET", "/v1/incidents?cursor=x", "", 400, "malformed"),
        ("GET", "/v1/routes?window=5m", "", 422, "invalid"),
        ("GET", "/v1/routes?by=colour", "", 422, "invalid"),
        ("GET", "/v1/series?step=7s", "", 422, "invalid"),
        ("GET", "/v1/behaviour?window=2d", "", 422, "invalid"),
        ("GET", "/v1/behaviour?slice=colour:red", "", 422, "invalid"),
        ("GET", "/v1/series?slice=colour:red", "", 422, "invalid"),
        ("GET", "/v1/payments/nobody", "", 404, "not_found"),
        ("GET", "/v1/route/decisions/d_0", "", 404, "not_found"),
        ("POST", "/v1/events", "no json", 400, "malformed"),
        ("POST", "/v1/events", "7", 400, "malformed"),
        ("POST", "/v1/route", "{", 400, "malformed"),
        ("POST", "/v1/route", "{}", 422, "invalid"),
        ("POST", "/v1/route", none, 422, "no_eligible_gateway"),
        ("POST", "/v1/route", &route(",\"risk\":2"), 422, "invalid"),
        ("POST", "/v1/route", &route(",\"candidates\":[\"\"]"), 422, "invalid"),
        ("POST", "/v1/route", card, 422, "card_number"),
        ("POST", "/v1/interventions/itv_1/approve", r#"{"plan_hash":"x"}"#, 404, "not_found"),
        ("POST", "/v1/interventions/itv_1/approve", r#"{"hash":"x"}"#, 400, "malformed"),
        ("POST", "/v1/incidents/inc_9/ack", "", 404, "not_found"),
        ("POST", "/v1/kill-switch", "{}", 400, "malformed"),
        ("PATCH", "/v1/settings", "{}", 428, "if_match_needed"),
    ];
    for (method, path, body, status, code) in cases {
        let kind = [("content-type", "application/json")];
        let answer = server.ask(method, path, &kind, body.as_bytes());
        let problem = answer.json();
        assert_eq!(
            (answer.status, problem["code"].as_str()),
            (*status, Some(*code)),
            "{method} {path} {body}: {answer:?}"
        );
        assert_eq!(answer.header("content-type"), Some("application/problem+json"));
        assert_eq!(problem["status"], *status);
        assert_eq!(problem["request_id"].as_str(), answer.header("x-request-id"));
        assert!(problem["detail"].as_str().is_some_and(|detail| detail.len() > 10));
        assert!(!answer.body.contains("4111111111111111"), "no card number is said back");
    }
    let csv = server.ask("POST", "/v1/events", &[("content-type", "text/csv")], b"a,b");
    assert_eq!((csv.status, csv.json()["code"].as_str()), (415, Some("unsupported_media_type")));
    assert!(!server.said().contains("4111111111111111"), "nor logged");
}

#[test]
fn what_can_be_read_is_taken_and_the_rest_named_by_its_index() {
    let server = Place::new().start("");
    let now = now_ms();
    let lines = [
        small("a", now, "approved"),
        String::new(),
        "{\"attempt_id\": \"b\"}".into(),
        small("c", now + 3_600_000, "approved"),
        small("4111 1111 1111 1111", now, "approved"),
        small("a", now, "approved"),
        "no json".into(),
    ];
    let answer = server.events(&lines);
    assert_eq!((answer["accepted"].as_i64(), answer["duplicates"].as_i64()), (Some(1), Some(1)));
    assert_eq!(answer["rejected_count"], 4);
    let rejected = answer["rejected"].as_array().expect("a list");
    let named: Vec<(i64, &str)> = rejected
        .iter()
        .map(|r| (r["index"].as_i64().expect("an index"), r["field"].as_str().expect("a field")))
        .collect();
    assert_eq!(named, [(2, "amount"), (3, "occurred_at"), (4, "attempt_id"), (6, "event")]);
    assert!(!answer.to_string().contains("4111 1111 1111 1111"));
}

type Headers = &'static [(&'static str, &'static str)];

#[test]
fn every_form_of_a_body_is_read() {
    let server = Place::new().start("");
    let now = now_ms();
    let cloud = |id: &str| {
        format!(
            r#"{{"specversion":"1.0","type":"pointsman.attempt.v1","id":"{id}","source":"/t","data":{}}}"#,
            small(id, now, "declined")
        )
    };
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(small("g", now, "approved").as_bytes()).expect("packed");
    let gzip = packer.finish().expect("packed");
    let bodies: [(Headers, Vec<u8>); 6] = [
        (&[], small("a", now, "approved").into_bytes()),
        (
            &[("content-type", "application/json")],
            format!("[{}]", small("b", now, "error")).into_bytes(),
        ),
        (
            &[("content-type", "application/cloudevents+json; charset=UTF-8")],
            cloud("c").into_bytes(),
        ),
        (
            &[("content-type", "application/cloudevents-batch+json")],
            format!("[{}]", cloud("d")).into_bytes(),
        ),
        (
            &[
                ("content-type", "application/json"),
                ("ce-specversion", "1.0"),
                ("ce-type", "pointsman.attempt.v1"),
                ("ce-id", "1"),
                ("ce-source", "/t"),
            ],
            small("e", now, "timeout").into_bytes(),
        ),
        (&[("content-encoding", "gzip")], gzip),
    ];
    for (headers, body) in bodies {
        let answer = server.ask("POST", "/v1/events", headers, &body);
        assert_eq!(
            (answer.status, answer.json()["accepted"].as_i64()),
            (202, Some(1)),
            "{headers:?} {answer:?}"
        );
    }
    let updated = server.post("/v1/events", &small("e", now, "approved")).json();
    assert_eq!(updated["updated"], 1);
}

#[test]
fn too_much_is_refused_before_it_is_kept() {
    let server = Place::new().start("");
    let large = vec![b' '; (32 << 20) + 1];
    let answer = server.try_ask("POST", "/v1/events", &[], &large);
    assert_eq!(answer.map(|a| a.status).ok(), Some(413));
    let lines = "{}\n".repeat(100_001);
    let kind = [("content-type", "application/x-ndjson")];
    let answer = server.ask("POST", "/v1/events", &kind, lines.as_bytes());
    assert_eq!(answer.status, 413);
    let lines = "{}\n".repeat(1_500);
    let answer = server.ask("POST", "/v1/events", &kind, lines.as_bytes()).json();
    assert_eq!(answer["rejected_count"], 1_500);
    assert_eq!(answer["rejected"].as_array().map(Vec::len), Some(1_000));
    assert!(HOUR.len() > 10_000);
}

#[test]
fn the_committed_description_is_current() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi.json");
    let current = server::http::description();
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        std::fs::write(path, &current).expect("written");
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        committed == current,
        "docs/openapi.json isn't what the code says; UPDATE_OPENAPI=1 cargo test -p server description writes it"
    );
    // Clients are generated by these names: one that is there twice would hide a call.
    let description: serde_json::Value = serde_json::from_str(&current).expect("JSON");
    let paths = description["paths"].as_object().expect("paths");
    let calls = paths.values().filter_map(|path| path.as_object()).flat_map(|path| path.values());
    let mut names: Vec<&str> = calls.filter_map(|call| call["operationId"].as_str()).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count, "each call has a name of its own");
    let live = Place::new().start("").get("/openapi.json");
    assert_eq!(live.body, current);
    assert_eq!(live.json()["openapi"], "3.1.0");
}
