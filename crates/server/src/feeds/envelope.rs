//! One message, one attempt: bare, in a CloudEvent (structured), or as its data (binary mode, attributes in the message's headers).

use payments::{Attempt, parse_event};

use super::dead::Refusal;

/// What a message's body is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Form {
    /// An event, bare or in its envelope.
    Json,
    /// Something else, by its headers.
    Foreign(Refusal),
}

/// By the attributes of a CloudEvent that travel as headers: `attribute("type")` is the header `ce_type` of Kafka, `cloudEvents:type` of AMQP.
pub fn form<'a>(attribute: impl Fn(&str) -> Option<&'a str>) -> Form {
    let Some(version) = attribute("specversion") else { return Form::Json };
    let refused = |name: &str, got: Option<&str>, allowed: &str| {
        let got = payments::excerpt(got.unwrap_or("(none)"));
        Form::Foreign(Refusal::new(name, format!("{name}: got {got}; allowed: {allowed}")))
    };
    if version != "1.0" {
        return refused("specversion", Some(version), "1.0");
    }
    let kind = attribute("type");
    if kind != Some(EVENT_TYPE) {
        return refused("type", kind, EVENT_TYPE);
    }
    for name in ["id", "source"] {
        if attribute(name).is_none_or(str::is_empty) {
            return refused(name, None, "a text; CloudEvents 1.0 requires it");
        }
    }
    Form::Json
}

/// The type of our events in CloudEvents.
const EVENT_TYPE: &str = "pointsman.attempt.v1";

/// An attempt and how many members of the event aren't known; or why not.
pub fn read(form: &Form, body: &[u8]) -> Result<(Attempt, u32), Refusal> {
    match form {
        Form::Foreign(refusal) => Err(refusal.clone()),
        Form::Json => {
            let parsed = parse_event(body)?;
            Ok((parsed.attempt, parsed.unknown_fields))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pairs: &[(&str, &'static str)]) -> Form {
        form(|name| pairs.iter().find(|(n, _)| *n == name).map(|(_, v)| *v))
    }

    #[test]
    fn binary_mode_is_told_by_its_headers() {
        let whole = [("specversion", "1.0"), ("type", EVENT_TYPE), ("id", "1"), ("source", "/s")];
        assert_eq!(of(&[]), Form::Json);
        assert_eq!(of(&whole), Form::Json);
        for (left_out, field) in [(1, "type"), (2, "id"), (3, "source")] {
            let mut some = whole.to_vec();
            some.remove(left_out);
            assert!(matches!(of(&some), Form::Foreign(refusal) if refusal.field == field));
        }
        assert!(matches!(of(&[("specversion", "0.3")]), Form::Foreign(_)));
    }

    #[test]
    fn an_array_or_nothing_is_no_message() {
        for body in [&b""[..], b"[]", b"\xff", b"{}"] {
            assert!(read(&Form::Json, body).is_err());
        }
    }
}
