//! Which tokens count, and how keys come and go.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Issuer, ask};
use crate::support::{Place, now_ms};

fn with(mut claims: Value, changes: Value) -> Value {
    for (name, value) in changes.as_object().expect("members") {
        match value {
            Value::Null => drop(claims.as_object_mut().expect("members").remove(name)),
            value => claims[name] = value.clone(),
        }
    }
    claims
}

#[test]
fn a_token_counts_only_if_everything_about_it_is_right() {
    let Some(issuer) = Issuer::start("tokens") else { return };
    let curve = issuer.rotate("ES256");
    let edwards = issuer.rotate("EdDSA");
    let pss = issuer.rotate("PS384");
    let rsa = issuer.rotate("RS256");
    let place = Place::new();
    let server = place.start(&issuer.config());
    let fine = issuer.claims("ann", &["viewer"]);
    let now = now_ms() / 1_000;
    let right = [
        issuer.sign(&fine),
        issuer.sign_as(&fine, json!({"by": curve})),
        issuer.sign_as(&fine, json!({"by": edwards})),
        issuer.sign_as(&fine, json!({"by": pss})),
        issuer.sign_as(&fine, json!({"typ": "at+jwt"})),
        issuer.sign(&with(fine.clone(), json!({"aud": ["other", "pointsman"]}))),
        issuer.sign(&with(fine.clone(), json!({"exp": now - 10}))),
        issuer.sign(&with(fine.clone(), json!({"nbf": now + 10}))),
    ];
    for (at, token) in right.iter().enumerate() {
        let answer = ask(&server, token, "GET", "/v1/me", "");
        assert_eq!(answer.status, 200, "{at}: {answer:?} {}", server.said());
        let me = answer.json();
        assert_eq!(
            (&me["name"], &me["role"], &me["by"]),
            (&json!("ann"), &json!("viewer"), &json!("token"))
        );
        assert_eq!((&me["tenant"], &me["csrf_token"]), (&json!("default"), &json!(null)));
    }
    let signed = issuer.sign(&fine);
    let (head, rest) = signed.split_once('.').expect("parts");
    let (payload, signature) = rest.split_once('.').expect("parts");
    let other = issuer.sign(&with(fine.clone(), json!({"roles": ["admin"]})));
    let other_payload = other.split('.').nth(1).expect("parts");
    let forge = |header: Value| {
        let token = issuer.tell(&json!({"command": "forge", "claims": fine, "header": header}));
        token.as_str().expect("a token").to_owned()
    };
    let changed = |changes: Value| issuer.sign(&with(fine.clone(), changes));
    let wrong: Vec<(&str, String)> = vec![
        ("none", forge(json!({"alg": "none", "kid": rsa}))),
        ("None", forge(json!({"alg": "None", "kid": rsa}))),
        ("the public key as a shared secret", forge(json!({"alg": "HS256", "kid": rsa}))),
        ("HS512", forge(json!({"alg": "HS512", "kid": rsa, "typ": "JWT"}))),
        ("an algorithm unheard of", forge(json!({"alg": "XS256", "kid": rsa}))),
        ("RS256 by name, no signature of it", forge(json!({"alg": "RS256", "kid": rsa}))),
        ("an unknown kid", issuer.sign_as(&fine, json!({"kid": "nobody's"}))),
        ("no kid", issuer.sign_as(&fine, json!({"kid": null}))),
        ("another key's kid", issuer.sign_as(&fine, json!({"kid": curve}))),
        ("another type", issuer.sign_as(&fine, json!({"typ": "logout+jwt"}))),
        (
            "a key of its own",
            forge(json!({"alg": "RS256", "kid": rsa, "jku": format!("{}/jwks", issuer.url)})),
        ),
        ("critical extensions", forge(json!({"alg": "RS256", "kid": rsa, "crit": ["x"], "x": 1}))),
        ("another issuer", changed(json!({"iss": "https://login.example.com"}))),
        ("almost the issuer", changed(json!({"iss": format!("{}/", issuer.url)}))),
        ("no issuer", changed(json!({"iss": null}))),
        ("another audience", changed(json!({"aud": "other"}))),
        ("a list without the audience", changed(json!({"aud": ["other", "pointsman2"]}))),
        ("no audience", changed(json!({"aud": null}))),
        ("expired", changed(json!({"exp": now - 60}))),
        ("without an end", changed(json!({"exp": null}))),
        ("not valid yet", changed(json!({"nbf": now + 300}))),
        ("nobody", changed(json!({"sub": null}))),
        ("an empty subject", changed(json!({"sub": ""}))),
        ("the name of a key", changed(json!({"sub": "key:k_0"}))),
        ("a card number", changed(json!({"sub": "4111111111111111"}))),
        ("another payload", format!("{head}.{other_payload}.{signature}")),
        ("no signature", format!("{head}.{payload}.")),
        ("two parts", format!("{head}.{payload}")),
        ("five parts", format!("{signed}.x.y")),
        ("no token", "ey".into()),
        ("too long", format!("{head}.{}.{signature}", "A".repeat(20_000))),
    ];
    for (what, token) in &wrong {
        let answer = ask(&server, token, "GET", "/v1/me", "");
        assert_eq!(answer.status, 401, "{what}: {answer:?}");
        let mut problem = answer.json();
        problem["request_id"] = json!(null);
        let mut none = server.get("/v1/me").json();
        none["request_id"] = json!(null);
        assert_eq!(problem, none, "{what}: it doesn't say what was wrong");
        let session = server.post("/v1/session", &json!({"token": token}).to_string());
        assert_eq!(session.status, 401, "{what}: no session either");
        assert_eq!(session.header("set-cookie"), None);
    }
    let said = server.said();
    assert!(said.contains("an algorithm that isn't allowed") && said.contains("expired"), "{said}");
    assert!(!said.contains(payload) && !said.contains(signature), "no token is logged");
    assert_eq!(issuer.asked(), 1, "whatever came, the keys were fetched once");
    // Nobody without a role; machines by their scopes.
    let event = crate::support::small("e", now_ms(), "approved");
    for (roles, incidents, events) in [
        (&[][..], 403, 403),
        (&["boss"], 403, 403),
        (&["events"], 403, 202),
        (&["operator", "viewer"], 200, 403),
    ] {
        let token = issuer.token("bob", roles);
        assert_eq!(ask(&server, &token, "GET", "/v1/incidents", "").status, incidents, "{roles:?}");
        assert_eq!(ask(&server, &token, "POST", "/v1/events", &event).status, events, "{roles:?}");
    }
    assert_eq!(
        server.get("/v1/incidents").status,
        401,
        "with an issuer everybody has to say who they are"
    );
}

