//! What the contract says of the event, as cases and properties.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::{Status, Timestamp};

fn minimal() -> Value {
    json!({
        "attempt_id": "a1", "payment_id": "p1", "merchant_id": "m1", "gateway": "payu",
        "occurred_at": "2026-02-13T18:00:00+05:30", "method": "card", "status": "approved",
        "amount": {"minor": 49_900, "currency": "INR"},
    })
}

fn full() -> Value {
    with(&[
        ("attempt_number", json!(2)),
        ("network", json!("VISA")),
        ("issuer", json!("HDFC")),
        ("country", json!("IN")),
        ("bin", json!("41111111")),
        ("status", json!("declined")),
        ("code", json!({"source": "iso8583", "value": "91"})),
        ("latency_ms", json!(412)),
        ("decision_id", json!("d1")),
        ("propensity", json!(0.25)),
        ("initiator", json!("cit")),
        ("mcc", json!("5411")),
        ("customer_ref", json!("c1")),
        ("device_ref", json!("v1")),
        ("terminal_ref", json!("t1")),
        ("ip_country", json!("IN")),
        ("attributes", json!({"sub_type": "UPI_COLLECT"})),
    ])
}

fn with(members: &[(&str, Value)]) -> Value {
    let mut event = minimal();
    for (key, value) in members {
        event[*key] = value.clone();
    }
    event
}

fn envelope(data: Value) -> Value {
    json!({
        "specversion": "1.0", "id": "e1", "source": "/payu", "type": "pointsman.attempt.v1",
        "time": "2026-02-13T12:30:00Z", "datacontenttype": "application/json", "data": data,
    })
}

fn parse(event: &Value) -> Result<Parsed, EventError> {
    parse_event(event.to_string().as_bytes())
}

/// The event's members followed by `more`, as text, for what a `Value` can't hold.
fn raw(more: &str) -> Result<Parsed, EventError> {
    let event = minimal().to_string();
    parse_event(format!("{},{more}}}", event.strip_suffix('}').unwrap()).as_bytes())
}

/// Field and reason of the refusal.
fn fault(result: Result<Parsed, EventError>) -> (String, Reason) {
    let error = result.expect_err("this event is refused");
    (error.field.to_string(), error.reason)
}

#[test]
fn every_field_arrives() {
    let attempt = parse(&full()).unwrap().attempt;
    assert_eq!(attempt.attempt_id, "a1");
    assert_eq!(attempt.attempt_number, 2);
    assert_eq!(attempt.occurred_at, Timestamp::parse("2026-02-13T12:30:00Z").unwrap());
    assert_eq!(attempt.amount.unwrap().to_string(), "INR 499.00");
    assert_eq!(attempt.status, Status::Declined);
    assert_eq!(attempt.code.as_ref().unwrap().value, "91");
    assert_eq!((attempt.latency_ms, attempt.propensity), (Some(412), Some(0.25)));
    assert_eq!(attempt.attributes["sub_type"], "UPI_COLLECT");
    let written = serde_json::to_value(&attempt).unwrap();
    for (key, value) in full().as_object().unwrap() {
        let expected = match key.as_str() {
            "occurred_at" => &json!(1_770_985_800_000_i64),
            _ => value,
        };
        assert_eq!(&written[key], expected, "{key}");
    }
    assert_eq!(parse(&written).unwrap().attempt, attempt);
    assert_eq!(parse(&minimal()).unwrap().attempt.attempt_number, 1);
}

#[test]
fn what_must_be_there_is_named_when_it_is_not() {
    for key in minimal().as_object().unwrap().keys() {
        for absent in [None, Some(Value::Null)] {
            let mut event = minimal();
            match absent {
                None => drop(event.as_object_mut().unwrap().remove(key)),
                Some(null) => event[key] = null,
            }
            assert_eq!(fault(parse(&event)), (key.clone(), Reason::Missing));
        }
    }
    let no_currency = with(&[("amount", json!({"minor": 1}))]);
    assert_eq!(fault(parse(&no_currency)), ("amount.currency".into(), Reason::Missing));
    let no_source = with(&[("code", json!({"value": "91"})), ("status", json!("declined"))]);
    assert_eq!(fault(parse(&no_source)), ("code.source".into(), Reason::Missing));
}

