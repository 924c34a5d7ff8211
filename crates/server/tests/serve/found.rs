//! A recorded hour is played in: what broke is found, said and kept, however the hour was cut.

use crate::support::{EVENT_CLOCK, HOUR, Place, Running};

fn play(server: &Running, batch: usize) {
    for lines in HOUR.chunks(batch) {
        let answer = server.events(lines);
        assert_eq!(answer["accepted"], lines.len(), "{answer}");
    }
}

fn told(server: &Running) -> [String; 3] {
    ["/v1/incidents?limit=500", "/v1/decisions?limit=500", "/v1/memory"]
        .map(|path| server.get(path).body)
}

#[test]
fn an_outage_is_found_told_and_kept() {
    let place = Place::new();
    let server = place.start(EVENT_CLOCK);
    play(&server, 5_000);
    let incidents = server.get("/v1/incidents").json();
    let data = incidents["data"].as_array().expect("a list");
    let incident = data.iter().find(|i| i["slice"]["gateway"] == "PAYU").expect("found");
    assert_eq!(incident["cause"], "network_or_system_failure", "{incident}");
    assert_eq!(incident["status"], "resolved");
    assert!(incident["impact"]["lost_payments"].as_f64().expect("a number") > 50.0);
    assert!(incident["proposed_action"]["action"].is_string(), "{incident}");
    let id = incident["id"].as_str().expect("an id");
    assert_eq!(server.get(&format!("/v1/incidents/{id}")).json(), *incident);
    let started = incident["started_at"].as_str().expect("a time");
    assert!(started.contains("T09:39") || started.contains("T09:40"), "{started}");

    let accept = [("accept", "text/plain")];
    let log = server.ask("GET", "/v1/decisions", &accept, b"").body;
    assert!(
        log.contains("\nDiagnosis: network_or_system_failure at {gateway: PAYU}\nEvidence: "),
        "{log}"
    );
    let decisions = server.get("/v1/decisions").json();
    let mode = &decisions["data"][0]["mode"];
    assert_eq!(mode, "shadow", "a server only watches where nothing is configured");
    assert_eq!(server.get("/v1/policy").json()["slices"], serde_json::json!([]));

    let series = server
        .get("/v1/series?slice=gateway:PAYU&from=2026-09-21T09:00:00Z&to=2026-09-21T10:00:00Z&step=5m")
        .json();
    let rates: Vec<f64> = series["data"]
        .as_array()
        .expect("points")
        .iter()
        .map(|point| point["success_rate"].as_f64().expect("a rate"))
        .collect();
    assert_eq!(rates.len(), 12);
    let behaviour = server.get("/v1/behaviour?window=1h&slice=gateway:PAYU").json();
    assert_eq!(behaviour["is_complete"], true, "{behaviour}");
    let payments = behaviour["payments"].as_u64().expect("a count");
    assert!(payments > 100 && behaviour["tried_again"]["share"].is_number(), "{behaviour}");
    let beliefs = server.get("/v1/memory").json()["beliefs"].clone();
    let moves = beliefs.as_object().expect("beliefs").values().flat_map(|b| b["moves"].as_array());
    let of_it: Vec<_> = moves.flatten().filter(|m| m["incident_id"] == id).collect();
    assert!(of_it[0]["after"].as_f64() > of_it[0]["before"].as_f64(), "{beliefs}");
    // Nothing was tried; what would have come of it is known.
    let calibration = server.get("/v1/calibration").json();
    assert_eq!(calibration["decided"], 1, "{calibration}");
    assert_eq!(calibration["in_hindsight"], 1, "{calibration}");
    let rows = decisions["data"].as_array().expect("a list");
    let judged = rows.iter().find(|row| !row["hindsight"].is_null()).expect("a plan in hindsight");
    assert_eq!(judged["from"], "PAYU", "{judged}");
    assert_eq!(judged["hindsight"]["verdict"], "helped", "{judged}");
    assert!(judged["hindsight"]["gain_low"].as_f64() > Some(0.2), "{judged}");
    assert!(judged["text"].as_str().is_some_and(|text| text.starts_with("Diagnosis")), "{judged}");
    assert!(rates[5] > 0.6 && rates[9] < 0.3, "{rates:?}");
    let acknowledged = server.post(&format!("/v1/incidents/{id}/ack"), "").json();
    assert_eq!(acknowledged["acknowledged_by"], "local");

    let before = told(&server);
    assert_eq!(server.stop(), 0);
    let again = place.start(EVENT_CLOCK);
    assert_eq!(told(&again), before, "a restart changes nothing");
    let known = again.events(&HOUR[..1_000]);
    assert_eq!(known["duplicates"], 1_000);
}

#[test]
fn how_the_hour_was_cut_reaches_no_result() {
    let tell = |batch: usize| {
        let place = Place::new();
        let server = place.start(EVENT_CLOCK);
        play(&server, batch);
        let whole = told(&server);
        assert!(whole[0].contains("PAYU") && whole[1].contains("Diagnosis"));
        whole
    };
    let large = tell(20_000);
    assert_eq!(tell(997), large);
}

#[test]
fn times_advance_without_events_by_the_event_clock_alone() {
    let place = Place::new();
    let server = place.start(EVENT_CLOCK);
    let to = r#"{"advance_to": "2026-09-21T09:05:00Z"}"#;
    assert_eq!(server.post("/v1/clock", to).status, 409, "there is no time yet");
    server.events(&HOUR[..100]);
    let advanced = server.post("/v1/clock", to);
    assert_eq!(advanced.status, 200, "{advanced:?}");
    let routes = server.get("/v1/routes?by=gateway").json();
    assert_eq!(routes["as_of"], "2026-09-21T09:05:00Z");
    let far = server.post("/v1/clock", r#"{"advance_to": "2027-01-01T00:00:00Z"}"#);
    assert_eq!((far.status, far.json()["code"].as_str()), (422, Some("invalid")));
    let wall = Place::new().start("");
    assert_eq!(wall.post("/v1/clock", to).status, 409);
}