#[test]
fn a_new_key_counts_within_a_minute_and_without_keys_nobody_does() {
    let Some(issuer) = Issuer::start("rotation") else { return };
    issuer.tell(&json!({"command": "down", "is": true}));
    let place = Place::new();
    let server = place.start(&issuer.config());
    let first = issuer.token("ann", &["viewer"]);
    let since = Instant::now();
    for _ in 0..20 {
        let unknown = issuer.sign_as(&issuer.claims("eve", &["admin"]), json!({"kid": "made up"}));
        for token in [&first, &unknown] {
            assert_eq!(ask(&server, token, "GET", "/v1/me", "").status, 401, "it fails closed");
        }
    }
    issuer.tell(&json!({"command": "down", "is": false}));
    issuer.rotate("RS256");
    let second = issuer.token("ann", &["viewer"]);
    assert_eq!(issuer.asked(), 1, "once a minute, whoever asks");
    while ask(&server, &second, "GET", "/v1/me", "").status != 200 {
        assert!(since.elapsed() < Duration::from_secs(75), "{}", server.said());
        std::thread::sleep(Duration::from_millis(500));
    }
    assert!(since.elapsed() > Duration::from_secs(55), "{:?}", since.elapsed());
    assert_eq!(issuer.asked(), 2);
    issuer.tell(&json!({"command": "down", "is": true}));
    assert_eq!(ask(&server, &first, "GET", "/v1/me", "").status, 200, "the key before counts on");
    assert_eq!(ask(&server, &second, "GET", "/v1/me", "").status, 200);
    let said = server.said();
    assert!(said.contains("the issuer's keys can't be fetched"), "{said}");
}
