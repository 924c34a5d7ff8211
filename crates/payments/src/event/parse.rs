//! From JSON to an attempt, in one pass and without a tree.
//!
//! The parser hands each value to [`AttemptDraft`] as it is read; values of unknown fields are
//! skipped as raw text and only scanned. Errors of ours travel beside the parser's, which knows
//! nothing but strings. A refused event may be read a second time to say more about it, an accepted
//! one never is: about a microsecond and one allocation per string.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{self, DeserializeSeed, Deserializer as _, IgnoredAny, MapAccess, SeqAccess};
use serde_json::value::RawValue;

use super::draft::{AMOUNT, AttemptDraft};
use super::envelope;
use super::error::{EventError, Reason, quoted};
use super::field::Field;
use super::key::{Key, Name};
use super::scan::{check_text, check_value};
use super::value::Scalar;
use crate::pan::holds_pan;
use crate::{Attempt, excerpt};

/// An accepted event.
#[derive(Clone, Debug, PartialEq)]
pub struct Parsed {
    /// The attempt.
    pub attempt: Attempt,
    /// Members that the contract doesn't know, within `amount` and `code` too; they were ignored.
    pub unknown_fields: u32,
}

/// Reads one event: a JSON object, bare or as the `data` of a CloudEvents 1.0 envelope of type
/// `pointsman.attempt.v1` in structured mode.
///
/// ```
/// let event = br#"{"attempt_id": "a1", "payment_id": "p1", "merchant_id": "m1", "method": "card",
///     "occurred_at": "2026-02-13T18:00:00+05:30", "amount": {"minor": 49900, "currency": "INR"},
///     "gateway": "payu", "status": "declined", "code": {"source": "iso8583", "value": "91"}}"#;
/// let parsed = payments::parse_event(event).unwrap();
/// assert_eq!(parsed.attempt.amount.unwrap().to_string(), "INR 499.00");
///
/// let error = payments::parse_event(br#"{"attempt_id": "a1", "bin": "411111111111"}"#).unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "bin: not allowed, got \"4111********\"; allowed: the first 6 to 8 digits of the card number"
/// );
/// ```
pub fn parse_event(json: &[u8]) -> Result<Parsed, EventError> {
    let json = std::str::from_utf8(json).map_err(|error| {
        let got = format!("bytes that are not UTF-8, from byte {}", error.valid_up_to());
        EventError::new("event", Reason::Malformed, got, "a JSON object in UTF-8")
    })?;
    parse_str(json).map_err(|error| {
        let attempt_id = error.attempt_id.or_else(|| find_attempt_id(json));
        let attempt_id = attempt_id.map(|id| {
            let shown_as_is = !holds_pan(&id) && id.len() <= 128 && !id.contains(char::is_control);
            if shown_as_is { id } else { excerpt(&id) }
        });
        EventError { attempt_id, ..error }
    })
}

fn parse_str(json: &str) -> Result<Parsed, EventError> {
    let mut reading = Reading::default();
    let read = run(json, &mut reading, |de, reading| {
        de.deserialize_map(EventVisitor { reading, top: true })
    });
    if reading.is_envelope || (read.is_err() && envelope::is_envelope(json)) {
        return envelope::parse(json);
    }
    read?;
    reading.finish()
}

/// What has been read so far.
#[derive(Default)]
pub(super) struct Reading {
    draft: AttemptDraft,
    pub(super) unknown_fields: u32,
    /// A fault of ours, while the parser carries a placeholder.
    pub(super) fault: Option<Box<EventError>>,
    /// Where the parser is, for its own faults.
    at: Option<Cow<'static, str>>,
    is_envelope: bool,
    has: [bool; 3],
    /// One bit per field; a null counts too, since a second value would depend on the reader.
    seen: u32,
}

/// The members that are objects; their places in [`Reading::has`].
const OBJECTS: [&str; 3] = ["amount", "code", "attributes"];

impl Reading {
    pub(super) fn finish(self) -> Result<Parsed, EventError> {
        let attempt_id = self.draft.attempt_id().map(str::to_owned);
        match self.draft.finish() {
            Ok(attempt) => Ok(Parsed { attempt, unknown_fields: self.unknown_fields }),
            Err(error) => Err(EventError { attempt_id, ..error }),
        }
    }

