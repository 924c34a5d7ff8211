//! Browsers: logged in at the issuer, kept from other sites' pages, logged out at once.

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use serde_json::json;
use url::Url;

use super::{Issuer, ask};
use crate::support::{Answer, Place, Running, now_ms, try_ask};

fn cookies(answer: &Answer) -> Vec<String> {
    let set = answer.headers.iter().filter(|(name, _)| name == "set-cookie");
    set.map(|(_, value)| value.clone()).collect()
}

/// `name=value` of the cookie that an answer sets.
fn cookie(answer: &Answer, name: &str) -> String {
    let all = cookies(answer);
    let found = all.iter().find(|cookie| cookie.starts_with(&format!("{name}=")));
    let found = found.unwrap_or_else(|| panic!("no {name}: {answer:?}"));
    found.split(';').next().expect("a pair").to_owned()
}

fn with(
    server: &Running,
    cookie: &str,
    method: &str,
    path: &str,
    more: &[(&str, &str)],
    body: &str,
) -> Answer {
    let mut headers = vec![("cookie", cookie), ("content-type", "application/json")];
    headers.extend(more);
    server.ask(method, path, &headers, body.as_bytes())
}

fn path_of(url: &str) -> String {
    let url = Url::parse(url).expect("a URL");
    url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()))
}

/// Goes to the issuer and comes back: the cookie of the login, and the path with the code.
fn to_issuer_and_back(server: &Running, issuer: &Issuer) -> (String, String) {
    let login = server.get("/v1/session/login?return_to=/docs");
    assert_eq!(login.status, 303, "{login:?} {}", server.said());
    let kept = cookies(&login);
    assert!(kept[0].contains("HttpOnly") && kept[0].contains("SameSite=Lax"), "{kept:?}");
    let there = login.header("location").expect("somewhere");
    let asked: std::collections::BTreeMap<String, String> =
        Url::parse(there).expect("a URL").query_pairs().into_owned().collect();
    assert_eq!(asked["code_challenge_method"], "S256");
    assert_eq!(asked["response_type"], "code");
    assert_eq!(asked["redirect_uri"], format!("http://{}/v1/session/callback", server.address));
    let secret = cookie(&login, "pointsman_login");
    for part in ["state", "nonce", "code_challenge"] {
        assert!(asked[part].len() >= 43 && !secret.contains(&asked[part]), "{asked:?}");
    }
    let there = try_ask(&issuer.address(), "GET", &path_of(there), &[], b"").expect("asked");
    assert_eq!(there.status, 302, "{there:?}");
    (secret, path_of(there.header("location").expect("back")))
}

