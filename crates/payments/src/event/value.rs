//! One value of one field: what it may hold, and how it is read.
//!
//! Each reader takes the field for its message and the value as JSON or a cell gives it.

use super::error::{EventError, Reason, quoted};
use super::field::Field;
use super::scan::check_text;
use crate::country::is_country;
use crate::excerpt::excerpt_masking;
use crate::{Currency, Initiator, Money, Status, TimeError, Timestamp};

const STRING_CHARS_MAX: usize = 128;

/// One value as JSON or a cell of a file gives it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Scalar<'a> {
    Text(&'a str),
    Unsigned(u64),
    Negative(i64),
    Float(f64),
    Bool(bool),
    Null,
    Object,
    Array,
}

impl Scalar<'_> {
    pub(super) fn shown(self) -> String {
        let shown = match self {
            Self::Text(text) => return quoted(text),
            Self::Unsigned(number) => number.to_string(),
            Self::Negative(number) => number.to_string(),
            Self::Float(number) => number.to_string(),
            Self::Bool(value) => value.to_string(),
            Self::Null => "null".to_owned(),
            Self::Object => "an object".to_owned(),
            Self::Array => "an array".to_owned(),
        };
        // The contract exempts numbers from the card rule; messages need not repeat one.
        if crate::pan::holds_pan(&shown) { crate::excerpt(&shown) } else { shown }
    }
}

pub(super) fn check_string(
    text: &str,
    field: impl Fn() -> String,
    allowed: &'static str,
) -> Result<(), EventError> {
    check_text("", text).map_err(|error| EventError { field: field().into(), ..error })?;
    let chars = if text.len() > STRING_CHARS_MAX { text.chars().count() } else { text.len() };
    if chars == 0 || chars > STRING_CHARS_MAX {
        let got = match chars {
            0 => "an empty string".to_owned(),
            _ => format!("{chars} characters, {}", quoted(text)),
        };
        return Err(EventError::new(field(), Reason::NotAllowed, got, allowed));
    }
    Ok(())
}

fn text<'a>(field: Field, value: Scalar<'a>) -> Result<&'a str, EventError> {
    let Scalar::Text(text) = value else { return Err(not_allowed(field, value)) };
    check_string(text, || field.as_str().to_owned(), field.allowed())?;
    Ok(text)
}

pub(super) fn string(field: Field, value: Scalar) -> Result<String, EventError> {
    text(field, value).map(str::to_owned)
}

pub(super) fn attempt_number(field: Field, value: Scalar) -> Result<u32, EventError> {
    match latency_ms(field, value)? {
        0 => Err(not_allowed(field, value)),
        number => Ok(number),
    }
}

pub(super) fn latency_ms(field: Field, value: Scalar) -> Result<u32, EventError> {
    match value {
        Scalar::Unsigned(number) => u32::try_from(number).map_err(|_| not_allowed(field, value)),
        _ => Err(not_allowed(field, value)),
    }
}

pub(super) fn minor(field: Field, value: Scalar) -> Result<i64, EventError> {
    match value {
        Scalar::Unsigned(number) if number <= Money::ATTEMPT_MAX as u64 => Ok(number as i64),
        _ => Err(not_allowed(field, value)),
    }
}

pub(super) fn currency(field: Field, value: Scalar) -> Result<Currency, EventError> {
    Currency::parse(text(field, value)?).ok_or_else(|| not_allowed(field, value))
}

pub(super) fn time(field: Field, value: Scalar) -> Result<Timestamp, EventError> {
    let parsed = match value {
        Scalar::Text(_) => Timestamp::parse(text(field, value)?),
        Scalar::Unsigned(ms) => {
            i64::try_from(ms).map_err(|_| TimeError::OutOfRange).and_then(Timestamp::from_epoch_ms)
        }
        Scalar::Negative(ms) => Timestamp::from_epoch_ms(ms),
        _ => Err(TimeError::Malformed),
    };
    parsed.map_err(|error| {
        let got = format!("{}, which {error}", value.shown());
        EventError::new(field.as_str(), Reason::NotAllowed, got, field.allowed())
    })
}

pub(super) fn country(field: Field, value: Scalar) -> Result<String, EventError> {
    string(field, value).and_then(|code| match is_country(&code) {
        true => Ok(code),
        false => Err(not_allowed(field, value)),
    })
}

/// Digits, as a string or as a number without leading zeros.
fn digits(
    field: Field,
    value: Scalar,
    count: std::ops::RangeInclusive<usize>,
) -> Result<String, EventError> {
    let digits = match value {
        Scalar::Unsigned(number) => number.to_string(),
        _ => string(field, value)?,
    };
    if count.contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()) {
        return Ok(digits);
    }
    // Even as a number, a BIN that is too long is probably a cut-off card number.
    let got = format!("\"{}\"", excerpt_masking(&digits, 8));
    Err(EventError::new(field.as_str(), Reason::NotAllowed, got, field.allowed()))
}

pub(super) fn bin(field: Field, value: Scalar) -> Result<String, EventError> {
    digits(field, value, 6..=8)
}

pub(super) fn mcc(field: Field, value: Scalar) -> Result<String, EventError> {
    digits(field, value, 4..=4)
}

pub(super) fn status(field: Field, value: Scalar) -> Result<Status, EventError> {
    match text(field, value)? {
        "approved" => Ok(Status::Approved),
        "declined" => Ok(Status::Declined),
        "error" => Ok(Status::Error),
        "timeout" => Ok(Status::Timeout),
        "unknown" => Ok(Status::Unknown),
        "abandoned" => Ok(Status::Abandoned),
        _ => Err(not_allowed(field, value)),
    }
}

pub(super) fn initiator(field: Field, value: Scalar) -> Result<Initiator, EventError> {
    match text(field, value)? {
        "cit" => Ok(Initiator::Cit),
        "mit" => Ok(Initiator::Mit),
        _ => Err(not_allowed(field, value)),
    }
}

pub(super) fn propensity(field: Field, value: Scalar) -> Result<f64, EventError> {
    let probability = match value {
        Scalar::Float(number) => number,
        Scalar::Unsigned(number) => number as f64,
        _ => f64::NAN,
    };
    if probability > 0.0 && probability <= 1.0 {
        Ok(probability)
    } else {
        Err(not_allowed(field, value))
    }
}

fn not_allowed(field: Field, value: Scalar) -> EventError {
    EventError::new(field.as_str(), Reason::NotAllowed, value.shown(), field.allowed())
}
