//! The event parser: it answers every input, and what it accepts keeps its promises.
#![no_main]

use libfuzzer_sys::fuzz_target;
use payments::{holds_pan, parse_event};

fuzz_target!(|input: &[u8]| {
    match parse_event(input) {
        Ok(parsed) => {
            let written = serde_json::to_string(&parsed.attempt).expect("an attempt can be written");
            let again = parse_event(written.as_bytes()).expect("what was accepted is accepted");
            assert_eq!(again.attempt, parsed.attempt);
            assert_eq!(again.unknown_fields, 0);
            let input: serde_json::Value = match serde_json::from_slice(input) {
                Ok(input) => input,
                // The plain reader refuses what we need not read: deep nesting, huge numbers.
                Err(_) => return,
            };
            assert!(!any_string(&input, &|text| holds_pan(text) || text.contains('\0')));
        }
        Err(error) => {
            let shown = error.to_string();
            assert!(!shown.chars().any(char::is_control), "{shown:?}");
            assert!(shown.chars().count() < 4_000, "{shown:?}");
            assert!(!holds_pan(&error.got) && !holds_pan(&error.field), "{error:?}");
            assert!(!error.attempt_id.is_some_and(|id| holds_pan(&id)));
        }
    }
});

fn any_string(value: &serde_json::Value, is_bad: &impl Fn(&str) -> bool) -> bool {
    use serde_json::Value;
    match value {
        Value::String(text) => is_bad(text),
        Value::Array(items) => items.iter().any(|item| any_string(item, is_bad)),
        Value::Object(members) => {
            members.iter().any(|(key, value)| is_bad(key) || any_string(value, is_bad))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}