    /// Keeps `error` and gives the parser something to stop with.
    pub(super) fn stop<E: de::Error>(&mut self, error: EventError) -> E {
        self.fault = Some(Box::new(error));
        E::custom("refused")
    }
}

/// Runs the parser over all of `json`; its faults become ours.
pub(super) fn run<'de, R>(
    json: &'de str,
    reading: &mut Reading,
    read: impl FnOnce(
        &mut serde_json::Deserializer<serde_json::de::StrRead<'de>>,
        &mut Reading,
    ) -> Result<R, serde_json::Error>,
) -> Result<R, EventError> {
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let result =
        read(&mut deserializer, reading).and_then(|done| deserializer.end().map(|()| done));
    result.map_err(|error| match reading.fault.take() {
        Some(fault) => *fault,
        None => {
            let field = reading.at.take().unwrap_or("event".into());
            let (got, place) = (error.to_string(), (error.line(), error.column()));
            // The parser's message ends with the place, and can quote the input before it.
            let what = got.split(" at line ").next().unwrap_or_default();
            let got = format!("{} at line {}, column {}", excerpt(what), place.0, place.1);
            EventError::new(field, Reason::Malformed, got, "one JSON object, complete and valid")
        }
    })
}

/// The event object; `top` unless it is the data of an envelope.
pub(super) struct EventVisitor<'r> {
    pub(super) reading: &'r mut Reading,
    pub(super) top: bool,
}

impl<'de> de::Visitor<'de> for EventVisitor<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let reading = self.reading;
        while let Some(key) = map.next_key::<Key>()? {
            let object = match key {
                Key::Field(field) => {
                    reading.at = Some(Cow::Borrowed(field.as_str()));
                    map.next_value_seed(Put { reading, target: Target::Field(field) })?;
                    reading.at = None;
                    continue;
                }
                Key::SpecVersion if self.top => {
                    reading.is_envelope = true;
                    return Err(de::Error::custom("an envelope"));
                }
                Key::SpecVersion => {
                    unknown(reading, &mut map, "specversion")?;
                    continue;
                }
                Key::Unknown(name) => {
                    unknown(reading, &mut map, &name)?;
                    continue;
                }
                Key::Amount => 0,
                Key::Code => 1,
                Key::Attributes => 2,
            };
            reading.at = Some(Cow::Borrowed(OBJECTS[object]));
            if std::mem::replace(&mut reading.has[object], true) {
                let error = EventError::new(
                    OBJECTS[object],
                    Reason::Duplicate,
                    "a second value",
                    "each field once",
                );
                return Err(reading.stop(error));
            }
            map.next_value_seed(ObjectSeed { reading, object })?;
            reading.at = None;
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for EventVisitor<'_> {
    type Value = ();
    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

/// Skips the value of a member that the contract doesn't know, after a look for card numbers.
pub(super) fn unknown<'de, A: MapAccess<'de>>(
    reading: &mut Reading,
    map: &mut A,
    name: &str,
) -> Result<(), A::Error> {
    reading.unknown_fields = reading.unknown_fields.saturating_add(1);
    ignored(reading, map, name)
}

/// [`unknown`], not counted.
pub(super) fn ignored<'de, A: MapAccess<'de>>(
    reading: &mut Reading,
    map: &mut A,
    name: &str,
) -> Result<(), A::Error> {
    let shown = excerpt(name);
    let value: &RawValue = map.next_value()?;
    check_text(&shown, name)
        .and_then(|()| check_value(&shown, value.get()))
        .map_err(|error| reading.stop(error))
}

/// `amount`, `code` and `attributes`.
struct ObjectSeed<'r> {
    reading: &'r mut Reading,
    object: usize,
}

impl ObjectSeed<'_> {
    fn wrong<E: de::Error>(self, got: Scalar) -> Result<(), E> {
        if let Scalar::Text(text) = got
            && let Err(error) = check_text(OBJECTS[self.object], text)
        {
            return Err(self.reading.stop(error));
        }
        let allowed = match self.object {
            0 => AMOUNT,
            1 => {
                "an object of source and value, such as {\"source\": \"iso8583\", \"value\": \"91\"}"
            }
            _ => "an object of at most 16 strings",
        };
        let error = EventError::new(OBJECTS[self.object], Reason::NotAllowed, got.shown(), allowed);
        Err(self.reading.stop(error))
    }
}

