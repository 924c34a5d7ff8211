//! The kill switch: engaged at once, latched in the store, cleared by two people.

use payments::Timestamp;
use serde::Serialize;
use store::KillSwitch;
use utoipa::ToSchema;

use super::core::json;
use crate::wire::rfc3339;

/// How long a request to clear it waits for a second person.
pub const CLEAR_MS: i64 = 15 * 60_000;

/// `GET /v1/kill-switch`.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Told {
    engaged: bool,
    reason: Option<String>,
    by: Option<String>,
    at: Option<String>,
    clear_requested_by: Option<String>,
    expires_at: Option<String>,
}

impl Told {
    /// Of the stored one.
    pub fn new(from: &KillSwitch) -> Self {
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let time = |ms: i64| rfc3339(Timestamp::from_millis(ms));
        Self {
            engaged: from.engaged,
            reason: text(&from.reason),
            by: text(&from.by),
            at: (from.at_ms > 0).then(|| time(from.at_ms)),
            clear_requested_by: from.clear_requested.as_ref().map(|(by, _)| by.clone()),
            expires_at: from.clear_requested.as_ref().map(|(_, ms)| time(*ms)),
        }
    }
}

/// What can't be read counts as engaged.
pub fn unreadable(error: &store::Error) -> KillSwitch {
    KillSwitch {
        engaged: true,
        reason: format!("the stored kill switch can't be read: {error}"),
        ..KillSwitch::default()
    }
}

/// Its JSON.
pub fn body(switch: &KillSwitch) -> String {
    json(&Told::new(switch))
}

/// What asking to clear it comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Clearing {
    /// Nothing to clear.
    NotEngaged,
    /// The first of two has asked.
    Requested(KillSwitch),
    /// It is cleared.
    Cleared(KillSwitch),
    /// The same person again.
    SamePerson,
}

/// Asks to clear it; `four_eyes` wants another person to agree.
pub fn clear(switch: &KillSwitch, by: &str, four_eyes: bool, now: Timestamp) -> Clearing {
    if !switch.engaged {
        return Clearing::NotEngaged;
    }
    let now_ms = now.as_millis();
    let cleared = KillSwitch {
        engaged: false,
        reason: String::new(),
        by: by.into(),
        at_ms: now_ms,
        clear_requested: None,
    };
    if !four_eyes {
        return Clearing::Cleared(cleared);
    }
    match &switch.clear_requested {
        Some((first, until_ms)) if *until_ms > now_ms => {
            if first == by {
                Clearing::SamePerson
            } else {
                Clearing::Cleared(cleared)
            }
        }
        _ => Clearing::Requested(KillSwitch {
            clear_requested: Some((by.into(), now_ms + CLEAR_MS)),
            ..switch.clone()
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clearing_takes_two_people_in_time() {
        let at = Timestamp::from_millis;
        let engaged = KillSwitch { engaged: true, ..KillSwitch::default() };
        let Clearing::Requested(asked) = clear(&engaged, "ann", true, at(1_000)) else {
            panic!("the first is a request")
        };
        assert!(asked.engaged);
        assert_eq!(clear(&asked, "ann", true, at(2_000)), Clearing::SamePerson);
        assert!(matches!(clear(&asked, "bob", true, at(2_000)), Clearing::Cleared(_)));
        let late = at(1_000 + CLEAR_MS);
        assert!(matches!(clear(&asked, "bob", true, late), Clearing::Requested(_)));
        assert!(matches!(clear(&engaged, "ann", false, at(1)), Clearing::Cleared(_)));
        assert_eq!(clear(&KillSwitch::default(), "ann", true, at(1)), Clearing::NotEngaged);
    }
}
