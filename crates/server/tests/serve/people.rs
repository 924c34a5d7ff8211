//! Keys and roles, the audit log, and the commands that ask a running server.

use serde_json::Value;

use crate::support::{EVENT_CLOCK, HOUR, Place, Running, now_ms, small};

pub fn create(place: &Place, args: &[&str]) -> (String, String) {
    let mut all = vec!["keys", "create", "--format", "json"];
    all.extend(args);
    let output = place.command(&all);
    assert!(output.status.success(), "{output:?}");
    let made: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let text = |name: &str| made[name].as_str().expect("a text").to_owned();
    (text("id"), text("key"))
}

pub fn ask(server: &Running, key: &str, method: &str, path: &str, body: &str) -> u16 {
    let bearer = format!("Bearer {key}");
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    server.ask(method, path, &headers, body.as_bytes()).status
}

#[test]
fn with_a_key_in_the_store_everybody_needs_one_and_each_may_what_its_role_says() {
    let place = Place::new();
    place.config("");
    let keys: Vec<(String, String)> = [
        &["--role", "viewer"][..],
        &["--role", "operator"],
        &["--role", "approver"],
        &["--role", "admin"],
        &["--scope", "events"],
        &["--scope", "route"],
    ]
    .iter()
    .map(|args| create(&place, args))
    .collect();
    let server = place.start("");
    let event = small("a", now_ms(), "approved");
    let route = r#"{"payment_id":"p","merchant_id":"m","method":"card","candidates":["x"],"amount":{"minor":1,"currency":"INR"}}"#;
    let again = &route.replacen('{', r#"{"attempts": [], "#, 1);
    let engage = r#"{"engaged": true}"#;
    let strike = r#"{"slice": {}, "severity": 0.5, "duration_s": 1}"#;
    let clear = r#"{"engaged": false}"#;
    let plan = r#"{"plan_hash": "x"}"#;
    let silence = r#"{"slice": {"gateway": "x"}, "until": "2020-01-01T00:00:00Z", "reason": "x"}"#;
    // Status by key: viewer, operator, approver, admin, scope events, scope route, and nobody.
    let matrix: &[(&str, &str, &str, [u16; 7])] = &[
        ("GET", "/v1/incidents", "", [200, 200, 200, 200, 403, 403, 401]),
        ("GET", "/v1/interventions", "", [200, 200, 200, 200, 403, 403, 401]),
        ("GET", "/v1/experiments", "", [200, 200, 200, 200, 403, 403, 401]),
        ("GET", "/v1/decisions", "", [200, 200, 200, 200, 403, 403, 401]),
        ("GET", "/v1/memory", "", [200, 200, 200, 200, 403, 403, 401]),
        ("GET", "/v1/policy", "", [200, 200, 200, 200, 403, 403, 401]),
        ("GET", "/v1/policy/rollout", "", [404, 404, 404, 404, 403, 403, 401]),
        (
            "POST",
            "/v1/policy/rollout",
            r#"{"gateways": [{"name": "x"}]}"#,
            [403, 403, 403, 422, 403, 403, 401],
        ),
        ("POST", "/v1/policy/rollout/rollback", "", [403, 404, 404, 404, 403, 403, 401]),
        ("DELETE", "/v1/policy/rollout", "", [403, 404, 404, 404, 403, 403, 401]),
        ("GET", "/v1/settings", "", [200, 200, 200, 200, 403, 403, 401]),
        ("GET", "/v1/routes", "", [200, 200, 200, 200, 403, 403, 401]),
        ("GET", "/v1/recovered", "", [200, 200, 200, 200, 403, 403, 401]),
        ("GET", "/v1/calibration", "", [200, 200, 200, 200, 403, 403, 401]),
        ("GET", "/v1/behaviour", "", [200, 200, 200, 200, 403, 403, 401]),
        ("GET", "/v1/series", "", [200, 200, 200, 200, 403, 403, 401]),
        ("GET", "/v1/payments/p", "", [404, 404, 404, 404, 403, 403, 401]),
        ("GET", "/v1/kill-switch", "", [200, 200, 200, 200, 403, 403, 401]),
        ("GET", "/v1/route/decisions/d", "", [404, 404, 404, 404, 403, 403, 401]),
        ("GET", "/v1/me", "", [200, 200, 200, 200, 200, 200, 401]),
        ("POST", "/v1/events", &event, [403, 403, 403, 202, 202, 403, 401]),
        ("POST", "/v1/route", route, [403, 403, 403, 200, 403, 200, 401]),
        ("POST", "/v1/route/batch", r#"{"payments": []}"#, [403, 403, 403, 200, 403, 200, 401]),
        ("POST", "/v1/retry-advice", again, [403, 403, 403, 200, 403, 200, 401]),
        ("POST", "/v1/incidents/inc_1/ack", "", [403, 404, 404, 404, 403, 403, 401]),
        ("POST", "/v1/interventions/itv_1/rollback", "", [403, 404, 404, 404, 403, 403, 401]),
        ("POST", "/v1/interventions/itv_1/approve", plan, [403, 403, 404, 404, 403, 403, 401]),
        ("POST", "/v1/interventions/itv_1/reject", "", [403, 403, 404, 404, 403, 403, 401]),
        ("POST", "/v1/kill-switch", engage, [403, 200, 200, 200, 403, 403, 401]),
        ("POST", "/v1/kill-switch", clear, [403, 403, 403, 403, 403, 403, 401]),
        ("PATCH", "/v1/settings", "{}", [403, 403, 403, 428, 403, 403, 401]),
        ("GET", "/v1/audit", "", [403, 403, 403, 200, 403, 403, 401]),
        ("GET", "/v1/keys", "", [403, 403, 403, 200, 403, 403, 401]),
        ("DELETE", "/v1/keys/k_0", "", [403, 403, 403, 404, 403, 403, 401]),
        ("POST", "/v1/keys", "{}", [403, 403, 403, 422, 403, 403, 401]),
        ("GET", "/v1/users", "", [403, 403, 403, 200, 403, 403, 401]),
        ("POST", "/v1/users", r#"{"subject": ""}"#, [403, 403, 403, 422, 403, 403, 401]),
        ("GET", "/v1/users/u_0", "", [403, 403, 403, 404, 403, 403, 401]),
        ("PATCH", "/v1/users/u_0", "{}", [403, 403, 403, 404, 403, 403, 401]),
        ("DELETE", "/v1/users/u_0", "", [403, 403, 403, 404, 403, 403, 401]),
        ("GET", "/v1/settings/pending", "", [200, 200, 200, 200, 403, 403, 401]),
        ("POST", "/v1/settings/pending/c_0/confirm", "", [403, 403, 403, 404, 403, 403, 401]),
        ("DELETE", "/v1/settings/pending/c_0", "", [403, 403, 403, 404, 403, 403, 401]),
        // The way in is open to everybody; without an issuer it leads nowhere.
        ("POST", "/v1/session", r#"{"token": "x"}"#, [422, 422, 422, 422, 422, 422, 422]),
        ("GET", "/v1/session/login", "", [422, 422, 422, 422, 422, 422, 422]),
        ("GET", "/v1/session/callback", "", [422, 422, 422, 422, 422, 422, 422]),
        ("DELETE", "/v1/session", "", [409, 409, 409, 409, 409, 409, 401]),
        ("GET", "/v1/gateways", "", [200, 200, 200, 200, 403, 403, 401]),
        ("GET", "/v1/freezes", "", [200, 200, 200, 200, 403, 403, 401]),
        ("PUT", "/v1/freezes", r#"{"data": []}"#, [403, 200, 200, 200, 403, 403, 401]),
        ("GET", "/v1/alerts", "", [200, 200, 200, 200, 403, 403, 401]),
        ("GET", "/v1/channels", "", [200, 200, 200, 200, 403, 403, 401]),
        ("POST", "/v1/channels/ops/test", "", [403, 403, 403, 404, 403, 403, 401]),
        ("GET", "/v1/silences", "", [200, 200, 200, 200, 403, 403, 401]),
        ("POST", "/v1/silences", silence, [403, 422, 422, 422, 403, 403, 401]),
        ("DELETE", "/v1/silences/sil_0", "", [403, 404, 404, 404, 403, 403, 401]),
        ("POST", "/v1/clock", r#"{"advance_to": "x"}"#, [403, 409, 409, 409, 409, 403, 401]),
        ("GET", "/v1/incidents/inc_1", "", [404, 404, 404, 404, 403, 403, 401]),
        ("GET", "/v1/interventions/itv_1", "", [404, 404, 404, 404, 403, 403, 401]),
        ("GET", "/v1/experiments/x_1", "", [404, 404, 404, 404, 403, 403, 401]),
        ("GET", "/v1/demo/outages", "", [404, 404, 404, 404, 403, 403, 401]),
        ("POST", "/v1/demo/outages", strike, [403, 404, 404, 404, 403, 403, 401]),
        ("DELETE", "/v1/demo/outages", "", [403, 404, 404, 404, 403, 403, 401]),
        ("GET", "/metrics", "", [200, 200, 200, 200, 200, 200, 200]),
        ("GET", "/version", "", [200, 200, 200, 200, 200, 200, 200]),
        ("GET", "/docs", "", [200, 200, 200, 200, 200, 200, 200]),
        ("GET", "/healthz", "", [200, 200, 200, 200, 200, 200, 200]),
        ("GET", "/readyz", "", [200, 200, 200, 200, 200, 200, 200]),
        ("GET", "/openapi.json", "", [200, 200, 200, 200, 200, 200, 200]),
    ];
    for (method, path, body, expected) in matrix {
        let mut got: Vec<u16> =
            keys.iter().map(|(_, key)| ask(&server, key, method, path, body)).collect();
        got.push(
            server
                .ask(method, path, &[("content-type", "application/json")], body.as_bytes())
                .status,
        );
        assert_eq!(got, expected, "{method} {path}");
    }
    // A call that the matrix lacks is a call whose right nobody has thought about; the stream alone never ends by itself.
    let described: Value = server.get("/openapi.json").json();
    for (path, item) in described["paths"].as_object().expect("paths") {
        for method in item.as_object().expect("calls").keys() {
            let pattern: Vec<&str> = path.split('/').collect();
            let is_same = |called: &str| {
                let called: Vec<&str> = called.split('/').collect();
                called.len() == pattern.len()
                    && called.iter().zip(&pattern).all(|(a, b)| a == b || b.starts_with('{'))
            };
            let is_tested =
                matrix.iter().any(|(m, p, ..)| m.to_lowercase() == *method && is_same(p));
            assert!(is_tested || path == "/v1/stream", "{method} {path} isn't in the matrix");
        }
    }
    assert_eq!(server.get("/v1/stream").status, 401);
    assert_eq!(ask(&server, &keys[4].1, "GET", "/v1/stream", ""), 403);
    assert_eq!(ask(&server, "pm_wrong", "GET", "/v1/incidents", ""), 401);

    let (id, key) = &keys[0];
    assert!(place.command(&["keys", "revoke", id]).status.success());
    assert_eq!(place.command(&["keys", "revoke", id]).status.code(), Some(3));
    let since = std::time::Instant::now();
    while ask(&server, key, "GET", "/v1/incidents", "") != 401 {
        assert!(since.elapsed().as_secs() < 30, "a revoked key is refused within seconds");
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    // A secret is found nowhere: not in the store's files, not in the log.
    for entry in std::fs::read_dir(place.path()).expect("read").flatten() {
        let bytes = std::fs::read(entry.path()).expect("read");
        for (_, key) in &keys {
            let is_in = bytes.windows(key.len()).any(|window| window == key.as_bytes());
            assert!(!is_in, "{:?}", entry.path());
        }
    }
    let list = place.command(&["keys", "list"]);
    let list = String::from_utf8_lossy(&list.stdout).into_owned();
    assert!(list.contains("events") && list.contains("revoked 20"), "{list}");
}

#[test]
fn without_keys_only_this_machine_is_answered() {
    let place = Place::new();
    place.config("[server]\nlisten = \"0.0.0.0:0\"\n");
    let output = place.command(&["serve"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("pointsman keys create") && said.contains("127.0.0.1"), "{said}");
}

fn sqlite(place: &Place, text: &'static str) {
    use sqlx::{Connection, Executor};
    let url = format!("sqlite:{}", place.path().join("pointsman.db").display());
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        sqlx::any::install_default_drivers();
        let mut connection = sqlx::AnyConnection::connect(&url).await.expect("connected");
        connection.execute(text).await.expect("executed");
    });
}

#[test]
fn the_audit_log_tells_an_edit_and_a_cut() {
    let place = Place::new();
    let server = place.start("");
    for reason in ["one", "two", "three"] {
        let body = format!(r#"{{"engaged": true, "reason": "{reason}"}}"#);
        assert_eq!(server.post("/v1/kill-switch", &body).status, 200);
    }
    assert_eq!(server.stop(), 0);
    let anchor = place.command(&["audit", "anchor"]);
    std::fs::write(place.path().join("anchor.json"), &anchor.stdout).expect("written");
    let verify = || place.command(&["audit", "verify", "--anchor", "anchor.json"]);
    let output = verify();
    assert!(output.status.success(), "{output:?}");
    let list = place.command(&["audit", "list"]);
    assert!(String::from_utf8_lossy(&list.stdout).contains("engage  kill_switch"), "{list:?}");
    // An edit, made as whoever holds the file would.
    sqlite(&place, "UPDATE audit SET detail = '{}' WHERE seq = 2");
    let output = verify();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("entry 2 was changed"), "{said}");
    sqlite(&place, "DELETE FROM audit WHERE seq >= 2");
    let output = verify();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(1) && said.contains("cut off"), "{said}");
    assert!(place.command(&["audit", "verify"]).status.success(), "only an anchor tells a cut");
}

#[test]
fn commands_ask_a_running_server() {
    let place = Place::new();
    let server = place.start(EVENT_CLOCK);
    HOUR.chunks(10_000).for_each(|lines| drop(server.events(lines)));
    let url = format!("http://{}", server.address);
    let memory = place.command(&["export", "memory", "--url", &url]);
    let memory: Value = serde_json::from_slice(&memory.stdout).expect("JSON");
    assert_eq!(memory, server.get("/v1/memory").json());
    let incidents = place.command(&["export", "incidents", "--url", &url]);
    assert!(String::from_utf8_lossy(&incidents.stdout).contains("PAYU"));
    let journal = || place.command(&["export", "journal", "--folder", "run"]);
    let replay = || place.command(&["replay", "run/journal.ndjson"]);
    assert!(journal().status.success(), "{:?}", journal());
    let output = replay();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success() && said.contains(" 0 differ") && !said.starts_with('0'),
        "{said}"
    );
    assert_eq!(server.stop(), 0);
    let gone = place.command(&["export", "memory", "--url", &url]);
    assert_eq!(gone.status.code(), Some(4), "{gone:?}");
}
