//! Looks through JSON that is otherwise ignored for what no event may hold.
//!
//! Unknown fields are ignored, but a card number must not hide in them. The value arrives as text
//! that the JSON parser has already skipped over, so its shape is known to be sound; here its
//! strings (object keys are strings too) are visited from left to right without recursion, however
//! deeply they are nested. Numbers are exempt by the contract.

use super::error::EventError;
use super::error::{Reason, quoted};
use crate::pan::holds_pan;

/// Refuses card numbers and NUL bytes in a string of a field.
pub(super) fn check_text(field: &str, text: &str) -> Result<(), EventError> {
    if text.as_bytes().contains(&0) {
        return Err(EventError::nul_byte(field.to_owned(), text));
    }
    if holds_pan(text) {
        return Err(EventError::card_number(field.to_owned(), text));
    }
    Ok(())
}

/// Refuses card numbers and NUL bytes in any string within `json`, the value of `field`.
pub(super) fn check_value(field: &str, json: &str) -> Result<(), EventError> {
    let mut rest = json;
    while let Some(open) = rest.find('"') {
        let text = &rest[open + 1..];
        let (close, escaped) = string_end(text);
        if escaped {
            let literal = &rest[open..=open + 1 + close];
            let text: String = serde_json::from_str(literal).map_err(|_| {
                let allowed = "JSON strings whose escapes are Unicode text";
                EventError::new(field.to_owned(), Reason::Malformed, quoted(literal), allowed)
            })?;
            check_text(field, &text)?;
        } else {
            check_text(field, &text[..close])?;
        }
        rest = &text[close + 1..];
    }
    Ok(())
}

/// Where the string that starts at `text` is closed, and whether it holds escapes.
fn string_end(text: &str) -> (usize, bool) {
    let (mut escaped, mut at) = (false, 0);
    let bytes = text.as_bytes();
    loop {
        match bytes[at] {
            b'"' => return (at, escaped),
            b'\\' => (escaped, at) = (true, at + 2),
            _ => at += 1,
        }
    }
}
