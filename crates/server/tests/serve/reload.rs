//! SIGHUP: what may change changes, what is wrong changes nothing, and both are said.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{Place, Running};

/// Tells it to read the file again, and waits until it has.
fn reload(server: &Running, result: &str) {
    let name = format!("pointsman_config_reloads_total{{result=\"{result}\"}}");
    let count = || {
        let text = server.get("/metrics").body;
        let line =
            text.lines().find_map(|line| line.strip_prefix(&name)?.trim().parse::<u64>().ok());
        line.unwrap_or(0)
    };
    let before = count();
    server.signal("HUP");
    let since = Instant::now();
    while count() == before {
        assert!(since.elapsed() < Duration::from_secs(30), "{}", server.said());
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn config(server: &Running) -> String {
    server.get("/readyz").json()["checks"]["config"].as_str().expect("a text").to_owned()
}

fn audited(server: &Running) -> Vec<Value> {
    let log = server.get("/v1/audit").json();
    let all = log["data"].as_array().expect("a list").clone();
    all.into_iter().filter(|entry| entry["action"] == "reload").collect()
}

#[test]
fn what_may_change_at_run_time_does_and_what_is_wrong_changes_nothing() {
    let place = Place::new();
    let server = place.start("[[gateways]]\nname = \"payu\"\n");
    assert_eq!(config(&server), "ok");
    assert_eq!(server.get("/v1/settings").json()["modes"]["reroute"], "shadow");

    place.config(
        "[modes]\nreroute = \"advise\"\n[guardrails]\nshift_share_max = 0.2\n[telemetry]\nlog_level = \"debug\"\n\
         [[gateways]]\nname = \"payu\"\n[[gateways]]\nname = \"stripe\"\n",
    );
    reload(&server, "taken");
    let settings = server.get("/v1/settings").json();
    assert_eq!(settings["modes"]["reroute"], "advise");
    assert_eq!(settings["guardrails"]["shift_share_max"], 0.2);
    let gateways = server.get("/v1/gateways").body;
    assert!(gateways.contains("stripe"), "{gateways}");
    assert!(server.said().contains("DEBUG"), "{}", server.said());
    assert_eq!(config(&server), "ok");
    let log = audited(&server);
    assert!(log.iter().all(|entry| entry["actor"] == "configuration"), "{log:?}");
    let told = log.iter().find(|entry| entry["object"] == "configuration").expect("said");
    let taken = ["gateways", "guardrails.shift_share_max", "modes.reroute", "telemetry.log_level"];
    assert_eq!(told["detail"]["taken"], serde_json::json!(taken));

    let before = server.get("/v1/settings").body;
    place.config("[modes]\nreroute = \"yolo\"\n[guardrails]\nshift_share_max = 0.9\n");
    reload(&server, "refused");
    assert_eq!(server.get("/v1/settings").body, before);
    assert!(config(&server).contains("modes.reroute: allowed: shadow"), "{}", config(&server));
    assert!(server.said().contains("the configuration was not taken"), "{}", server.said());

    place.config("[modes]\nreroute = \"advise\"\n[analysis]\nwindow = \"30s\"\n[server]\nlisten = \"127.0.0.1:1\"\n");
    reload(&server, "taken");
    let said = config(&server);
    assert!(said.contains("analysis.window, server.listen"), "{said}");
    assert_eq!(server.get("/v1/routes").json()["window"], "60s");
    // It is still so when it is read once more, and no longer when it is taken back.
    reload(&server, "taken");
    assert_eq!(config(&server), said);
    place.config("[modes]\nreroute = \"advise\"\n");
    reload(&server, "taken");
    assert_eq!(config(&server), "ok");
    assert_eq!(server.get("/v1/settings").json()["guardrails"]["shift_share_max"], 0.5);
    assert_eq!(server.stop(), 0);
}

#[test]
fn what_people_have_set_stays_until_the_file_says_otherwise() {
    let place = Place::new();
    let server = place.start("");
    let settings = server.get("/v1/settings");
    let tag = settings.header("etag").expect("a tag").to_owned();
    let tighter = br#"{"guardrails": {"shift_share_max": 0.1}}"#;
    let changed = server.ask("PATCH", "/v1/settings", &[("if-match", &tag)], tighter);
    assert_eq!(changed.status, 200, "{changed:?}");
    place.config("[modes]\nadjust_retry = \"advise\"\n");
    reload(&server, "taken");
    let settings = server.get("/v1/settings").json();
    assert_eq!(settings["modes"]["adjust_retry"], "advise");
    assert_eq!(settings["guardrails"]["shift_share_max"], 0.1);
}
