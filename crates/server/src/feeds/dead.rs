//! Messages that can't be taken, and why.

use payments::EventError;

/// Why a message can't be taken. All its texts are safe to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Its attempt, if that could be read.
    pub attempt_id: Option<String>,
    /// Which field; `event` for the whole.
    pub field: String,
    /// What is wrong, what it got and what is allowed.
    pub reason: String,
    /// How often it was tried.
    pub tries: u32,
}

impl Refusal {
    /// Of one field, at the first try.
    pub fn new(field: &str, reason: impl Into<String>) -> Self {
        Self { attempt_id: None, field: field.into(), reason: reason.into(), tries: 1 }
    }
}

impl From<EventError> for Refusal {
    fn from(error: EventError) -> Self {
        let reason = error.to_string();
        Self { attempt_id: error.attempt_id, field: error.field.into_owned(), reason, tries: 1 }
    }
}

/// A dead letter, as `pointsman dlq list` shows it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Dead {
    /// Where it lies.
    pub place: String,
    /// Where it came from.
    pub from: String,
    /// When it was put there, RFC 3339.
    pub at: Option<String>,
    /// Its attempt, if that could be read.
    pub attempt_id: Option<String>,
    /// Which field was wrong.
    pub field: String,
    /// Why.
    pub reason: String,
    /// How often it was tried.
    pub tries: String,
    /// Whether its body was withheld because of a card number in it.
    pub withheld: bool,
    /// Its size.
    pub bytes: usize,
}

/// Names of the headers that a dead letter carries.
pub mod header {
    /// What is wrong.
    pub const REASON: &str = "pointsman-reason";
    /// In which field.
    pub const FIELD: &str = "pointsman-field";
    /// Of which attempt, if that could be read.
    pub const ATTEMPT: &str = "pointsman-attempt-id";
    /// Where it came from.
    pub const FROM: &str = "pointsman-from";
    /// How often it was tried.
    pub const TRIES: &str = "pointsman-tries";
    /// Milliseconds since 1970.
    pub const AT: &str = "pointsman-at-ms";
    /// Present if the body was left out.
    pub const WITHHELD: &str = "pointsman-withheld";
    /// Begins all of them.
    pub const PREFIX: &str = "pointsman-";
}

/// The headers of a dead letter.
pub fn headers(refusal: &Refusal, from: String, withheld: bool) -> Vec<(&'static str, String)> {
    let mut out = vec![
        (header::REASON, refusal.reason.clone()),
        (header::FIELD, refusal.field.clone()),
        (header::FROM, from),
        (header::TRIES, refusal.tries.to_string()),
        (header::AT, crate::serve::clock::wall().as_millis().to_string()),
    ];
    if let Some(id) = &refusal.attempt_id {
        out.push((header::ATTEMPT, id.clone()));
    }
    if withheld {
        out.push((header::WITHHELD, "card number".into()));
    }
    out
}

/// Whether a body may not be copied elsewhere: a card number in it would be in two places then.
pub fn is_withheld(body: &[u8]) -> bool {
    payments::holds_pan(&String::from_utf8_lossy(body))
}

impl Dead {
    /// From a dead letter's place, size and headers.
    pub fn read(place: String, bytes: usize, header: impl Fn(&str) -> Option<String>) -> Self {
        let at = header(header::AT).and_then(|ms| ms.parse().ok());
        Self {
            place,
            from: header(header::FROM).unwrap_or_else(|| "(not said)".into()),
            at: at.map(|ms| crate::wire::rfc3339(payments::Timestamp::from_millis(ms))),
            attempt_id: header(header::ATTEMPT),
            field: header(header::FIELD).unwrap_or_default(),
            reason: header(header::REASON).unwrap_or_else(|| "(not said)".into()),
            tries: header(header::TRIES).unwrap_or_default(),
            withheld: header(header::WITHHELD).is_some(),
            bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_can_be_read_and_a_card_number_is_withheld() {
        let error = payments::parse_event(b"{\"attempt_id\": \"a7\"}").unwrap_err();
        let refusal = Refusal::from(error);
        let written = headers(&refusal, "attempts/3 offset 17".into(), false);
        let header = |name: &str| written.iter().find(|(n, _)| *n == name).map(|(_, v)| v.clone());
        let dead = Dead::read("attempts.dlq/0 offset 4".into(), 22, header);
        assert_eq!((dead.attempt_id.as_deref(), dead.tries.as_str()), (Some("a7"), "1"));
        assert_eq!((dead.from.as_str(), dead.reason), ("attempts/3 offset 17", refusal.reason));
        assert!(written.iter().all(|(name, _)| name.starts_with(header::PREFIX)));
        assert!(is_withheld(b"no json: 4111 1111 1111 1111") && !is_withheld(b"no json: 12"));
    }
}
