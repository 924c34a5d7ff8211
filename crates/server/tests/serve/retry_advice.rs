//! Advice on retries: whether, when and where, by whose rule; and what it does not take for an answer.

use payments::Timestamp;
use serde_json::{Value, json};

use crate::support::{EVENT_CLOCK, Place, Running, now_ms};

const TWO: &str = "[[gateways]]\nname = \"payu\"\n[[gateways]]\nname = \"razorpay\"\n";
/// 2026, so that the rules are those of that year. Without any event the events' clock waits for the newest attempt.
const NOW_MS: i64 = 1_767_225_600_000;
const HOUR_MS: i64 = 3_600_000;

fn place() -> Running {
    Place::new().start(&format!("{EVENT_CLOCK}{TWO}"))
}

fn payment(network: &str, attempts: &[Value]) -> Value {
    json!({
        "payment_id": "p", "merchant_id": "m", "method": "card", "network": network,
        "amount": {"minor": 49_900, "currency": "INR"}, "attempts": attempts,
    })
}

fn tried(gateway: &str, status: &str, code: (&str, &str), ago_ms: i64) -> Value {
    json!({
        "gateway": gateway, "status": status, "occurred_at": NOW_MS - ago_ms,
        "code": {"source": code.0, "value": code.1},
    })
}