#[test]
fn null_is_absent_where_a_field_may_be() {
    let mut event = full();
    for (key, value) in event.as_object_mut().unwrap() {
        if minimal().get(key).is_none() {
            *value = Value::Null;
        }
    }
    let attempt = parse(&event).unwrap().attempt;
    assert_eq!((attempt.code, attempt.attempt_number, attempt.attributes.len()), (None, 1, 0));
}

#[test]
fn a_wrong_value_is_refused_under_its_name() {
    let long = "x".repeat(129);
    let many: Value = (0..17).map(|n| (format!("k{n}"), json!("v"))).collect();
    for (path, value) in [
        ("attempt_id", json!("")),
        ("attempt_id", json!(7)),
        ("attempt_id", json!(long)),
        ("attempt_id", json!(["a1"])),
        ("attempt_number", json!(0)),
        ("attempt_number", json!("1")),
        ("attempt_number", json!(1.0)),
        ("attempt_number", json!(4_294_967_296_u64)),
        ("occurred_at", json!("2026-02-13T18:00:00")),
        ("occurred_at", json!("13.02.2026 18:00")),
        ("occurred_at", json!(1_771_007_400_000.5)),
        ("occurred_at", json!(u64::MAX)),
        ("amount", json!(499)),
        ("amount", json!("499.00 INR")),
        ("amount.minor", json!(-1)),
        ("amount.minor", json!(9_007_199_254_740_992_i64)),
        ("amount.minor", json!(u64::MAX)),
        ("amount.minor", json!(1e300)),
        ("amount.minor", json!(499.5)),
        ("amount.minor", json!("499")),
        ("amount.currency", json!("RS")),
        ("amount.currency", json!("inr")),
        ("amount.currency", json!("XAU")),
        ("country", json!("IND")),
        ("country", json!("UK")),
        ("country", json!("in")),
        ("bin", json!("41111")),
        ("bin", json!("411111111")),
        ("bin", json!(4_111_111_111_u64)),
        ("bin", json!("41111a")),
        ("bin", json!("４１１１１１")),
        ("status", json!("APPROVED")),
        ("status", json!("success")),
        ("status", json!(true)),
        ("code", json!("91")),
        ("code.value", json!(91)),
        ("code.source", json!("")),
        ("latency_ms", json!(-1)),
        ("latency_ms", json!(0.5)),
        ("latency_ms", json!(4_294_967_296_u64)),
        ("propensity", json!(0)),
        ("propensity", json!(1.000_001)),
        ("propensity", json!(-0.5)),
        ("propensity", json!("0.5")),
        ("initiator", json!("merchant")),
        ("mcc", json!("541")),
        ("mcc", json!("54111")),
        ("mcc", json!("5a11")),
        ("attributes", json!([])),
        ("attributes", many),
        ("attributes", json!({"Sub": "x"})),
        ("attributes", json!({"": "x"})),
        ("attributes", json!({"1a": "x"})),
        ("attributes", json!({"a-b": "x"})),
        ("attributes", json!({"a23456789012345678901234567890123": "x"})),
        ("attributes", json!({"gateway": "x"})),
        ("attributes.k", json!({"k": 1})),
        ("attributes.k", json!({"k": ""})),
        ("attributes.k", json!({"k": {"v": "x"}})),
    ] {
        let (object, member) = path.split_once('.').unwrap_or((path, ""));
        let mut event = full();
        match (object, member) {
            ("amount" | "code", member) if !member.is_empty() => {
                event[object][member] = value.clone()
            }
            _ => event[object] = value.clone(),
        }
        let error = parse(&event).expect_err(path);
        assert_eq!((&*error.field, error.reason), (path, Reason::NotAllowed), "{value}: {error}");
        assert!(!error.got.is_empty() && !error.allowed.is_empty());
        if object != "attempt_id" {
            assert_eq!(error.attempt_id.as_deref(), Some("a1"), "{error}");
        }
    }
}

