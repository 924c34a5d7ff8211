//! What takes two people: clearing the kill switch, widening a limit.

use serde_json::{Value, json};

use super::{Issuer, ask, ask_with};
use crate::people::create;
use crate::support::{Answer, Place, Running};

#[test]
fn two_people_clear_the_kill_switch() {
    let Some(issuer) = Issuer::start("two people") else { return };
    let place = Place::new();
    place.config("");
    let key = create(&place, &["--role", "admin"]).1;
    let server = place.start(&issuer.config());
    let [ann, bob] = ["ann", "bob"].map(|name| issuer.token(name, &["approver"]));
    let operator = issuer.token("op", &["operator"]);
    let clear = |who: &str| ask(&server, who, "POST", "/v1/kill-switch", r#"{"engaged": false}"#);
    let engage = r#"{"engaged": true, "reason": "drill"}"#;
    assert_eq!(ask(&server, &operator, "POST", "/v1/kill-switch", engage).status, 200);
    assert_eq!((clear(&operator).status, clear(&key).status), (403, 403));
    let first = clear(&ann);
    assert_eq!(first.status, 202, "{first:?}");
    let told = first.json();
    assert_eq!((&told["engaged"], &told["clear_requested_by"]), (&json!(true), &json!("ann")));
    assert!(told["expires_at"].is_string());
    assert_eq!((clear(&ann).status, clear(&key).status), (403, 403));
    let engaged = ask(&server, &bob, "GET", "/v1/policy", "").json()["kill_switch"].clone();
    assert_eq!(engaged, true, "one word changes nothing");
    let second = clear(&bob);
    assert_eq!((second.status, &second.json()["engaged"]), (200, &json!(false)), "{second:?}");
    assert_eq!(ask(&server, &bob, "GET", "/v1/policy", "").json()["kill_switch"], false);
    // Engaging again takes the first word back.
    assert_eq!(ask(&server, &operator, "POST", "/v1/kill-switch", engage).status, 200);
    assert_eq!(clear(&ann).status, 202);
    assert_eq!(ask(&server, &operator, "POST", "/v1/kill-switch", engage).status, 200);
    assert_eq!(clear(&bob).status, 202, "it begins anew");
}

#[test]
fn one_person_is_enough_where_it_is_configured_so() {
    let Some(issuer) = Issuer::start("one person") else { return };
    let place = Place::new();
    place.config("");
    let key = create(&place, &["--role", "admin"]).1;
    let server = place.start(&format!("[safety]\nfour_eyes = false\n{}", issuer.config()));
    let ann = issuer.token("ann", &["admin"]);
    assert_eq!(ask(&server, &ann, "POST", "/v1/kill-switch", r#"{"engaged": true}"#).status, 200);
    let clear = r#"{"engaged": false}"#;
    assert_eq!(ask(&server, &key, "POST", "/v1/kill-switch", clear).status, 403, "a key never");
    assert_eq!(ask(&server, &ann, "POST", "/v1/kill-switch", clear).status, 200);
    let wider = patch(&server, &ann, json!({"modes": {"reroute": "auto"}}));
    assert_eq!((wider.status, &wider.json()["modes"]["reroute"]), (200, &json!("auto")));
}

fn patch(server: &Running, who: &str, change: Value) -> Answer {
    let tag = ask(server, who, "GET", "/v1/settings", "");
    let tag = tag.header("etag").expect("a tag").to_owned();
    ask_with(server, who, "PATCH", "/v1/settings", &[("if-match", &tag)], &change.to_string())
}

#[test]
fn widening_a_limit_waits_for_a_second_person() {
    let Some(issuer) = Issuer::start("two people for a limit") else { return };
    let place = Place::new();
    place.config("");
    let key = create(&place, &["--role", "admin"]).1;
    let server = place.start(&issuer.config());
    let [ann, bob, eve] = ["ann", "bob", "eve"].map(|name| issuer.token(name, &["admin"]));
    let viewer = issuer.token("vic", &["viewer"]);
    let share = |n: f64| json!({"guardrails": {"shift_share_max": n}});
    let now = || {
        let settings = ask(&server, &viewer, "GET", "/v1/settings", "").json();
        settings["guardrails"]["shift_share_max"].as_f64().expect("a share")
    };
    let list = || ask(&server, &viewer, "GET", "/v1/settings/pending", "").json()["data"].clone();
    let confirm = |who: &str, id: &str| {
        ask(&server, who, "POST", &format!("/v1/settings/pending/{id}/confirm"), "")
    };
    assert_eq!(patch(&server, &ann, share(0.4)).status, 200, "narrowing is immediate");
    let asked = patch(&server, &ann, share(0.6));
    assert_eq!((asked.status, now()), (202, 0.4), "{asked:?}");
    let asked = asked.json();
    assert_eq!((&asked["requested_by"], &asked["widens"]), (&json!("ann"), &json!(["guardrails"])));
    assert_eq!(asked["change"], json!({"modes": {}, "guardrails": {"shift_share_max": 0.6}}));
    let id = asked["id"].as_str().expect("an id");
    assert_eq!(list(), json!([asked]));
    let again = patch(&server, &ann, share(0.6));
    assert_eq!(
        (again.status, &again.json()["id"]),
        (202, &asked["id"]),
        "the same again is the same"
    );
    assert_eq!([&ann, &key, &viewer].map(|who| confirm(who, id).status), [403, 403, 403]);
    assert_eq!((confirm(&bob, "c_0").status, now()), (404, 0.4));
    let agreed = confirm(&bob, id);
    assert_eq!((agreed.status, now()), (200, 0.6), "{agreed:?}");
    assert!(agreed.header("etag").is_some());
    assert_eq!((confirm(&eve, id).status, list()), (404, json!([])), "it counts once");
    // Two who ask for the same agree; a key may ask, and never agrees.
    assert_eq!(patch(&server, &key, share(0.65)).status, 202);
    assert_eq!(patch(&server, &key, share(0.65)).status, 202);
    assert_eq!((patch(&server, &bob, share(0.65)).status, now()), (200, 0.65));
    assert_eq!(patch(&server, &ann, share(0.7)).status, 202);
    assert_eq!(patch(&server, &key, share(0.7)).status, 202);
    assert_eq!(now(), 0.65);
    // Bound to the settings that it was asked for.
    let id = list()[0]["id"].as_str().expect("an id").to_owned();
    assert_eq!(patch(&server, &eve, json!({"guardrails": {"confidence_min": 0.9}})).status, 200);
    assert_eq!((confirm(&bob, &id).status, now()), (409, 0.65));
    let path = format!("/v1/settings/pending/{id}");
    assert_eq!(ask(&server, &eve, "DELETE", &path, "").status, 204);
    assert_eq!((ask(&server, &eve, "DELETE", &path, "").status, list()), (404, json!([])));
    // A key made by somebody is not another person.
    let made = ask(&server, &ann, "POST", "/v1/keys", r#"{"role": "admin"}"#).json();
    let own = made["key"].as_str().expect("a key").to_owned();
    let asked = patch(&server, &own, share(0.7)).json();
    let id = asked["id"].as_str().expect("an id");
    assert_eq!(confirm(&ann, id).status, 403);
    // Of many who agree at once one wins.
    let people: Vec<String> =
        (0..20).map(|i| issuer.token(&format!("admin {i}"), &["admin"])).collect();
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let all: Vec<_> =
            people.iter().map(|who| scope.spawn(|| confirm(who, id).status)).collect();
        all.into_iter().map(|one| one.join().expect("answered")).collect()
    });
    assert_eq!(statuses.iter().filter(|s| **s == 200).count(), 1, "{statuses:?}");
    assert!(statuses.iter().all(|s| [200, 404, 409].contains(s)), "{statuses:?}");
    let log = ask(&server, &ann, "GET", "/v1/audit?limit=500", "").json();
    let entries = log["data"].as_array().expect("entries");
    let changes = entries.iter().filter(|e| {
        e["detail"]["asked_by"] == format!("key:{}", made["id"].as_str().expect("an id"))
    });
    assert_eq!(changes.count(), 1, "both are in the log");
    assert!(entries.iter().any(|e| e["action"] == "request_change" && e["actor"] == "ann"));
}