fn advice(server: &Running, body: &Value) -> Value {
    let answer = server.post("/v1/retry-advice", &body.to_string());
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

fn at(ms: i64) -> String {
    Timestamp::from_millis(ms).to_string()
}

#[test]
fn a_limit_that_is_reached_names_its_rule_and_when_the_window_opens() {
    let server = place();
    let funds = ("iso8583", "51");
    let mut attempts: Vec<Value> =
        (0..21).map(|hours| tried("payu", "declined", funds, hours * HOUR_MS)).collect();
    let told = advice(&server, &payment("VISA", &attempts));
    let opens = at(NOW_MS - 20 * HOUR_MS + 30 * 24 * HOUR_MS);
    assert_eq!(
        (&told["retry"], &told["reason"], &told["not_before"], &told["gateway"]),
        (&json!(false), &json!("scheme_limit"), &json!(opens), &Value::Null),
        "{told}"
    );
    let rule = &told["rules"][0];
    assert_eq!((&rule["rule"], &rule["kind"]), (&json!("visa_reattempts_20"), &json!("rule")));
    assert_eq!(rule["effective_from"], "2025-05-19");
    assert!(rule["source"].as_str().is_some_and(|source| source.contains("checkout.com")));
    assert_eq!((&told["attempts_left"], &told["attempt_number"]), (&json!(0), &json!(22)));
    attempts.pop();
    let told = advice(&server, &payment("VISA", &attempts));
    assert_eq!((&told["retry"], &told["attempts_left"]), (&json!(true), &json!(1)), "{told}");
    assert_eq!((&told["reason"], &told["not_before"]), (&json!("may_retry"), &json!(at(NOW_MS))));
    let none = advice(&server, &payment("rupay", &attempts));
    assert_eq!((&none["retry"], &none["attempts_left"]), (&json!(true), &Value::Null), "{none}");
}

#[test]
fn some_declines_are_never_tried_again_and_some_after_a_wait() {
    let server = place();
    let stolen = [tried("payu", "declined", ("iso8583", "43"), 900 * 24 * HOUR_MS)];
    let told = advice(&server, &payment("VISA", &stolen));
    assert_eq!(
        (&told["retry"], &told["not_before"], &told["gateway"]),
        (&json!(false), &Value::Null, &Value::Null)
    );
    let reason = told["reason"].as_str().expect("a reason");
    assert!(["scheme_never", "decline_final"].contains(&reason), "{told}");
    let mut wait = tried("payu", "declined", ("iso8583", "51"), 0);
    wait["codes"] = json!([{"source": "mastercard_mac", "value": "24"}]);
    let told = advice(&server, &payment("MASTERCARD", &[wait]));
    assert_eq!((&told["retry"], &told["reason"]), (&json!(true), &json!("wait")), "{told}");
    assert_eq!(told["not_before"], at(NOW_MS + HOUR_MS));
    assert_eq!(told["gateway"], "payu", "what the issuer says speaks against no gateway");
}

#[test]
fn what_may_have_gone_through_is_asked_about_before_anything_else() {
    let server = place();
    for (status, code) in [
        ("timeout", ("iso8583", "91")),
        ("unknown", ("iso8583", "91")),
        ("error", ("transport", "read_timeout")),
    ] {
        let told = advice(&server, &payment("VISA", &[tried("razorpay", status, code, 0)]));
        assert_eq!(
            (&told["retry"], &told["reason"], &told["attempts_left"]),
            (&json!(false), &json!("outcome_unknown"), &Value::Null),
            "{told}"
        );
        let ask = json!([{"gateway": "razorpay", "occurred_at": at(NOW_MS)}]);
        assert_eq!((&told["inquire"], &told["gateway"]), (&ask, &Value::Null));
        assert!(told["text"].as_str().is_some_and(|text| text.contains("charge twice")));
    }
    let mut others = tried("razorpay", "timeout", ("iso8583", "91"), 0);
    others["payment_id"] = json!("another");
    let told = advice(&server, &payment("VISA", &[others]));
    assert_eq!(told["retry"], true, "another payment's outcome stands against nothing: {told}");
}

#[test]
fn another_gateway_is_tried_where_the_path_failed_and_the_data_plane_agrees() {
    let server = place();
    let failed = [tried("payu", "error", ("transport", "connect_refused"), 1_000)];
    let body = payment("VISA", &failed);
    let told = advice(&server, &body);
    assert_eq!((&told["retry"], &told["gateway"]), (&json!(true), &json!("razorpay")), "{told}");
    assert_eq!(
        (&told["avoided"][0]["gateway"], &told["avoided"][0]["reason"]),
        (&json!("payu"), &json!("path_failed"))
    );
    assert_eq!(told["success_rate"], Value::Null, "nothing is learnt");
    assert_eq!(told["attempt_number"], 2);
    let mut question = body.clone();
    let members = question.as_object_mut().expect("members");
    members.remove("attempts");
    let ranked = told["ranking"].as_array().expect("a ranking");
    members.insert("candidates".into(), ranked.iter().map(|r| r["gateway"].clone()).collect());
    members.insert("attempt_number".into(), told["attempt_number"].clone());
    let routed = server.post("/v1/route", &question.to_string()).json();
    assert_eq!((&routed["gateway"], &routed["ranking"]), (&told["gateway"], &told["ranking"]));
    let mut only = body;
    only["candidates"] = json!(["payu"]);
    assert_eq!(advice(&server, &only)["gateway"], "payu", "there is no other");
}

#[test]
fn the_kill_switch_leaves_the_rules_in_force() {
    let server = Place::new().start(TWO);
    let body = |status: &str| {
        let mut attempt = tried("payu", status, ("iso8583", "91"), 0);
        attempt["occurred_at"] = json!(now_ms() - 1_000);
        payment("VISA", &[attempt])
    };
    let before = advice(&server, &body("declined"));
    let engaged = server.post("/v1/kill-switch", r#"{"engaged": true, "reason": "drill"}"#);
    assert_eq!(engaged.status, 200);
    let after = advice(&server, &body("declined"));
    for member in ["retry", "gateway", "reason", "rules", "attempts_left"] {
        assert_eq!(after[member], before[member], "{member}");
    }
    assert_eq!(advice(&server, &body("timeout"))["reason"], "outcome_unknown");
}

#[test]
fn an_answer_of_routing_advises_no_more_tries_than_the_scheme_allows() {
    let server = Place::new().start(TWO);
    let retry = |network: &str| {
        let mut question = payment(network, &[]);
        question.as_object_mut().expect("members").remove("attempts");
        server.post("/v1/route", &question.to_string()).json()["retry"].clone()
    };
    assert_eq!(retry("VISA"), json!({"attempts_max": 21, "delay_s_min": 0}));
    assert_eq!(retry("Mastercard"), json!({"attempts_max": 10, "delay_s_min": 0}));
    assert_eq!(retry("rupay"), Value::Null);
}

#[test]
fn a_body_that_can_not_be_is_a_problem_that_says_where() {
    let server = Place::new().start("");
    let with = |extra: Value| {
        let mut body = payment("VISA", &[]);
        body["candidates"] = json!(["payu"]);
        let members = body.as_object_mut().expect("members");
        members.extend(extra.as_object().expect("members").clone());
        body.to_string()
    };
    let attempt = |extra: Value| {
        let mut attempt = tried("payu", "declined", ("iso8583", "91"), 0);
        let members = attempt.as_object_mut().expect("members");
        members.extend(extra.as_object().expect("members").clone());
        members.retain(|_, member| !member.is_null());
        with(json!({"attempts": [tried("payu", "declined", ("iso8583", "05"), 0), attempt]}))
    };
    let without = |member: &str| {
        let mut body = payment("VISA", &[]);
        body.as_object_mut().expect("members").remove(member);
        body.to_string()
    };
    let many = vec![tried("payu", "declined", ("iso8583", "51"), 0); 501];
    let cases: Vec<(String, u16, &str, &str)> = vec![
        ("{".into(), 400, "malformed", "EOF"),
        ("[]".into(), 400, "malformed", "expected"),
        (without("attempts"), 400, "malformed", "attempts"),
        (without("payment_id"), 400, "malformed", "payment_id"),
        (with(json!({"attempt": []})), 400, "malformed", "unknown field `attempt`"),
        (attempt(json!({"colour": "red"})), 400, "malformed", "unknown field `colour`"),
        (attempt(json!({"gateway": null})), 400, "malformed", "gateway"),
        (attempt(json!({"occurred_at": [1]})), 400, "malformed", "occurred_at"),
        (
            attempt(json!({"occurred_at": "2026-01-01T00:00:00"})),
            422,
            "invalid",
            "attempts[1].occurred_at",
        ),
        (
            attempt(json!({"occurred_at": now_ms() + HOUR_MS})),
            422,
            "invalid",
            "attempts[1].occurred_at",
        ),
        (attempt(json!({"status": "maybe"})), 422, "invalid", "attempts[1].status"),
        (attempt(json!({"status": "approved"})), 422, "invalid", "attempts[1].code"),
        (attempt(json!({"gateway": ""})), 422, "invalid", "attempts[1].gateway"),
        (
            attempt(json!({"gateway": "4111111111111111"})),
            422,
            "card_number",
            "attempts[1].gateway",
        ),
        (
            attempt(json!({"amount": {"minor": -1, "currency": "INR"}})),
            422,
            "invalid",
            "attempts[1].amount",
        ),
        (attempt(json!({"attempt_number": 0})), 422, "invalid", "attempts[1].attempt_number"),
        (attempt(json!({"initiator": "me"})), 422, "invalid", "attempts[1].initiator"),
        (with(json!({"attempts": many})), 422, "invalid", "at most 500"),
        (with(json!({"initiator": "me"})), 422, "invalid", "initiator"),
        (with(json!({"merchant_region": "us"})), 422, "invalid", "CA, EU, US, other"),
        (with(json!({"customer_ref": ""})), 422, "invalid", "customer_ref"),
        (with(json!({"risk": 2})), 422, "invalid", "risk"),
        (with(json!({"amount": {"minor": -1, "currency": "INR"}})), 422, "invalid", "amount.minor"),
        (with(json!({"candidates": []})), 422, "no_eligible_gateway", "candidates"),
        (
            with(
                json!({"attempt_number": 1, "attempts": [tried("payu", "declined", ("iso8583", "91"), 0)]}),
            ),
            422,
            "invalid",
            "attempt_number is 1",
        ),
    ];
    for (body, status, code, says) in &cases {
        let answer = server.post("/v1/retry-advice", body);
        let problem = answer.json();
        assert_eq!(
            (answer.status, &problem["code"]),
            (*status, &json!(code)),
            "{body}: {answer:?}"
        );
        assert!(problem["detail"].as_str().is_some_and(|d| d.contains(says)), "{body}: {answer:?}");
        assert!(!answer.body.contains("4111111111111111"), "no card number is said back");
    }
    let whole = with(json!({
        "attempt_number": 5, "merchant_region": "EU", "initiator": "mit", "card_present": false,
        "customer_ref": "c", "device_ref": "d", "terminal_ref": "t", "issuer": "HDFC",
        "attributes": {"sub_type": "x"}, "risk": 0.1, "margin_bps": 200, "sticky": "payu",
        "attempts": [{"occurred_at": "2026-01-01T05:30:00+05:30", "gateway": "payu", "status": "declined",
            "attempt_number": 4, "payment_id": "p", "initiator": "mit", "amount": {"minor": 1, "currency": "INR"},
            "code": {"source": "iso8583", "value": "05"}, "codes": [{"source": "mastercard_mac", "value": "02"}]}],
    }));
    let told = server.post("/v1/retry-advice", &whole);
    assert_eq!((told.status, told.json()["attempt_number"].as_i64()), (200, Some(5)), "{told:?}");
}
