//! CloudEvents 1.0 in structured mode: the event is the envelope's `data`.
//!
//! An object with a member `specversion` is taken for an envelope. The attributes that the
//! specification requires must be there; extensions and optional attributes are ignored, though no
//! more than elsewhere may they hold a card number.

use std::borrow::Cow;
use std::fmt;

use serde::Deserializer as _;
use serde::de::{self, IgnoredAny, MapAccess};
use serde_json::value::RawValue;

use super::draft::missing_part;
use super::error::{EventError, Reason};
use super::parse::{EventVisitor, Parsed, Reading, ignored, not_a_string, run};
use super::scan::{check_text, check_value};

const TYPE: &str = "pointsman.attempt.v1";

/// Whether `json` is an object with a member `specversion`.
pub(super) fn is_envelope(json: &str) -> bool {
    #[derive(serde::Deserialize)]
    struct Probe {
        #[serde(rename = "specversion")]
        _specversion: IgnoredAny,
    }
    serde_json::from_str::<Probe>(json).is_ok()
}

pub(super) fn parse(json: &str) -> Result<Parsed, EventError> {
    let mut reading = Reading::default();
    let seen = run(json, &mut reading, |de, reading| de.deserialize_map(Envelope { reading }))?;
    for (at, (name, allowed)) in REQUIRED.into_iter().enumerate() {
        if !seen[at] {
            return Err(missing_part(name, allowed));
        }
    }
    reading.finish()
}

/// The attributes that an envelope must have, and what they may hold.
const REQUIRED: [(&str, &str); 5] = [
    ("specversion", "\"1.0\""),
    ("type", "\"pointsman.attempt.v1\""),
    ("id", "a string that is not empty"),
    ("source", "a string that is not empty"),
    ("data", "the attempt event as a JSON object"),
];

struct Envelope<'r> {
    reading: &'r mut Reading,
}

impl<'de> de::Visitor<'de> for Envelope<'_> {
    type Value = [bool; 5];

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a CloudEvents envelope")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<[bool; 5], A::Error> {
        let reading = self.reading;
        let mut seen = [false; 5];
        while let Some(name) = map.next_key::<Cow<str>>()? {
            let Some(at) = REQUIRED.iter().position(|(required, _)| *required == name) else {
                attribute(reading, &mut map, &name)?;
                continue;
            };
            let (name, allowed) = REQUIRED[at];
            if std::mem::replace(&mut seen[at], true) {
                let got = "a second value";
                let error = EventError::new(name, Reason::Duplicate, got, "each attribute once");
                return Err(reading.stop(error));
            }
            if name == "data" {
                data(reading, &mut map)?;
                continue;
            }
            let value: &RawValue = map.next_value()?;
            let checked = match serde_json::from_str::<String>(value.get()) {
                Ok(text) => check_text(name, &text).and_then(|()| {
                    let fits = match name {
                        "specversion" => text == "1.0",
                        "type" => text == TYPE,
                        _ => !text.is_empty(),
                    };
                    if fits { Ok(()) } else { Err(not_a_string(name, &text, allowed)) }
                }),
                Err(_) => Err(not_a_string(name, value.get(), allowed)),
            };
            checked.map_err(|error| reading.stop(error))?;
        }
        Ok(seen)
    }
}

fn data<'de, A: MapAccess<'de>>(reading: &mut Reading, map: &mut A) -> Result<(), A::Error> {
    let value: &RawValue = map.next_value()?;
    if !value.get().starts_with('{') {
        let error = not_a_string("data", value.get(), "the attempt event as a JSON object");
        return Err(reading.stop(error));
    }
    run(value.get(), reading, |de, reading| {
        de.deserialize_map(EventVisitor { reading, top: false })
    })
    .map_err(|error| reading.stop(error))
}

/// An attribute that isn't required. The data must be JSON: the other encodings hide an event.
fn attribute<'de, A: MapAccess<'de>>(
    reading: &mut Reading,
    map: &mut A,
    name: &str,
) -> Result<(), A::Error> {
    let allowed = match name {
        "data_base64" => "the event as a JSON object in data",
        "datacontenttype" => {
            let value: &RawValue = map.next_value()?;
            check_value(name, value.get()).map_err(|error| reading.stop(error))?;
            let media_type: Option<String> = serde_json::from_str(value.get()).unwrap_or_default();
            let essence = media_type.as_deref().and_then(|text| text.split(';').next());
            let essence = essence.unwrap_or_default().trim().to_ascii_lowercase();
            if essence == "application/json" || essence.ends_with("+json") {
                return Ok(());
            }
            let allowed = "application/json";
            return Err(reading.stop(not_a_string("datacontenttype", value.get(), allowed)));
        }
        _ => return ignored(reading, map, name),
    };
    let error = EventError::new("data_base64", Reason::NotAllowed, "encoded data", allowed);
    Err(reading.stop(error))
}
