//! The number of metrics' series doesn't follow the number of names that come by.

use serde_json::json;

use crate::support::{Answer, EVENT_CLOCK, Place, Running};

/// What one Prometheus takes from one target without anybody noticing.
const SERIES_MAX: usize = 10_000;

fn series(metrics: &Answer) -> usize {
    metrics.body.lines().filter(|line| !line.starts_with('#')).count()
}

/// An event whose every name is another than before.
fn event(n: usize) -> String {
    json!({
        "attempt_id": format!("a_{n}"), "payment_id": format!("p_{n}"), "occurred_at": 1_790_000_000_000_i64 + n as i64,
        "merchant_id": format!("merchant_{n}"), "amount": {"minor": 1, "currency": "INR"}, "gateway": format!("gateway_{n}"),
        "method": format!("method_{n}"), "network": format!("network_{n}"), "issuer": format!("issuer_{n}"),
        "status": "declined", "code": {"source": format!("source_{n}"), "value": format!("{n}")},
        "attributes": {format!("name_{n}"): format!("value_{n}")}, format!("unknown_{n}"): n,
    })
    .to_string()
}

fn ask_everything(server: &Running, from: usize) {
    for batch in 0..12 {
        let batch = from + batch * 1_000;
        let lines: Vec<String> = (batch..batch + 1_000).map(event).collect();
        let answer = server.events(&lines);
        assert_eq!(answer["accepted"], 1_000, "{answer}");
    }
    for n in from..from + 300 {
        assert_eq!(server.get(&format!("/v1/payments/pay_{n}")).status, 404);
        assert_eq!(server.get(&format!("/nothing/{n}")).status, 404);
        assert_eq!(server.ask(&format!("M{n}"), "/v1/me", &[], b"").status, 405);
        let question = json!({
            "payment_id": format!("p_{n}"), "merchant_id": format!("merchant_{n}"), "amount": {"minor": 1, "currency": "INR"},
            "method": format!("method_{n}"), "candidates": [format!("gateway_{n}")],
        });
        assert_eq!(server.post("/v1/route", &question.to_string()).status, 200);
    }
}

#[test]
fn metrics_stay_few_whatever_names_come_by() {
    let place = Place::new();
    let server = place.start(&format!("{EVENT_CLOCK}[limits]\nrequests_per_s = 0\n"));
    ask_everything(&server, 0);
    // Being asked is counted too.
    assert_eq!(server.get("/metrics").status, 200);
    let first = server.get("/metrics");
    ask_everything(&server, 100_000);
    let second = server.get("/metrics");
    assert_eq!(series(&second), series(&first), "more names, and no more series");
    assert!(series(&second) <= SERIES_MAX, "{} series", series(&second));
    assert!(
        second.body.contains("pointsman_attempts_total{fate=\"accepted\"} 24000"),
        "{}",
        second.body
    );
    for name in ["gateway_", "merchant_", "source_", "issuer_", "pay_", "nothing", "M100"] {
        assert!(!second.body.contains(&format!("\"{name}")), "{name} is a label: {}", second.body);
    }
}
