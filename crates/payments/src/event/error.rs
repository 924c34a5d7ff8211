//! Why an event was refused: which field, what it held, what is allowed.

use std::borrow::Cow;

use thiserror::Error;

use crate::excerpt;

/// The fault of a refused event. All its texts are safe to show: shortened, escaped, and masked
/// where a card number could be.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{field}: {reason}, got {got}; allowed: {allowed}")]
pub struct EventError {
    /// The event's id, if it could be read.
    pub attempt_id: Option<String>,
    /// Path of the field, e.g. `amount.minor`; `event` for the whole.
    pub field: Cow<'static, str>,
    /// What kind of fault it is.
    pub reason: Reason,
    /// What the field held.
    pub got: String,
    /// What it may hold.
    pub allowed: Cow<'static, str>,
}

/// The kinds of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Error)]
pub enum Reason {
    /// Not one complete JSON object.
    #[error("malformed")]
    Malformed,
    /// A field that every event must have isn't there.
    #[error("missing")]
    Missing,
    /// The same key twice, so that its meaning would depend on the reader.
    #[error("given twice")]
    Duplicate,
    /// The right field, the wrong value.
    #[error("not allowed")]
    NotAllowed,
    /// Each field is right by itself, together they can't be.
    #[error("contradiction")]
    Contradiction,
    /// A string holds a NUL byte.
    #[error("a NUL byte")]
    NulByte,
    /// A string holds a card number.
    #[error("a card number")]
    CardNumber,
}

impl EventError {
    pub(crate) fn new(
        field: impl Into<Cow<'static, str>>,
        reason: Reason,
        got: impl Into<String>,
        allowed: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            attempt_id: None,
            field: field.into(),
            reason,
            got: got.into(),
            allowed: allowed.into(),
        }
    }

    pub(crate) fn card_number(field: impl Into<Cow<'static, str>>, text: &str) -> Self {
        let allowed =
            "no card number anywhere; send a pseudonym, or its first 6 to 8 digits as bin";
        Self::new(field, Reason::CardNumber, quoted(text), allowed)
    }

    pub(crate) fn nul_byte(field: impl Into<Cow<'static, str>>, text: &str) -> Self {
        Self::new(field, Reason::NulByte, quoted(text), "text without NUL bytes")
    }
}

/// A string value as it is shown in `got`.
pub(crate) fn quoted(text: &str) -> String {
    format!("\"{}\"", excerpt(text))
}
