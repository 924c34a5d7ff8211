//! A policy's roll-out over HTTP: by the events' clock, with outcomes that come seconds after their choices.

use std::collections::{BTreeMap, VecDeque};

use serde_json::{Value, json};
use stats::stream::Stream;

use crate::support::{EVENT_CLOCK, Place, Running, small};

const START_MS: i64 = 1_790_000_000_000;
/// Payments per second, and seconds until an outcome is known.
const PER_S: usize = 500;
const DELAY_S: usize = 3;

pub const INCUMBENT: &str = "[[gateways]]\nname = \"a\"\n[[gateways]]\nname = \"b\"\n";
pub const CANDIDATE: &str = "[[gateways]]\nname = \"b\"\n[[gateways]]\nname = \"a\"\n";

fn plan() -> Value {
    json!({
        "same_payments": 2_000, "steps": [0.1, 0.5], "step_payments_min": 50, "step_payments_max": 30_000,
        "alpha": 0.001, "maturity_ms": 10_000,
    })
}

/// A network whose gateways approve so often, and the clock that its events are.
pub struct Network {
    approves: [(&'static str, f64); 2],
    second: usize,
    pending: VecDeque<Vec<String>>,
    /// Payments by the policy that chose.
    chosen: BTreeMap<String, usize>,
    luck: Stream,
}

impl Network {
    pub fn new(a: f64, b: f64) -> Self {
        Self {
            approves: [("a", a), ("b", b)],
            second: 0,
            pending: VecDeque::new(),
            chosen: BTreeMap::new(),
            luck: Stream::named(3, "luck"),
        }
    }

    fn event(&mut self, at_s: usize, id: &str, answer: &Value) -> String {
        let gateway = answer["gateway"].as_str().expect("a gateway");
        let rate = self.approves.iter().find(|(name, _)| *name == gateway).expect("known").1;
        let status = if self.luck.bernoulli(rate) { "approved" } else { "declined" };
        json!({
            "attempt_id": format!("t_{id}"), "payment_id": id, "merchant_id": "m", "method": "card",
            "occurred_at": START_MS + at_s as i64 * 1_000, "gateway": gateway, "status": status,
            "amount": {"minor": 100, "currency": "INR"}, "decision_id": answer["decision_id"],
            "propensity": answer["propensity"], "latency_ms": 300,
        })
        .to_string()
    }

    /// A second: payments are routed, and outcomes of three seconds ago come in.
    pub fn second(&mut self, server: &Running) {
        let ids: Vec<String> = (0..PER_S).map(|n| format!("p_{}_{n}", self.second)).collect();
        let asked: Vec<Value> = ids.iter().map(|id| question(id)).collect();
        let answer = server.post("/v1/route/batch", &json!({ "payments": asked }).to_string());
        assert_eq!(answer.status, 200, "{answer:?}");
        let answers = answer.json()["decisions"].take();
        let mut events = Vec::new();
        for (id, answer) in ids.iter().zip(answers.as_array().expect("a list")) {
            let by = answer["policy"].as_str().expect("whose").to_owned();
            *self.chosen.entry(by).or_default() += 1;
            events.push(self.event(self.second + DELAY_S, id, answer));
        }
        self.pending.push_back(events);
        if self.pending.len() > DELAY_S {
            let due = self.pending.pop_front().expect("it is there");
            server.events(&due);
        }
        self.second += 1;
    }

    /// Until the roll-out is in one of these stages; at most so many seconds.
    pub fn until(&mut self, server: &Running, stages: &[&str], seconds_max: usize) -> Value {
        let end = self.second + seconds_max;
        loop {
            let rollout = server.get("/v1/policy/rollout").json();
            if stages.contains(&rollout["stage"].as_str().expect("a stage")) {
                return rollout;
            }
            assert!(self.second < end, "{rollout:#}");
            self.second(server);
        }
    }
}

fn question(id: &str) -> Value {
    json!({
        "payment_id": id, "merchant_id": "m", "method": "card",
        "amount": {"minor": 100, "currency": "INR"},
    })
}

/// The clock has begun.
pub fn start(place: &Place, config: &str) -> Running {
    let server = place.start(&format!("{EVENT_CLOCK}{config}"));
    server.events(&[small("first", START_MS, "approved")]);
    server
}

pub fn begin(server: &Running, gateways: &[&str]) -> Value {
    let gateways: Vec<Value> = gateways.iter().map(|name| json!({ "name": name })).collect();
    let body = json!({ "gateways": gateways, "plan": plan() });
    let answer = server.post("/v1/policy/rollout", &body.to_string());
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.json()
}

fn stages(rollout: &Value) -> Vec<String> {
    let turns = rollout["turns"].as_array().expect("turns");
    turns.iter().map(|turn| turn["to"].as_str().expect("a stage").to_owned()).collect()
}

/// What is answered to these payments, as far as a client may rely on it.
fn routed(server: &Running, count: usize) -> Vec<Value> {
    (0..count)
        .map(|n| server.post("/v1/route", &question(&format!("again_{n}")).to_string()).json())
        .collect()
}

#[test]
fn a_better_policy_earns_its_share_through_a_crash_and_is_adopted() {
    let place = Place::new();
    let mut server = start(&place, INCUMBENT);
    assert_eq!(server.get("/v1/policy/rollout").status, 404);
    let mut network = Network::new(0.6, 0.95);
    network.second(&server);
    let begun = begin(&server, &["b", "a"]);
    assert_eq!((begun["stage"].as_str(), begun["share"].as_f64()), (Some("same"), Some(0.0)));
    let step = network.until(&server, &["step"], 100);
    assert_eq!(network.chosen.get("candidate"), None, "the incumbent routes both halves of A/A");
    assert_eq!(step["step"], 1);
    for _ in 0..3 {
        network.second(&server);
    }
    let before = routed(&server, 200);
    let of = |policy: &str| before.iter().filter(|a| a["policy"] == policy).collect::<Vec<_>>();
    let (tried, rest) = (of("candidate"), of("incumbent"));
    assert!((5..50).contains(&tried.len()), "{}", tried.len());
    assert!(tried.iter().all(|a| a["gateway"] == "b" && a["rollout_group"] == "candidate"));
    assert!(rest.iter().all(|a| a["gateway"] == "a" && a["rollout_group"] != "candidate"));
    assert!(before.iter().all(|a| a["propensity"] == 1.0), "of the law of the policy that chose");
    assert_ne!(tried[0]["policy_version"], rest[0]["policy_version"]);
    server.kill();
    server = place.start(&format!("{EVENT_CLOCK}{INCUMBENT}"));
    assert_eq!(routed(&server, 200), before, "the same payment, the same answer");
    let whole = network.until(&server, &["whole", "stopped"], 200);
    assert_eq!(stages(&whole), ["step 1", "step 2", "whole"], "{whole:#}");
    for _ in 0..60 {
        network.second(&server);
    }
    let whole = server.get("/v1/policy/rollout").json();
    let uplift = &whole["uplift"];
    assert_eq!(
        (whole["share"].as_f64(), uplift["against"].as_str()),
        (Some(0.98), Some("hold_out"))
    );
    let (low, high) = (uplift["low"].as_f64().unwrap(), uplift["high"].as_f64().unwrap());
    assert!(low > 0.1 && low < 0.35 && 0.35 < high && high < 0.6, "{uplift}");
    assert!(!server.said().contains("replaying gave another answer"), "{}", server.said());
    // Each change of stage is in the log, and every metric says where it is.
    let log = server.get("/v1/audit?limit=500").json();
    let turns = log["data"].as_array().expect("entries").iter();
    assert_eq!(turns.filter(|entry| entry["action"] == "turn_rollout").count(), 3);
    let metrics = server.get("/metrics").body;
    assert!(metrics.contains("pointsman_rollout_share 0.98"), "{metrics}");
    assert!(metrics.contains("pointsman_rollout_choices_total{group=\"hold_out\"}"), "{metrics}");
    // The choice is written down with whose it was.
    let answer = &routed(&server, 1)[0];
    let path = format!("/v1/route/decisions/{}", answer["decision_id"].as_str().unwrap());
    let recorded = (0..200).find_map(|_| {
        std::thread::sleep(std::time::Duration::from_millis(20));
        let found = server.get(&path);
        (found.status == 200).then(|| found.json())
    });
    let recorded = recorded.expect("written behind the answer");
    assert_eq!(recorded["policy"], answer["policy"]);
    assert_eq!(recorded["rollout_group"], answer["rollout_group"]);
    // The configuration says the same: adopted, at once and for good.
    place.config(&format!("{EVENT_CLOCK}{CANDIDATE}"));
    server.signal("HUP");
    let adopted = network.until(&server, &["stopped"], 100);
    assert_eq!(adopted["stopped"], "adopted");
    let is_candidates = |server: &Running| {
        routed(server, 100).iter().all(|a| a["gateway"] == "b" && a["policy"] == "incumbent")
    };
    assert!(is_candidates(&server));
    assert_eq!(server.stop(), 0);
    let server = place.start(&format!("{EVENT_CLOCK}{CANDIDATE}"));
    assert!(is_candidates(&server));
    assert_eq!(server.get("/v1/policy/rollout").json()["stopped"], "adopted");
}

#[test]
fn a_worse_policy_is_taken_back_by_itself() {
    let place = Place::new();
    let server = start(&place, INCUMBENT);
    let mut network = Network::new(0.95, 0.6);
    begin(&server, &["b", "a"]);
    let stopped = network.until(&server, &["stopped"], 100);
    assert_eq!((stopped["stopped"].as_str(), stages(&stopped).len()), (Some("harm"), 2));
    let candidates = network.chosen["candidate"];
    assert!(candidates < 1_500, "{candidates} payments met it");
    assert!(routed(&server, 100).iter().all(|a| a["policy"] == "incumbent"));
}

#[test]
fn an_identical_policy_is_not_promoted() {
    let place = Place::new();
    let server = start(&place, INCUMBENT);
    let mut network = Network::new(0.8, 0.8);
    begin(&server, &["a", "b"]);
    let stopped = network.until(&server, &["stopped", "whole"], 150);
    assert_eq!(stopped["stopped"], "inconclusive");
    assert_eq!(stages(&stopped), ["step 1", "stopped"]);
    assert!(network.chosen["candidate"] > 1_000, "it was tried");
}

#[test]
fn people_end_it_at_once_and_what_cannot_be_is_refused() {
    let place = Place::new();
    let server = start(&place, &format!("{INCUMBENT}[safety]\nfour_eyes = false\n"));
    let post = |body: Value| server.post("/v1/policy/rollout", &body.to_string());
    let refused = |body: Value, status: u16, what: &str| {
        let answer = post(body);
        assert_eq!(answer.status, status, "{answer:?}");
        assert!(answer.body.contains(what), "{answer:?}");
    };
    refused(json!({"gateways": [{"name": "c"}]}), 422, "unknown_gateway");
    refused(json!({"gateways": [{"name": "b", "share_min": 2}]}), 422, "share_min");
    refused(json!({"routing": {"learning": "bold"}}), 422, "off, exploit, explore");
    refused(json!({"routing": {"lerning": "off"}}), 422, "did you mean routing.learning");
    refused(json!({"plan": {"steps": [0.5, 0.2]}}), 422, "plan.steps");
    refused(json!({"plan": {"salt": 3}}), 400, "salt");
    refused(json!({"clock": {"source": "wall"}}), 400, "clock");
    let end = || server.ask("DELETE", "/v1/policy/rollout", &[], b"");
    assert_eq!(end().status, 404);
    // The same key, the same answer.
    let key = [("idempotency-key", "k"), ("content-type", "application/json")];
    let body = json!({"gateways": [{"name": "b"}], "plan": plan()}).to_string();
    let first = server.ask("POST", "/v1/policy/rollout", &key, body.as_bytes());
    let again = server.ask("POST", "/v1/policy/rollout", &key, body.as_bytes());
    assert_eq!((first.status, again.status), (201, 201));
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    refused(json!({"gateways": [{"name": "b"}]}), 409, "ro_1 is under way");
    let mut network = Network::new(0.8, 0.9);
    network.until(&server, &["step"], 100);
    network.second(&server);
    assert!(network.chosen["candidate"] > 0);
    let reason = r#"{"reason": "the bank asked for it"}"#;
    let ended = server.post("/v1/policy/rollout/rollback", reason);
    assert_eq!(ended.status, 200, "{ended:?}");
    assert_eq!(ended.json()["reason"], "rolled back by local: the bank asked for it");
    let is_over = || {
        routed(&server, 100)
            .iter()
            .all(|a| a["policy"] == "incumbent" && a["rollout_group"].is_null())
    };
    assert!(is_over());
    assert_eq!(end().status, 409);
    // The kill switch ends it as well, and nothing begins while it is engaged.
    begin(&server, &["b"]);
    assert_eq!(server.post("/v1/kill-switch", r#"{"engaged": true, "reason": "x"}"#).status, 200);
    assert!(is_over());
    assert_eq!(server.get("/v1/policy/rollout").json()["stopped"], "kill_switch");
    refused(json!({"gateways": [{"name": "b"}]}), 409, "kill switch");
    assert_eq!(server.post("/v1/kill-switch", r#"{"engaged": false}"#).status, 200);
    assert!(is_over());
}

#[test]
fn the_commands_begin_look_and_take_back() {
    let place = Place::new();
    let server = start(&place, INCUMBENT);
    let url = format!("http://{}", server.address);
    let command = |args: &[&str]| {
        let mut all = vec!["policy"];
        all.extend(args);
        all.extend(["--url", &url]);
        place.command(&all)
    };
    let file = place.path().join("candidate.toml");
    std::fs::write(&file, CANDIDATE).expect("written");
    let none = command(&["status"]);
    assert_eq!(none.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&none.stderr).contains("no policy was rolled out"));
    assert_eq!(command(&["promote", "candidate.toml"]).status.code(), Some(2), "nobody said yes");
    std::fs::write(place.path().join("wrong.toml"), "[routing]\nlearning = \"bold\"\n").unwrap();
    assert_eq!(command(&["promote", "wrong.toml", "--yes"]).status.code(), Some(3));
    let guards = ["--guard", "slower_than_ms=2000", "--guard", "fraud_declined"];
    let mut args =
        vec!["promote", "candidate.toml", "--yes", "--steps", "0.1,0.5", "--format", "json"];
    args.extend(guards);
    args.extend(["--same-payments", "500", "--maturity", "10s", "--alpha", "0.01"]);
    let begun = command(&args);
    assert!(begun.status.success(), "{begun:?}");
    let begun: Value = serde_json::from_slice(&begun.stdout).expect("JSON");
    assert_eq!(begun["plan"]["steps"], json!([0.1, 0.5]));
    assert_eq!(begun["plan"]["guards"], json!([{"slower_than_ms": 2000}, "fraud_declined"]));
    assert_eq!(begun["plan"]["maturity_ms"], 10_000);
    assert_eq!(begun["policy"]["gateways"][0]["name"], "b");
    // So little better that the step goes on while it is looked at.
    let mut network = Network::new(0.6, 0.62);
    network.until(&server, &["step"], 100);
    while server.get("/v1/policy/rollout").json()["uplift"].is_null() {
        assert!(network.second < 100, "both have payments by then");
        network.second(&server);
    }
    let status = command(&["status"]);
    let said = String::from_utf8_lossy(&status.stdout).into_owned();
    for wanted in [
        "ro_1  step ",
        "candidate",
        "incumbent",
        "hold-out",
        "uplift",
        "slower_than_ms=2000: e = ",
        "sample ratio",
    ] {
        assert!(said.contains(wanted), "{said}");
    }
    let ended = command(&["rollback", "--reason", "drill"]);
    let said = String::from_utf8_lossy(&ended.stdout).into_owned();
    assert!(said.contains("ro_1  stopped: rolled back by local: drill"), "{said}");
}