impl<'de> DeserializeSeed<'de> for ObjectSeed<'_> {
    type Value = ();
    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> de::Visitor<'de> for ObjectSeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let reading = self.reading;
        while let Some(Name(key)) = map.next_key::<Name>()? {
            let target = match (self.object, &*key) {
                (0, "minor") => Target::Field(Field::AmountMinor),
                (0, "currency") => Target::Field(Field::AmountCurrency),
                (1, "source") => Target::Field(Field::CodeSource),
                (1, "value") => Target::Field(Field::CodeValue),
                (2, _) => Target::Attribute(&key),
                _ => {
                    unknown(reading, &mut map, &format!("{}.{key}", OBJECTS[self.object]))?;
                    continue;
                }
            };
            map.next_value_seed(Put { reading, target })?;
        }
        Ok(())
    }

    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        Ok(())
    }
    fn visit_str<E: de::Error>(self, value: &str) -> Result<(), E> {
        self.wrong(Scalar::Text(value))
    }
    fn visit_u64<E: de::Error>(self, value: u64) -> Result<(), E> {
        self.wrong(Scalar::Unsigned(value))
    }
    fn visit_i64<E: de::Error>(self, value: i64) -> Result<(), E> {
        self.wrong(Scalar::Negative(value))
    }
    fn visit_f64<E: de::Error>(self, value: f64) -> Result<(), E> {
        self.wrong(Scalar::Float(value))
    }
    fn visit_bool<E: de::Error>(self, value: bool) -> Result<(), E> {
        self.wrong(Scalar::Bool(value))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<(), A::Error> {
        self.wrong(Scalar::Array)
    }
}

#[derive(Clone, Copy)]
enum Target<'a> {
    Field(Field),
    Attribute(&'a str),
}

/// Puts one value into the draft.
struct Put<'r, 'a> {
    reading: &'r mut Reading,
    target: Target<'a>,
}

impl Put<'_, '_> {
    fn put<E: de::Error>(self, value: Scalar) -> Result<(), E> {
        let put = match self.target {
            Target::Field(field) => {
                let bit = 1 << field as u32;
                let first = self.reading.seen & bit == 0;
                self.reading.seen |= bit;
                match first {
                    true => self.reading.draft.put(field, value),
                    false => Err(EventError::new(
                        field.as_str(),
                        Reason::Duplicate,
                        value.shown(),
                        "each field once",
                    )),
                }
            }
            Target::Attribute(key) => self.reading.draft.put_attribute(key, value),
        };
        put.map_err(|error| self.reading.stop(error))
    }
}

impl<'de> DeserializeSeed<'de> for Put<'_, '_> {
    type Value = ();
    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> de::Visitor<'de> for Put<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }
    fn visit_str<E: de::Error>(self, value: &str) -> Result<(), E> {
        self.put(Scalar::Text(value))
    }
    fn visit_u64<E: de::Error>(self, value: u64) -> Result<(), E> {
        self.put(Scalar::Unsigned(value))
    }
    fn visit_i64<E: de::Error>(self, value: i64) -> Result<(), E> {
        self.put(Scalar::Negative(value))
    }
    fn visit_f64<E: de::Error>(self, value: f64) -> Result<(), E> {
        self.put(Scalar::Float(value))
    }
    fn visit_bool<E: de::Error>(self, value: bool) -> Result<(), E> {
        self.put(Scalar::Bool(value))
    }
    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        self.put(Scalar::Null)
    }
    fn visit_map<A: MapAccess<'de>>(self, _: A) -> Result<(), A::Error> {
        self.put(Scalar::Object)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<(), A::Error> {
        self.put(Scalar::Array)
    }
}

/// The id of a refused event, bare or enveloped, if its JSON is sound.
fn find_attempt_id(json: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Bare {
        attempt_id: String,
    }
    #[derive(Deserialize)]
    struct Enveloped {
        #[serde(rename = "specversion")]
        _specversion: IgnoredAny,
        data: Bare,
    }
    let bare = serde_json::from_str::<Bare>(json).map(|event| event.attempt_id);
    bare.or_else(|_| serde_json::from_str::<Enveloped>(json).map(|event| event.data.attempt_id))
        .ok()
}

pub(super) fn not_a_string(field: &'static str, json: &str, allowed: &'static str) -> EventError {
    EventError::new(field, Reason::NotAllowed, quoted(json), allowed)
}

#[cfg(test)]
#[path = "parse_tests.rs"]
mod tests;