#[test]
fn a_browser_logs_in_at_the_issuer_and_no_other_site_acts_for_it() {
    let Some(issuer) = Issuer::start("browsers' sessions") else { return };
    let place = Place::new();
    let server = place.start(&issuer.config());
    issuer.tell(&json!({"command": "login", "claims": {"sub": "ann", "roles": ["operator"]}}));
    let (kept, back) = to_issuer_and_back(&server, &issuer);
    assert_eq!(server.get(&back).status, 401, "another browser, which has not asked");
    let other = to_issuer_and_back(&server, &issuer);
    assert_eq!(with(&server, &other.0, "GET", &back, &[], "").status, 401, "another login's state");
    let done = with(&server, &kept, "GET", &back, &[], "");
    assert_eq!(
        (done.status, done.header("location")),
        (303, Some("/docs")),
        "{done:?} {}",
        server.said()
    );
    let session = cookie(&done, "pointsman_session");
    let whole =
        cookies(&done).into_iter().find(|c| c.starts_with("pointsman_session")).expect("set");
    assert!(
        whole.contains("HttpOnly") && whole.contains("SameSite=Lax") && whole.contains("Path=/"),
        "{whole}"
    );
    assert!(whole.contains("Max-Age=28800"), "{whole}");
    assert_eq!(with(&server, &kept, "GET", &back, &[], "").status, 401, "a code counts once");
    // A token that was made for another login.
    issuer.tell(&json!({"command": "login", "claims": {"nonce": "another", "roles": ["admin"]}}));
    let (kept, back) = to_issuer_and_back(&server, &issuer);
    assert_eq!(with(&server, &kept, "GET", &back, &[], "").status, 401, "another nonce");

    let me = with(&server, &session, "GET", "/v1/me", &[], "").json();
    assert_eq!(
        (&me["name"], &me["role"], &me["by"]),
        (&json!("ann"), &json!("operator"), &json!("session"))
    );
    let csrf = me["csrf_token"].as_str().expect("a token").to_owned();
    let engage = r#"{"engaged": true, "reason": "drill"}"#;
    let own = format!("http://{}", server.address);
    let cases: [(&[(&str, &str)], u16); 6] = [
        (&[], 403),
        (&[("x-csrf-token", "guessed")], 403),
        (&[("origin", &own)], 403),
        (&[("x-csrf-token", &csrf), ("origin", "https://evil.example")], 403),
        (&[("x-csrf-token", &csrf), ("origin", "null")], 403),
        (&[("x-csrf-token", &csrf), ("origin", &own)], 200),
    ];
    for (headers, status) in cases {
        let answer = with(&server, &session, "POST", "/v1/kill-switch", headers, engage);
        assert_eq!(answer.status, status, "{headers:?} {answer:?}");
        if status == 403 {
            assert_eq!(answer.json()["code"], "csrf");
        }
    }
    assert_eq!(
        with(&server, &session, "GET", "/v1/audit", &[], "").status,
        403,
        "an operator's role"
    );
    // What the cookie holds is found nowhere.
    let secret = session.split('=').nth(1).expect("a value");
    for entry in std::fs::read_dir(place.path()).expect("read").flatten() {
        let bytes = std::fs::read(entry.path()).expect("read");
        assert!(!bytes.windows(secret.len()).any(|w| w == secret.as_bytes()), "{:?}", entry.path());
    }
    // It outlives the server, and ends when it is told to.
    assert_eq!(server.stop(), 0);
    let server = place.start(&issuer.config());
    assert_eq!(with(&server, &session, "GET", "/v1/me", &[], "").status, 200);
    assert_eq!(with(&server, &session, "DELETE", "/v1/session", &[], "").status, 403);
    let end = with(&server, &session, "DELETE", "/v1/session", &[("x-csrf-token", &csrf)], "");
    assert_eq!(end.status, 204, "{end:?}");
    assert!(cookies(&end)[0].contains("Max-Age=0"), "{end:?}");
    assert_eq!(with(&server, &session, "GET", "/v1/me", &[], "").status, 401);
    for elsewhere in ["//evil.example", "https://evil.example", "/%5Cevil.example", "incidents"] {
        let answer = server.get(&format!("/v1/session/login?return_to={elsewhere}"));
        assert_eq!(answer.status, 400, "{elsewhere}");
    }
}

