//! The same server on PostgreSQL: the same hour gives the same answers, a killed server and a stopped database included.

use crate::postgres::Cluster;
use crate::support::{EVENT_CLOCK, HOUR, Place, Running};

fn told(server: &Running) -> [String; 4] {
    [
        "/v1/incidents?limit=500",
        "/v1/decisions?limit=500",
        "/v1/series?from=2026-09-21T09:00:00Z&to=2026-09-21T10:00:00Z",
        "/v1/behaviour?window=1h&slice=gateway:PAYU",
    ]
    .map(|path| server.get(path).body)
}

#[test]
fn the_database_reaches_no_result() {
    let Some(mut cluster) = Cluster::start() else { return };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let url = runtime.block_on(cluster.database());
    let on_sqlite = {
        let place = Place::new();
        let server = place.start(EVENT_CLOCK);
        HOUR.chunks(7_000).for_each(|lines| drop(server.events(lines)));
        told(&server)
    };
    let config = format!("{EVENT_CLOCK}[store]\nurl = \"{url}\"\n");
    let place = Place::new();
    let mut server = place.start(&config);
    for (count, lines) in HOUR.chunks(5_000).enumerate() {
        let answer = server.events(lines);
        assert_eq!(answer["accepted"], lines.len(), "{answer}");
        if count == 4 {
            server.kill();
            server = place.start(&config);
        }
    }
    assert_eq!(told(&server), on_sqlite);
    assert_eq!(server.events(&HOUR[..2_000])["duplicates"], 2_000);
    drop(cluster);
    let answer = server.post("/v1/events", &HOUR[0]);
    assert_eq!((answer.status, answer.json()["code"].as_str()), (503, Some("store_unavailable")));
    assert!(answer.header("retry-after").is_some());
    let ready = server.get("/readyz");
    assert_eq!((ready.status, ready.json()["status"].as_str()), (200, Some("degraded")));
    let route = r#"{"payment_id":"p1","merchant_id":"m","method":"card","candidates":["a"],"amount":{"minor":5,"currency":"INR"}}"#;
    assert_eq!(server.post("/v1/route", route).status, 200, "routing goes on");
    let again = route.replacen('{', r#"{"attempts": [], "#, 1);
    assert_eq!(server.post("/v1/retry-advice", &again).status, 200, "and so does advice");
    let engaged = server.post("/v1/kill-switch", r#"{"engaged": true}"#);
    assert_eq!(engaged.status, 503, "it can't be written down");
    assert_eq!(server.get("/readyz").json()["checks"]["kill_switch"], "engaged", "and is obeyed");
}