#[test]
fn the_edges_of_what_is_allowed_are_allowed() {
    let sixteen: Value = (0..16).map(|n| (format!("k{n}"), json!("v"))).collect();
    for (key, value) in [
        ("attempt_id", json!("ä".repeat(128))),
        ("attempt_number", json!(u32::MAX)),
        ("occurred_at", json!(0)),
        ("amount", json!({"minor": 9_007_199_254_740_991_i64, "currency": "CLF"})),
        ("amount", json!({"minor": 0, "currency": "JPY"})),
        ("bin", json!("411111")),
        ("bin", json!(411_111)),
        ("latency_ms", json!(0)),
        ("propensity", json!(1)),
        ("propensity", json!(f64::MIN_POSITIVE)),
        ("initiator", json!("mit")),
        ("ip_country", json!("T1")),
        ("code", json!({"source": "my gateway", "value": "E-17"})),
        ("attributes", json!({"a2345678901234567890123456789012": "x"})),
        ("attributes", sixteen),
        ("issuer", json!("\u{1b}[31mred\u{1b}[0m")),
    ] {
        let event = with(&[(key, value)]);
        parse(&event).unwrap_or_else(|error| panic!("{error}"));
    }
}

#[test]
fn messages_name_field_value_and_what_is_allowed() {
    let shown = |key: &str, value: Value| parse(&with(&[(key, value)])).unwrap_err().to_string();
    insta::assert_snapshot!(
        [
            shown("occurred_at", json!("2026-02-13 18:00")),
            shown("amount", json!({"minor": -5, "currency": "INR"})),
            shown("bin", json!(4_111_111_111_111_111_u64)),
            shown("issuer", json!("card 4111-1111-1111-1111\u{1b}[31m")),
            shown("gateway", json!("pay\0u")),
            shown("attributes", json!({"Sub Type": "x"})),
            shown("code", json!({"source": "iso8583", "value": "51"})),
            raw(r#""bin": "411111", "bin": "411112""#).unwrap_err().to_string(),
            raw(r#""bin": "411111", "#).unwrap_err().to_string(),
            parse_event(b"[]").unwrap_err().to_string(),
        ]
        .join("\n"),
        @r#"
        occurred_at: not allowed, got "2026-02-13 18:00", which has no offset from UTC, such as Z or +05:30; allowed: an RFC 3339 time with its offset, such as 2020-02-13T18:00:00+05:30, or an integer of epoch milliseconds
        amount.minor: not allowed, got -5; allowed: an integer of minor units from 0 to 9007199254740991
        bin: not allowed, got "4111************"; allowed: the first 6 to 8 digits of the card number
        issuer: a card number, got "card 4111-****-****-****\u{1b}[31m"; allowed: no card number anywhere; send a pseudonym, or its first 6 to 8 digits as bin
        gateway: a NUL byte, got "pay\u{0}u"; allowed: text without NUL bytes
        attributes: not allowed, got "Sub Type"; allowed: keys of 1 to 32 characters: a lower-case letter, then lower-case letters, digits or _
        code: contradiction, got iso8583/51 (Not enough funds) with status approved; allowed: an approval code with approved, a decline code otherwise
        bin: given twice, got "411112"; allowed: each field once
        event: malformed, got trailing comma at line 1, column 211; allowed: one JSON object, complete and valid
        event: malformed, got invalid type: sequence, expected a JSON object at line 1, column 0; allowed: one JSON object, complete and valid
        "#
    );
}

#[test]
fn status_and_code_must_not_contradict() {
    let fault = |status, source, value| {
        let code = json!({"source": source, "value": value});
        let result = parse(&with(&[("status", json!(status)), ("code", code)]));
        result.err().map(|error| (error.field.to_string(), error.reason))
    };
    let contradiction = Some(("code".to_owned(), Reason::Contradiction));
    for (status, source, value) in [
        ("approved", "iso8583", "91"),
        ("approved", "stripe", "do_not_honor"),
        ("approved", "transport", "read_timeout"),
        ("declined", "iso8583", "00"),
        ("error", "iso8583", "00"),
        ("timeout", "iso8583", "00"),
    ] {
        assert_eq!(fault(status, source, value), contradiction, "{status} {source}/{value}");
    }
    for (status, source, value) in [
        ("approved", "iso8583", "00"),
        ("approved", "iso8583", "10"),
        ("declined", "iso8583", "10"),
        ("approved", "payu", "91"),
        ("declined", "payu", "00"),
        ("declined", "iso8583", "91"),
        ("timeout", "transport", "read_timeout"),
        ("error", "iso8583", "96"),
        ("unknown", "iso8583", "00"),
        ("abandoned", "juspay_pg_category", "USER_DROPPED"),
    ] {
        assert_eq!(fault(status, source, value), None, "{status} {source}/{value}");
    }
}

#[test]
fn no_string_of_an_event_holds_a_card_number() {
    let pan = "4111 1111 1111 1111";
    for event in [
        with(&[("attempt_id", json!("4111111111111111"))]),
        with(&[("customer_ref", json!(pan))]),
        with(&[("attributes", json!({"k": pan}))]),
        with(&[("attributes", json!({"a4111111111111111": "x"}))]),
        with(&[("code", json!({"source": "payu", "value": pan}))]),
        with(&[("code", json!({"source": "payu", "value": "1", "text": pan}))]),
        with(&[("amount", json!({"minor": 1, "currency": "INR", "card": {"no": [pan]}}))]),
        with(&[("note", json!(pan))]),
        with(&[("note", json!([[{"deep": [1, {"er": pan}]}]]))]),
        with(&[("note", json!({"4111111111111111": 1}))]),
        with(&[("4111111111111111", json!(1))]),
        with(&[("amount", json!(pan))]),
        envelope(with(&[("note", json!(pan))])),
        {
            let mut e = envelope(minimal());
            e["subject"] = json!(pan);
            e
        },
        {
            let mut e = envelope(minimal());
            e["id"] = json!(pan);
            e
        },
        {
            let mut e = envelope(minimal());
            e["datacontenttype"] = json!(format!("application/json; {pan}"));
            e
        },
    ] {
        let error = parse(&event).expect_err("a card number");
        assert_eq!(error.reason, Reason::CardNumber, "{event}");
        assert!(!holds_pan(&format!("{error} {:?}", error.attempt_id)), "{error}");
    }
    for more in [
        r#""n": "\u0034111111111111111""#,
        r#""\u0034111111111111111": 1"#,
        r#""n": {"k": ["\"", "\\", "4111\u0020111111111111"]}"#,
    ] {
        assert_eq!(fault(raw(more)).1, Reason::CardNumber, "{more}");
    }
    // Numbers are exempt, and so is what only looks like one.
    for value in [json!(4_111_111_111_111_111_u64), json!("4111111111111112"), json!("\"\\")] {
        assert!(parse(&with(&[("note", json!({"k": value}))])).is_ok());
    }
}

#[test]
fn nul_bytes_are_refused_anywhere() {
    for event in [
        with(&[("issuer", json!("a\0b"))]),
        with(&[("attributes", json!({"k": "\0"}))]),
        with(&[("note", json!(["\0"]))]),
        with(&[("a\0", json!(1))]),
    ] {
        assert_eq!(fault(parse(&event)).1, Reason::NulByte, "{event}");
    }
    assert_eq!(fault(parse_event(b"{\"attempt_id\": \"a\0\"}")).1, Reason::Malformed);
}

#[test]
fn a_key_given_twice_is_refused() {
    for (more, field) in [
        (r#""gateway": "payu""#, "gateway"),
        (r#""bin": "411111", "bin": null"#, "bin"),
        (r#""bin": null, "bin": "411111""#, "bin"),
        (r#""amount": {"minor": 1, "currency": "INR"}"#, "amount"),
        (r#""code": {"source": "a", "value": "1", "value": "2"}"#, "code.value"),
        (r#""attributes": {"k": "a", "k": "a"}"#, "attributes.k"),
        (r#""attributes": null, "attributes": {}"#, "attributes"),
        (r#""g\u0061teway": "payu""#, "gateway"),
    ] {
        assert_eq!(fault(raw(more)), (field.into(), Reason::Duplicate), "{more}");
    }
}

#[test]
fn unknown_members_are_counted_and_ignored_whatever_they_hold() {
    let deep = format!("\"n\": {}{}", "[".repeat(100_000), "]".repeat(100_000));
    for (more, count) in [
        (r#""a": 1, "b": null, "c": {"d": [true, "x", {"e": 1}]}"#, 3),
        (r#""n": 1e999, "m": 123456789012345678901234567890"#, 2),
        (r#""code": {"source": "x", "value": "y", "text": "z"}"#, 1),
        (r#""type": "pointsman.attempt.v2", "data": {"gateway": 1}"#, 2),
        (&deep, 1),
    ] {
        let parsed = raw(more).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(parsed.unknown_fields, count);
        assert_eq!(parsed.attempt.gateway, "payu");
    }
}

#[test]
fn what_is_not_one_json_object_is_malformed() {
    let twice = format!("{0} {0}", minimal());
    let cut = minimal().to_string();
    let nested = format!("{{\"gateway\": {}", "[".repeat(100_000));
    for text in [
        "",
        " ",
        "null",
        "[]",
        "\"a\"",
        "1",
        "{",
        "{]",
        &twice,
        &cut[..cut.len() - 1],
        "{\"a\": 01}",
    ] {
        assert_eq!(
            fault(parse_event(text.as_bytes())),
            ("event".into(), Reason::Malformed),
            "{text}"
        );
    }
    assert!(parse_event(nested.as_bytes()).is_err());
    assert_eq!(fault(parse_event(b"{\"a\": \"\xff\"}")).1, Reason::Malformed);
    assert_eq!(fault(raw(r#""n": "\ud800""#)).1, Reason::Malformed);
    assert_eq!(fault(raw(r#""latency_ms": 1e999"#)), ("latency_ms".into(), Reason::Malformed));
}

#[test]
fn an_envelope_carries_the_same_event() {
    let plain = parse(&full()).unwrap();
    assert_eq!(parse(&envelope(full())).unwrap(), plain);
    // The order of members and escapes in their names change nothing, extensions don't count.
    let data = full();
    let text = format!(
        r#"{{"id": "1", "method": 7, "data": {data}, "type": "pointsman.attempt.v1", "source": "s",
            "s\u0070ecversion": "1.0", "traceparent": "00-1"}}"#
    );
    assert_eq!(parse_event(text.as_bytes()).unwrap(), plain);
}

#[test]
fn an_envelope_must_be_a_cloudevent_of_our_type() {
    for (key, value, reason) in [
        ("specversion", json!("0.3"), Reason::NotAllowed),
        ("specversion", json!(1.0), Reason::NotAllowed),
        ("type", json!("pointsman.attempt.v2"), Reason::NotAllowed),
        ("type", Value::Null, Reason::NotAllowed),
        ("id", json!(""), Reason::NotAllowed),
        ("data", json!("{}"), Reason::NotAllowed),
        ("data_base64", json!("e30="), Reason::NotAllowed),
        ("datacontenttype", json!("text/xml"), Reason::NotAllowed),
    ] {
        let mut event = envelope(minimal());
        event[key] = value;
        assert_eq!(fault(parse(&event)), (key.into(), reason));
    }
    for key in ["type", "id", "source", "data"] {
        let mut event = envelope(minimal());
        event.as_object_mut().unwrap().remove(key);
        assert_eq!(fault(parse(&event)), (key.into(), Reason::Missing));
    }
    let error = parse(&envelope(with(&[("bin", json!("1"))]))).unwrap_err();
    assert_eq!((&*error.field, error.attempt_id.as_deref()), ("bin", Some("a1")));
}

fn member() -> impl Strategy<Value = (String, Value)> {
    let keys: Vec<String> = full().as_object().unwrap().keys().cloned().collect();
    let value = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[0-9a-zA-Z :.\\-\u{0}-\u{1f}]{0,20}".prop_map(Value::from),
        ".{0,140}".prop_map(Value::from),
        prop::collection::btree_map("[a-z_]{1,4}", ".{0,3}", 0..20).prop_map(|m| json!(m)),
    ];
    (prop_oneof![prop::sample::select(keys), ".{0,12}".prop_map(String::from)], value)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn what_is_accepted_reads_the_same_when_written_again(
        members in prop::collection::vec(member(), 0..3),
    ) {
        let mut event = full();
        for (key, value) in members {
            event[key] = value;
        }
        match parse(&event) {
            Ok(parsed) => {
                let written = serde_json::to_value(&parsed.attempt).unwrap();
                let again = parse(&written).unwrap();
                prop_assert_eq!((again.attempt, again.unknown_fields), (parsed.attempt, 0));
                prop_assert_eq!(parse(&envelope(event)).map(|parsed| parsed.unknown_fields), Ok(parsed.unknown_fields));
            }
            Err(error) => {
                let shown = error.to_string();
                prop_assert!(!shown.chars().any(char::is_control));
                prop_assert!(shown.len() < 4_000);
            }
        }
    }

    #[test]
    fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(parse_event(&bytes).is_err());
    }
}
