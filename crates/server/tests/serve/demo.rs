//! `pointsman demo`: the server with a network that answers; what is broken over HTTP is found, acted on and over again.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{Place, Running};

const SPEED: &str = "20";

fn start(place: &Place, more: &[&str]) -> Running {
    let fixed = ["demo", "--port", "0", "--speed", SPEED, "--learn-hours", "3", "--dir", "demo"];
    place.run(&[&fixed, more].concat())
}

/// Asks until it is so.
fn until<T>(server: &Running, what: &str, so: impl Fn() -> Option<T>) -> T {
    let since = Instant::now();
    loop {
        if let Some(found) = so() {
            return found;
        }
        assert!(since.elapsed() < Duration::from_secs(120), "{what}: {}", server.said());
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn list(server: &Running, path: &str) -> Vec<Value> {
    server.get(path).json()["data"].as_array().cloned().unwrap_or_default()
}

#[test]
fn an_outage_made_over_http_is_found_acted_on_and_over() {
    let place = Place::new();
    let server = start(&place, &["--calm"]);
    let nowhere = r#"{"slice": {"gateway": "NOWHERE"}, "severity": 0.5, "duration_s": 60}"#;
    let refused = server.post("/v1/demo/outages", nowhere);
    assert_eq!(refused.status, 422, "{refused:?}");
    assert!(refused.body.contains("gateway is one of ADYEN, CASHFREE"), "{refused:?}");
    let long = r#"{"slice": {}, "severity": 0.5, "duration_s": 0}"#;
    assert_eq!(server.post("/v1/demo/outages", long).status, 422);
    assert_eq!(server.post("/v1/demo/outages", r#"{"slices": {}}"#).status, 400);
    assert_eq!(list(&server, "/v1/demo/outages"), [] as [Value; 0]);

    let url = format!("http://{}", server.address);
    let told = place.command(&[
        "outage",
        "--gateway",
        "PAYU",
        "--severity",
        "0.9",
        "--for",
        "5m",
        "--url",
        &url,
        "--format",
        "json",
    ]);
    assert!(told.status.success(), "{told:?}");
    let begun: Value = serde_json::from_slice(&told.stdout).expect("JSON");
    assert!(begun["ends_at"].as_str().is_some_and(|at| at.ends_with('Z')), "{begun}");
    let running = list(&server, "/v1/demo/outages");
    assert_eq!(running[0]["id"], begun["id"]);
    assert_eq!(
        (&running[0]["slice"]["gateway"], &running[0]["by"]),
        (&"PAYU".into(), &"local".into())
    );

    let hit = |incident: &Value| incident["slice"]["gateway"] == "PAYU";
    let id = until(&server, "found", || {
        let incident = list(&server, "/v1/incidents").into_iter().find(hit)?;
        incident["id"].as_str().map(str::to_owned)
    });
    until(&server, "acted on", || {
        let of = |one: &Value| one["incident_id"] == *id && !one["started_at"].is_null();
        list(&server, "/v1/interventions").into_iter().find(of)
    });
    let incident = until(&server, "over", || {
        let incident = server.get(&format!("/v1/incidents/{id}")).json();
        (incident["status"] == "resolved").then_some(incident)
    });
    assert!(incident["impact"]["lost_payments"].as_f64().is_some_and(|n| n > 5.0), "{incident}");
    until(&server, "mended", || list(&server, "/v1/demo/outages").is_empty().then_some(()));

    let settings = server.get("/v1/settings").json();
    assert_eq!(settings["modes"]["reroute"], "auto");
    assert_eq!(server.get("/readyz").json()["status"], "ready");
    assert_eq!(server.stop(), 0);
}

#[test]
fn a_demo_goes_on_from_its_folder_and_breaks_by_itself() {
    let place = Place::new();
    let server = start(&place, &["--for", "12m"]);
    let broken = until(&server, "broken", || list(&server, "/v1/demo/outages").pop());
    assert_eq!(broken["by"], "schedule");
    until(&server, "found", || list(&server, "/v1/incidents").pop());
    assert_eq!(server.ended(), 0, "its time is up");
    let again = start(&place, &["--calm"]);
    assert!(!list(&again, "/v1/incidents").is_empty(), "what was found is kept");
    let taken =
        place.command(&["demo", "--port", again.address.rsplit_once(':').expect("a port").1]);
    assert_eq!(taken.status.code(), Some(3));
    let why = String::from_utf8_lossy(&taken.stderr).into_owned();
    assert!(why.contains("--port"), "{why}");
}

#[test]
fn elsewhere_nothing_can_be_broken() {
    let place = Place::new();
    let server = place.start("");
    let strike = r#"{"slice": {}, "severity": 0.5, "duration_s": 60}"#;
    for answer in [server.get("/v1/demo/outages"), server.post("/v1/demo/outages", strike)] {
        assert_eq!((answer.status, answer.json()["code"].as_str()), (404, Some("not_a_demo")));
    }
    let url = format!("http://{}", server.address);
    let told = place.command(&["outage", "HDFC", "VISA", "--severity", "0.5", "--url", &url]);
    assert_eq!(told.status.code(), Some(3), "{told:?}");
    let nothing = place.command(&["outage", "--severity", "0.5", "--url", &url]);
    assert_eq!(nothing.status.code(), Some(2), "{nothing:?}");
    let nobody =
        place.command(&["outage", "HDFC", "--severity", "0.5", "--url", "http://127.0.0.1:1"]);
    assert_eq!(nobody.status.code(), Some(4), "{nobody:?}");
}
