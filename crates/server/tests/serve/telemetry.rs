//! Metrics, dashboards, alert rules, logs and traces: that what the files name exists, and that what is sent arrives.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::feeds::skip;
use crate::support::{EVENT_CLOCK, HOUR, Place};

fn deploy(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy").join(path)
}

fn read(path: &str) -> String {
    std::fs::read_to_string(deploy(path)).expect("a file")
}

/// Names as a query may use them.
fn served(text: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for line in text.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let (name, kind) = line.split_once(' ').expect("a name and a kind");
        let ends: &[&str] = match kind {
            "counter" => &["_total"],
            "histogram" => &["_bucket", "_count", "_sum"],
            _ => &[""],
        };
        names.extend(ends.iter().map(|end| format!("{name}{end}")));
    }
    names
}

/// Every word of a text that looks like a metric of ours.
fn named(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    words.filter(|word| word.starts_with("pointsman_")).map(str::to_owned).collect()
}

#[test]
fn dashboards_and_rules_name_metrics_that_exist() {
    let feed = "[sources.kafka]\nbrokers = \"127.0.0.1:1\"\ntopic = \"t\"\ngroup = \"g\"\n";
    let server = Place::new().start(&format!("{EVENT_CLOCK}{feed}"));
    // Families of labels are there once one of their labels is.
    server.events(&HOUR[..10]);
    let served = served(&server.get("/metrics").body);
    let board: Value = serde_json::from_str(&read("grafana/pointsman.json")).expect("JSON");
    let queries: Vec<&str> = board["panels"]
        .as_array()
        .expect("panels")
        .iter()
        .flat_map(|panel| panel["targets"].as_array().expect("queries"))
        .map(|target| target["expr"].as_str().expect("a query"))
        .collect();
    assert!(queries.len() > 15);
    for (file, text) in
        [("dashboard", queries.join("\n")), ("rules", read("prometheus/alerts.yml"))]
    {
        let named = named(&text);
        assert!(named.len() > 5, "{file}: {named:?}");
        let unknown: Vec<&String> = named.difference(&served).collect();
        assert!(unknown.is_empty(), "{file}: {unknown:?} of {served:?}");
    }
}

fn promtool(args: &[&str], input: &str) -> Option<Output> {
    let child = Command::new("promtool")
        .current_dir(deploy("prometheus"))
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut child) = child else {
        skip(
            "promtool is not installed",
            "apt-get install --yes --no-install-recommends prometheus",
        );
        return None;
    };
    child.stdin.take().expect("piped").write_all(input.as_bytes()).expect("written");
    Some(child.wait_with_output().expect("ran"))
}

#[test]
fn rules_are_sound_and_fire_when_they_should() {
    for args in [["check", "rules", "alerts.yml"], ["test", "rules", "alerts.test.yml"]] {
        let Some(done) = promtool(&args, "") else { return };
        assert!(done.status.success(), "{args:?}: {done:?}");
    }
}

#[test]
fn prometheus_has_nothing_to_say_about_the_metrics() {
    let server = Place::new().start(EVENT_CLOCK);
    server.events(&HOUR[..1_000]);
    let answer = server.ask("GET", "/metrics", &[("accept", "text/plain")], b"");
    assert_eq!(answer.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    let Some(done) = promtool(&["check", "metrics"], &answer.body) else { return };
    assert!(done.status.success(), "{done:?}");
}

/// A collector: keeps what it is sent, and answers as one does.
pub fn collector() -> (String, Arc<Mutex<Vec<u8>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let kept = Arc::new(Mutex::new(Vec::new()));
    let keeps = kept.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let keeps = keeps.clone();
            std::thread::spawn(move || {
                let mut chunk = [0; 65_536];
                let _ = stream.set_read_timeout(Some(Duration::from_millis(500)));
                while let Ok(n) = stream.read(&mut chunk) {
                    if n == 0 {
                        break;
                    }
                    keeps.lock().expect("kept").extend(&chunk[..n]);
                }
                let answer = "HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
                let _ = stream.write_all(answer.as_bytes());
            });
        }
    });
    (format!("http://{address}"), kept)
}

#[test]
fn spans_reach_a_collector_and_hold_nothing_of_events() {
    let (endpoint, kept) = collector();
    let server =
        Place::new().start(&format!("{EVENT_CLOCK}[telemetry]\notlp_endpoint = \"{endpoint}\"\n"));
    server.events(&HOUR[..1_000]);
    let caller = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let path = "/v1/payments/pay_canary_1";
    assert_eq!(server.ask("GET", path, &[("traceparent", caller)], b"").status, 404);
    assert_eq!(server.stop(), 0);
    let since = Instant::now();
    let holds = |needle: &[u8]| {
        let kept = kept.lock().expect("kept");
        kept.windows(needle.len()).any(|window| window == needle)
    };
    for needle in [
        "POST /v1/traces HTTP/1.1",
        "content-type: application/x-protobuf",
        "POST /v1/events",
        "GET /v1/payments/{payment_id}",
        "commit",
        "step",
        "service.name",
        "pointsman.request_id",
    ] {
        while !holds(needle.as_bytes()) {
            assert!(since.elapsed() < Duration::from_secs(20), "{needle} never came");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
    let trace = [
        0x0a, 0xf7, 0x65, 0x19, 0x16, 0xcd, 0x43, 0xdd, 0x84, 0x48, 0xeb, 0x21, 0x1c, 0x80, 0x31,
        0x9c,
    ];
    assert!(holds(&trace), "the caller's trace goes on");
    assert!(!holds(b"pay_canary_1") && !holds(b"merchant_0"), "nothing of events or paths");
}

#[test]
fn a_log_can_be_json_by_the_configuration() {
    let place = Place::new();
    let server = place.start("[telemetry]\nlog_format = \"json\"\n");
    let said = server.said();
    let line = said.lines().find(|line| line.contains("listening")).expect("said");
    let line: Value = serde_json::from_str(line).expect("JSON");
    assert_eq!(line["level"], "INFO");
}