#[test]
fn a_token_becomes_a_cookie_that_ends_with_it_or_with_its_person() {
    let Some(issuer) = Issuer::start("sessions by token") else { return };
    let place = Place::new();
    let server = place.start(&issuer.config());
    let admin = issuer.token("root", &["admin"]);
    let begin = |token: &str, headers: &[(&str, &str)]| {
        let body = json!({"token": token}).to_string();
        server.ask("POST", "/v1/session", headers, body.as_bytes())
    };
    let token = issuer.token("ann", &["viewer"]);
    let begun = begin(&token, &[]);
    assert_eq!((begun.status, &begun.json()["by"]), (200, &json!("session")), "{begun:?}");
    assert_eq!(begin(&token, &[("origin", "https://evil.example")]).status, 403);
    let session = cookie(&begun, "pointsman_session");
    let alive = |cookie: &str| with(&server, cookie, "GET", "/v1/incidents", &[], "").status;
    assert_eq!(alive(&session), 200);
    assert_eq!(alive("pointsman_session=0000"), 401);
    // It lasts no longer than the token.
    let mut claims = issuer.claims("bob", &["viewer"]);
    // A leeway of 30 s belongs to it.
    claims["exp"] = json!(now_ms() / 1_000 - 15);
    let short = cookie(&begin(&issuer.sign(&claims), &[]), "pointsman_session");
    assert_eq!(alive(&short), 200);
    let since = Instant::now();
    while alive(&short) != 401 {
        assert!(since.elapsed() < Duration::from_secs(30));
        std::thread::sleep(Duration::from_millis(200));
    }
    // Another role, at once.
    let made = ask(
        &server,
        &admin,
        "POST",
        "/v1/users",
        r#"{"subject": "ann", "name": "Ann", "role": "approver"}"#,
    );
    assert_eq!((made.status, &made.json()["role"]), (201, &json!("approver")), "{made:?}");
    let path = format!("/v1/users/{}", made.json()["id"].as_str().expect("an id"));
    let role =
        |with_what: &str| with(&server, with_what, "GET", "/v1/me", &[], "").json()["role"].clone();
    assert_eq!(role(&session), "approver");
    assert_eq!(ask(&server, &token, "GET", "/v1/me", "").json()["role"], "approver");
    let twice = ask(&server, &admin, "POST", "/v1/users", r#"{"subject": "ann"}"#);
    assert_eq!(twice.status, 409, "{twice:?}");
    let changed = ask(&server, &admin, "PATCH", &path, r#"{"role": null}"#);
    assert_eq!(
        (changed.status, &changed.json()["role"], &changed.json()["name"]),
        (200, &json!(null), &json!("Ann"))
    );
    assert_eq!(role(&session), "viewer");
    // What they listen to ends with them.
    let mut listening = std::net::TcpStream::connect(&server.address).expect("connected");
    listening.set_read_timeout(Some(Duration::from_secs(30))).expect("set");
    let head = format!(
        "GET /v1/stream HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncookie: {session}\r\n\r\n",
        server.address
    );
    listening.write_all(head.as_bytes()).expect("asked");
    // Disabled: neither session nor token counts, and nobody lets them in by forgetting them.
    assert_eq!(ask(&server, &admin, "PATCH", &path, r#"{"disabled": true}"#).status, 200);
    assert_eq!(alive(&session), 401);
    assert_eq!(ask(&server, &token, "GET", "/v1/me", "").status, 401);
    assert_eq!(begin(&token, &[]).status, 401);
    let mut heard = String::new();
    let ended = listening.read_to_string(&mut heard);
    assert!(ended.is_ok() && heard.starts_with("HTTP/1.1 200"), "{ended:?} {heard}");
    assert_eq!(ask(&server, &admin, "DELETE", &path, "").status, 409);
    assert_eq!(ask(&server, &admin, "PATCH", &path, r#"{"disabled": false}"#).status, 200);
    assert_eq!(ask(&server, &token, "GET", "/v1/me", "").status, 200);
    assert_eq!(alive(&session), 401, "a session that was ended stays so");
    assert_eq!(ask(&server, &admin, "DELETE", &path, "").status, 204);
    assert_eq!(ask(&server, &admin, "GET", &path, "").status, 404);
    let log = ask(&server, &admin, "GET", "/v1/audit?limit=500", "").json();
    let actions: Vec<&str> = log["data"]
        .as_array()
        .expect("entries")
        .iter()
        .filter_map(|e| e["action"].as_str())
        .collect();
    for action in ["log_in", "create_user", "change_user", "remove_user"] {
        assert!(actions.contains(&action), "{actions:?}");
    }
    assert!(!log.to_string().contains(&token), "no token is written down");
}

#[test]
fn a_key_is_made_once_and_told_once() {
    let Some(issuer) = Issuer::start("keys over HTTP") else { return };
    let place = Place::new();
    let server = place.start(&issuer.config());
    let admin = issuer.token("root", &["admin"]);
    let body = r#"{"name": "checkout", "scopes": ["route", "events"], "expires_at": "2099-01-01T00:00:00Z"}"#;
    let create =
        || super::ask_with(&server, &admin, "POST", "/v1/keys", &[("idempotency-key", "k")], body);
    let (made, again) = (create(), create());
    assert_eq!((made.status, again.status), (201, 201), "{made:?}");
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    let (made, again) = (made.json(), again.json());
    assert_eq!(
        (&made["id"], &again["key"]),
        (&again["id"], &json!(null)),
        "the secret is kept nowhere"
    );
    assert_eq!((&made["name"], &made["scopes"]), (&json!("checkout"), &json!(["events", "route"])));
    let secret = made["key"].as_str().expect("a secret");
    let event = crate::support::small("a", now_ms(), "approved");
    assert_eq!(ask(&server, secret, "POST", "/v1/events", &event).status, 202);
    for wrong in [
        "{}",
        r#"{"role": "viewer", "scopes": ["events"]}"#,
        r#"{"scopes": ["admin"]}"#,
        r#"{"role": "viewer", "expires_at": "2001-01-01T00:00:00Z"}"#,
        r#"{"role": "viewer", "name": "4111 1111 1111 1111"}"#,
    ] {
        assert_eq!(ask(&server, &admin, "POST", "/v1/keys", wrong).status, 422, "{wrong}");
    }
    assert_eq!(ask(&server, &admin, "POST", "/v1/keys", r#"{"role": "boss"}"#).status, 400);
    let other = r#"{"role": "viewer", "tenant": "other"}"#;
    assert_eq!(ask(&server, &admin, "POST", "/v1/keys", other).status, 403);
    let path = format!("/v1/keys/{}", made["id"].as_str().expect("an id"));
    assert_eq!(ask(&server, &admin, "DELETE", &path, "").status, 204);
    assert_eq!(ask(&server, secret, "POST", "/v1/events", &event).status, 401, "refused at once");
    for entry in std::fs::read_dir(place.path()).expect("read").flatten() {
        let bytes = std::fs::read(entry.path()).expect("read");
        assert!(!bytes.windows(secret.len()).any(|w| w == secret.as_bytes()), "{:?}", entry.path());
    }
}
