//! `pointsman check`: every part is looked at, every value has an origin, and nothing is made.

use serde_json::Value;

use crate::support::Place;

fn check(place: &Place, environment: &[(&str, &str)]) -> (i32, Value) {
    let done = place.command_with(&["check", "--format", "json"], environment);
    let told = serde_json::from_slice(&done.stdout);
    (done.status.code().unwrap_or(-1), told.unwrap_or_else(|e| panic!("{e}: {done:?}")))
}

fn part<'a>(told: &'a Value, name: &str) -> &'a Value {
    let parts = told["checks"].as_array().expect("checks");
    parts.iter().find(|part| part["part"] == name).unwrap_or_else(|| panic!("{name}: {told}"))
}

fn value<'a>(told: &'a Value, key: &str) -> &'a Value {
    let values = told["values"].as_array().expect("values");
    values.iter().find(|value| value["key"] == key).unwrap_or_else(|| panic!("{key}: {told}"))
}

#[test]
fn a_store_is_looked_at_and_not_made() {
    let place = Place::new();
    place.config("[modes]\nreroute = \"advise\"\n");
    let (code, told) = check(&place, &[("POINTSMAN_CLOCK__LATENESS", "7s")]);
    assert_eq!((code, &told["ok"]), (0, &Value::Bool(true)), "{told}");
    assert!(
        part(&told, "store")["detail"].as_str().is_some_and(|d| d.contains("is new")),
        "{told}"
    );
    assert!(!place.path().join("pointsman.db").exists());
    let origin = |key: &str| value(&told, key)["origin"].as_str().expect("a text").to_owned();
    assert_eq!(origin("modes.reroute"), "file, pointsman.toml");
    assert_eq!(origin("clock.lateness"), "environment, POINTSMAN_CLOCK__LATENESS");
    assert_eq!(origin("routing.seed"), "default");
    assert_eq!(value(&told, "routing.seed")["value"], "1");

    let server = place.start("");
    let (code, told) = check(&place, &[]);
    assert_eq!(code, 0, "{told}");
    let seen = part(&told, "store")["detail"].as_str().expect("a text");
    assert!(seen.contains("has schema ") && seen.ends_with(" and can be written to"), "{told}");
    assert_eq!(server.stop(), 0);
    let text = place.command(&["check", "--listen", "127.0.0.1:9"]);
    let text = String::from_utf8_lossy(&text.stdout).into_owned();
    assert!(text.contains("server.listen = \"127.0.0.1:9\"  (flag, --listen)"), "{text}");
}

#[test]
fn what_is_wrong_is_said_part_by_part_and_no_secret_is() {
    let place = Place::new();
    place.config(
        "[[gateways]]\nname = \"payu\"\n[[gateways]]\nname = \"payu\"\ncapacity_per_s = 0\n\
         [sources.rabbitmq]\nurl = \"amqp://me:hunter2@127.0.0.1:1\"\nqueue = \"q\"\n",
    );
    let (code, told) =
        check(&place, &[("POINTSMAN_STORE__URL", "postgres://me:hunter2@127.0.0.1:1/db")]);
    assert_eq!((code, &told["ok"]), (1, &Value::Bool(false)), "{told}");
    for (name, wrong) in [
        ("store", "127.0.0.1:1"),
        ("gateways", "payu is there twice; payu: capacity_per_s has to be above 0"),
        ("rabbitmq", "amqp://127.0.0.1:1 can't be reached"),
    ] {
        let part = part(&told, name);
        assert_eq!(part["ok"], false, "{part}");
        assert!(part["detail"].as_str().is_some_and(|d| d.contains(wrong)), "{part}");
    }
    assert_eq!(part(&told, "clock")["ok"], true);
    assert_eq!(value(&told, "store.url")["value"], "\"postgres://me@127.0.0.1:1/db\"");
    assert!(!told.to_string().contains("hunter2"), "{told}");

    place.config("[store]\nurl = \"sqlite:nowhere/pointsman.db\"\n[sources.kafka]\nbrokers = \"127.0.0.1:1\"\ntopic = \"t\"\ngroup = \"g\"\n");
    let (code, told) = check(&place, &[]);
    assert_eq!(code, 1);
    assert!(
        part(&told, "store")["detail"].as_str().is_some_and(|d| d.contains("nowhere")),
        "{told}"
    );
    let kafka = part(&told, "kafka")["detail"].as_str().expect("a text");
    assert!(kafka.contains("no broker of 127.0.0.1:1 answers"), "{told}");
}
