//! Tenants by objects: whoever belongs to another finds nothing here, and can do nothing.

use serde_json::{Value, json};

use super::{Issuer, ask, ask_with};
use crate::people::create;
use crate::support::{EVENT_CLOCK, HOUR, Place};

#[test]
fn another_tenant_finds_nothing_and_does_nothing() {
    let Some(issuer) = Issuer::start("tenants") else { return };
    let place = Place::new();
    let config = format!(
        "[server]\ntenant = \"acme\"\n{EVENT_CLOCK}[modes]\nreroute = \"approve\"\nsuppress_path = \"approve\"\n{}tenant_claim = \"tenant\"\n",
        issuer.config()
    );
    place.config(&config);
    let (own_id, own) = create(&place, &["--role", "admin"]);
    let (_, foreign_key) = create(&place, &["--role", "admin", "--tenant", "other"]);
    let (_, foreign_feed) = create(&place, &["--scope", "events,route", "--tenant", "other"]);
    let server = place.start(&config);
    let person = |tenant: Value| {
        let mut claims = issuer.claims("ann", &["admin"]);
        claims["tenant"] = tenant;
        issuer.sign(&claims)
    };
    let (own_person, foreign_person) = (person(json!("acme")), person(json!("other")));
    assert_eq!(
        ask(&server, &person(json!(null)), "GET", "/v1/me", "").status,
        401,
        "no tenant, nobody"
    );
    assert_eq!(ask(&server, &own_person, "GET", "/v1/me", "").json()["tenant"], "acme");

    // Everything there is, belonging to this tenant.
    let bearer = format!("Bearer {own}");
    let kind = [("content-type", "application/x-ndjson"), ("authorization", bearer.as_str())];
    for lines in HOUR.chunks(5_000) {
        assert_eq!(
            server.ask("POST", "/v1/events", &kind, lines.join("\n").as_bytes()).status,
            202
        );
    }
    let first = |path: &str| {
        let list = ask(&server, &own, "GET", path, "").json();
        list["data"][0]["id"].as_str().map(str::to_owned)
    };
    let incident = first("/v1/incidents").expect("an incident");
    let intervention = first("/v1/interventions").expect("an intervention");
    let experiment = first("/v1/experiments").unwrap_or_else(|| "x_1".into());
    let user = ask(&server, &own, "POST", "/v1/users", r#"{"subject": "bob"}"#).json();
    let user = user["id"].as_str().expect("an id").to_owned();
    let tag = ask(&server, &own, "GET", "/v1/settings", "");
    let tag = tag.header("etag").expect("a tag").to_owned();
    let wider = r#"{"guardrails": {"shift_share_max": 0.9}}"#;
    let change =
        ask_with(&server, &own, "PATCH", "/v1/settings", &[("if-match", &tag)], wider).json();
    let change = change["id"].as_str().expect("an id").to_owned();
    let payment = serde_json::from_str::<Value>(&HOUR[0]).expect("an event")["payment_id"].clone();
    let payment = payment.as_str().expect("an id").to_owned();
    let route = r#"{"payment_id":"p","merchant_id":"m","method":"card","candidates":["x"],"amount":{"minor":1,"currency":"INR"}}"#;
    let decision = ask(&server, &own, "POST", "/v1/route", route).json();
    let decision = decision["decision_id"].as_str().expect("an id").to_owned();

    let fill = |path: &str| {
        let path = path.replace("/v1/incidents/{id}", &format!("/v1/incidents/{incident}"));
        let path =
            path.replace("/v1/interventions/{id}", &format!("/v1/interventions/{intervention}"));
        let path = path.replace("/v1/experiments/{id}", &format!("/v1/experiments/{experiment}"));
        let path = path.replace("/v1/users/{id}", &format!("/v1/users/{user}"));
        let path = path.replace("/v1/keys/{id}", &format!("/v1/keys/{own_id}"));
        let path =
            path.replace("/v1/settings/pending/{id}", &format!("/v1/settings/pending/{change}"));
        path.replace("{payment_id}", &payment)
            .replace("{decision_id}", &decision)
            .replace("{id}", "x")
    };
    let state = || {
        let paths = [
            "/v1/settings",
            "/v1/kill-switch",
            "/v1/keys",
            "/v1/users",
            "/v1/settings/pending",
            "/v1/freezes",
            "/v1/incidents?limit=500",
            "/v1/interventions?limit=500",
        ];
        paths.map(|path| ask(&server, &own, "GET", path, "").body)
    };
    let before = state();
    let described = server.get("/openapi.json").json();
    let open = ["/healthz", "/readyz", "/version", "/openapi.json", "/docs", "/metrics", "/v1/me"];
    let mut seen = [0; 4];
    for (path, item) in described["paths"].as_object().expect("paths") {
        for method in item.as_object().expect("calls").keys() {
            let method = method.to_uppercase();
            for who in [&foreign_key, &foreign_feed, &foreign_person] {
                if open.contains(&path.as_str()) || path.starts_with("/v1/session") {
                    continue;
                }
                let answer = ask(&server, who, &method, &fill(path), "");
                let what = format!("{method} {path}: {answer:?}");
                match (method.as_str(), answer.status) {
                    ("GET", 200) => {
                        seen[0] += 1;
                        assert_eq!(answer.json()["data"], json!([]), "{what}");
                    }
                    (_, 404) => {
                        seen[1] += 1;
                        assert!(!answer.body.contains("acme"), "{what}");
                    }
                    (m, 403) if m != "GET" && !path.contains('{') => {
                        seen[2] += 1;
                        assert_eq!(answer.json()["code"], "other_tenant", "{what}");
                    }
                    _ => panic!("{what}"),
                }
                seen[3] += 1;
            }
        }
    }
    assert!(seen.iter().all(|n| *n > 20), "{seen:?}");
    for list in [
        "/v1/incidents",
        "/v1/interventions",
        "/v1/experiments",
        "/v1/decisions",
        "/v1/keys",
        "/v1/users",
        "/v1/audit",
    ] {
        let answer = ask(&server, &foreign_key, "GET", list, "");
        assert_eq!(
            (answer.status, &answer.json()["data"]),
            (200, &json!([])),
            "{list}: empty, not missing"
        );
    }
    assert_eq!(ask(&server, &foreign_key, "GET", "/v1/me", "").json()["tenant"], "other");
    assert_eq!(state(), before, "nothing was done");
    // The tenant's own people do find it.
    for path in [
        "/v1/incidents/{id}",
        "/v1/interventions/{id}",
        "/v1/users/{id}",
        "/v1/payments/{payment_id}",
    ] {
        assert_eq!(ask(&server, &own_person, "GET", &fill(path), "").status, 200, "{path}");
    }
    let keys = ask(&server, &own_person, "GET", "/v1/keys", "").json();
    assert_eq!(
        keys["data"].as_array().map(Vec::len),
        Some(1),
        "keys of another tenant aren't shown: {keys}"
    );
}
